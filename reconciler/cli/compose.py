"""Writes a Compose file from the manifest: the same Dockerfiles, ports and variables, on one machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click

from reconciler.cli.dockerfiles import named_dockerfile, text_of
from reconciler.cli.options import Common, common_options
from reconciler.cli.saying import answer, note
from reconciler.cli.workplace import binding_handlers
from reconciler.clients.dockerfile import read_dockerfile
from reconciler.clients.dockerfile_stages import Stages, exposed_ports
from reconciler.errors import ReconcilerError
from reconciler.manifest import read_manifest
from reconciler.model.address import ResourceAddress
from reconciler.model.manifest import Inputs, Manifest
from reconciler.model.resource import Desired
from reconciler.render.compose import Surroundings, compose_file
from reconciler.storage.disk import Disk, write_whole

_EXAMPLE = ".env.example"


@click.command("compose")
@common_options
@click.option(
    "-o",
    "out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help=f"Write it there, and {_EXAMPLE} beside it.",
)
def command(common: Common, out: Path | None) -> int:
    """Write a Compose file for a production-like local run."""
    path = common.manifest_path()
    # What lies outside the manifest is for Compose's own variables, so that the file is the same on every machine.
    manifest = read_manifest(path, binding_handlers(), common.environment_name(), Inputs(offline=True))
    home = out.parent if out else Path()
    around = Surroundings(lambda context: _from(home, path.parent / context), _exposed(manifest, path.parent))
    found = compose_file(manifest, around)
    if out is None:
        answer(found.text)
    else:
        _write(out, found.text)
        _write(home / _EXAMPLE, found.env_example)
        note(f"{out} and {home / _EXAMPLE} written")
    for one in found.notes:
        note(one)
    return 0


def _from(home: Path, context: Path) -> str:
    """The way from the Compose file to a context, in the form that is no URL to anybody."""
    way = Path(os.path.relpath(context.resolve(), home.resolve())).as_posix()
    return way if way.startswith("..") or way == "." else f"./{way}"


def _exposed(manifest: Manifest, folder: Path) -> dict[ResourceAddress, tuple[str, ...]]:
    """The ports that the Dockerfiles expose, as far as those can be read."""
    return {
        desired.address: _ports(desired, folder)
        for desired in manifest.resources.values()
        if desired.address.kind == "image" and isinstance(desired.attributes.get("build"), Mapping)
    }


def _ports(desired: Desired, folder: Path) -> tuple[str, ...]:
    recipe = named_dockerfile(desired, folder).recipe
    if recipe is None:
        return ()
    try:
        dockerfile = read_dockerfile(text_of(recipe.dockerfile))
    except OSError:
        return ()
    return exposed_ports(Stages.of(dockerfile, recipe.target, recipe.args).final)


def _write(path: Path, text: str) -> None:
    try:
        write_whole(Disk(), path, text.encode())
    except OSError as error:
        raise ReconcilerError(
            f"{path} cannot be written: {error.strerror}", fix="name another place with -o"
        ) from None
