"""What a builder is to this kind; `DockerBuilder` is one. Without any, a `build:` is an error that says what to do instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from reconciler.clients.build_inputs import BuildInputs

if TYPE_CHECKING:
    from reconciler.clients.git_commit import Commit
    from reconciler.clients.image_source import ImageSource

__all__ = ["BuildInputs", "Builder", "Progress", "tag_of"]

Progress = Callable[[int, int, str], None]


class Builder(Protocol):
    """Makes an image from a `build` block; paths in the block are relative to the manifest's folder."""

    def inputs(self, block: Mapping[str, Any], base_dir: Path) -> BuildInputs:
        """Looks at what a build would read, without building."""

    def commit(self, block: Mapping[str, Any], base_dir: Path) -> Commit | None:
        """The commit that holds what a build reads; None where there is none."""

    def build(
        self, block: Mapping[str, Any], base_dir: Path, progress: Progress, stop: Callable[[], bool]
    ) -> ImageSource:
        """Builds, and gives the image to be pushed; raises InterruptedRunError once `stop` says so."""


def tag_of(inputs: str) -> str:
    """The tag of a build: what it was made from, so that a present tag means nothing has to be built."""
    return inputs.rpartition(":")[2]
