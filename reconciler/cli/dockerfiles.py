"""The Dockerfiles that a manifest names, in all its environments: where they lie, and what `check` and `pin` ask of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from reconciler.cli.options import Common
from reconciler.cli.workplace import binding_handlers
from reconciler.clients.build_recipe import BuildRecipe
from reconciler.clients.dockerignore import IgnoreRules
from reconciler.clients.regular_file import read_regular
from reconciler.clients.secret_files import is_secret_file
from reconciler.errors import ReconcilerError
from reconciler.frozen import frozen
from reconciler.manifest import peek, read_manifest
from reconciler.model.diagnostic import Source
from reconciler.model.manifest import Inputs, Manifest
from reconciler.model.resource import Desired
from reconciler.model.value import Unknown

_LARGEST_TEXT = 4 * 1024 * 1024


@frozen
class NamedDockerfile:
    """A Dockerfile that an image is built from; `problem` says why its place is not known."""

    address: str
    source: Source
    recipe: BuildRecipe | None = None
    problem: str = ""

    @property
    def path(self) -> Path:
        """Where it lies, as messages name it: from where the user stands."""
        assert self.recipe is not None
        return Path(os.path.relpath(self.recipe.dockerfile))


def manifests_of(common: Common) -> list[Manifest]:
    """The manifest as the environment named has it, or as each one has it; nothing is read from outside.

    Raises ManifestError where it is not valid.
    """
    path = common.manifest_path()
    named = common.environment_name()
    every: list[str | None] = [named] if named else [*peek(path).environments] or [None]
    return [read_manifest(path, binding_handlers(), one, Inputs(offline=True)) for one in every]


def named_dockerfiles(manifests: list[Manifest], folder: Path) -> Iterator[NamedDockerfile]:
    """Every Dockerfile once for each way in which it is built."""
    seen: list[BuildRecipe] = []
    for manifest in manifests:
        for desired in manifest.resources.values():
            if desired.address.kind == "image" and isinstance(desired.attributes.get("build"), Mapping):
                found = named_dockerfile(desired, folder)
                if found.recipe is None or found.recipe not in seen:
                    yield found
                if found.recipe is not None:
                    seen.append(found.recipe)


def named_dockerfile(desired: Desired, folder: Path) -> NamedDockerfile:
    """The Dockerfile of an image that is built."""
    block = dict(desired.attributes["build"])
    # What an argument comes to is often known only when building; the rules ask for its name.
    block["args"] = {
        name: value.expression if isinstance(value, Unknown) else value
        for name, value in (block.get("args") or {}).items()
    }
    address = str(desired.address)
    try:
        return NamedDockerfile(address, desired.source, BuildRecipe.read(block, folder))
    except ReconcilerError as error:
        return NamedDockerfile(address, desired.source, problem=error.message)


def text_of(path: Path) -> str:
    """The text of a Dockerfile or ignore file; OSError where it is no regular file, or one without end."""
    return read_regular(path, _LARGEST_TEXT).decode("utf-8", "replace")


def ignore_file(recipe: BuildRecipe) -> Path | None:
    """The ignore file that holds for a Dockerfile: its own, else the context's."""
    own = recipe.dockerfile.with_name(f"{recipe.dockerfile.name}.dockerignore")
    return next((one for one in (own, recipe.context / ".dockerignore") if one.is_file()), None)


def exposed_secrets(recipe: BuildRecipe) -> tuple[str, ...]:
    """Files at the top of the context that look like secrets and are sent to the builder."""
    found = ignore_file(recipe)
    try:
        rules = IgnoreRules.parse(text_of(found), str(found)) if found else IgnoreRules()
        names = sorted(one.name for one in recipe.context.iterdir())
    except OSError:
        return ()
    return tuple(name for name in names if is_secret_file(name) and not rules.leaves_out(name))
