"""The builder: says what a build would read, builds exactly that with Docker, and reads images out of Docker.

Remembers what it looked at, so that what is built is what was hashed. Docker is asked only when something is built,
and little is loaded before.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from reconciler.clients.build_inputs import BuildInputs
from reconciler.clients.temporary_image import TemporaryImage, TemporaryImages

if TYPE_CHECKING:
    from reconciler.clients.build_context import BuildContext
    from reconciler.clients.docker_build import DockerBuild, Progress, Stop
    from reconciler.clients.git_commit import Commit
    from reconciler.clients.image_source import ImageSource

OWN_FOLDER = ".reconciler"


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class DockerBuilder:
    """Builds with Docker. `temporary` keeps the results until they are pushed.

    `builder` names a builder of buildx (none: the one that is chosen there). `own_folders` hold what this tool writes,
    the state above all: they are never part of a context, since every apply would change the next one's inputs.
    """

    temporary: TemporaryImages
    environ: Mapping[str, str] = field(repr=False)
    builder: str = ""
    own_folders: Sequence[Path] = ()
    now: Callable[[], datetime] = _now
    _contexts: dict[str, BuildContext] = field(default_factory=dict)
    _built: WeakValueDictionary[str, TemporaryImage] = field(default_factory=WeakValueDictionary)
    _building: dict[str, threading.Lock] = field(default_factory=dict)

    def inputs(self, block: Mapping[str, Any], base_dir: Path) -> BuildInputs:
        """Looks at what a build would read, without building."""
        return self._look(block, base_dir).inputs

    def build(self, block: Mapping[str, Any], base_dir: Path, progress: Progress, stop: Stop) -> ImageSource:
        """Builds what `inputs` looked at last; the same inputs are built once, however many images want them."""
        context = self._looked_at(block, base_dir)
        inputs = context.inputs.hash
        with self._building.setdefault(inputs, threading.Lock()):
            image = self._built.get(inputs) or self._build(context, progress, stop)
            self._built[inputs] = image
        return image

    def keep_in_docker(
        self, block: Mapping[str, Any], base_dir: Path, name: str, progress: Progress, stop: Stop
    ) -> bool:
        """Builds what `inputs` looked at last into Docker, under that name; False where that is there already."""
        from reconciler.clients.docker_daemon import connected

        with connected(self.environ) as daemon:
            if daemon.has_image(name):
                return False
        self._order(self._looked_at(block, base_dir), progress, stop).keep_in_docker(name)
        return True

    def commit(self, block: Mapping[str, Any], base_dir: Path) -> Commit | None:
        """The commit that holds what a build reads; None where git knows of none."""
        from reconciler.clients.build_recipe import BuildRecipe
        from reconciler.clients.git_commit import commit_of

        recipe = BuildRecipe.read(block, base_dir)
        files = [recipe.context, recipe.dockerfile]
        return commit_of(recipe.base_dir, files, self._own_in(recipe.base_dir), self.environ)

    def _own_in(self, base_dir: Path) -> list[Path]:
        return [folder.resolve() for folder in (base_dir / OWN_FOLDER, *self.own_folders)]

    def _look(self, block: Mapping[str, Any], base_dir: Path) -> BuildContext:
        from reconciler.clients.build_context import look_at_context
        from reconciler.clients.build_recipe import BuildRecipe
        from reconciler.clients.user_cache import cache_folder

        context = look_at_context(
            BuildRecipe.read(block, base_dir),
            cache_dir=cache_folder(self.environ, "contexts"),
            never_sent=self._own_in(base_dir),
        )
        self._contexts[_key(block, base_dir)] = context
        return context

    def _looked_at(self, block: Mapping[str, Any], base_dir: Path) -> BuildContext:
        return self._contexts.get(_key(block, base_dir)) or self._look(block, base_dir)

    def _build(self, context: BuildContext, progress: Progress, stop: Stop) -> TemporaryImage:
        from reconciler.clients.packed_image import packing

        name = f"the build of {context.recipe.dockerfile}"
        write = self._order(context, progress, stop).write
        return self.temporary.make(name, write, packing(self.environ, progress, stop))

    def _order(self, context: BuildContext, progress: Progress, stop: Stop) -> DockerBuild:
        from reconciler.clients.docker_build import DockerBuild

        return DockerBuild(context, self.environ, progress, stop, self.builder, self._version(context))

    def _version(self, context: BuildContext) -> bytes:
        if not context.version_path:
            return b""
        from reconciler.clients.version_file import version_document

        return version_document(context.recipe.base_dir, context.entries, self.environ, self.now())


@dataclass(slots=True)
class DockerImages:
    """Reads images out of Docker; one that is read twice is saved once."""

    temporary: TemporaryImages
    environ: Mapping[str, str] = field(repr=False)
    stop: Stop = lambda: False
    _saved: dict[str, ImageSource] = field(default_factory=dict)
    _saving: threading.Lock = field(default_factory=threading.Lock)

    def open(self, name: str) -> ImageSource:
        """The image that has this name now, as `docker-daemon:NAME` in a manifest."""
        from reconciler.clients.docker_daemon import connected

        with self._saving, connected(self.environ) as daemon:
            image_id = daemon.image_id(name)
            if image_id not in self._saved:
                self._saved[image_id] = self.temporary.make(
                    f"docker-daemon:{name}", lambda path: daemon.save(image_id, path, self.stop)
                )
            return self._saved[image_id]


def _key(block: Mapping[str, Any], base_dir: Path) -> str:
    return json.dumps([str(base_dir.resolve()), block], sort_keys=True, default=str)
