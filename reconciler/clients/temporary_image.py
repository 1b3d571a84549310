"""Images in temporary files: there for as long as somebody holds them, and gone at the end in any case."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Generator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from reconciler.clients.image_manifest import Manifest
    from reconciler.clients.image_source import ImageSource

Wrap = Callable[["ImageSource", Path], "ImageSource"]


class TemporaryImage:
    """An image in an archive of its own, which is removed with it."""

    def __init__(self, source: ImageSource, name: str, remove: Callable[[], object]) -> None:
        self._source = source
        self._name = name
        self.remove: Callable[[], object] = weakref.finalize(self, remove)

    @property
    def name(self) -> str:
        """What it was made from."""
        return self._name

    @property
    def home(self) -> tuple[str, str]:
        """No registry."""
        return "", ""

    def manifest(self, digest: str = "") -> Manifest:
        """Reads a manifest from the archive."""
        return self._source.manifest(digest)

    def open_blob(self, digest: str, size: int, offset: int = 0) -> Generator[bytes, None, None]:
        """Reads a blob from the archive, which stays for as long as somebody reads."""
        yield from self._source.open_blob(digest, size, offset)


class TemporaryImages:
    """Makes temporary images; whatever is left of them goes when this is closed."""

    def __init__(self) -> None:
        self._alive: weakref.WeakSet[TemporaryImage] = weakref.WeakSet()

    def __enter__(self) -> TemporaryImages:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Removes every file; the images cannot be read any more."""
        for image in list(self._alive):
            image.remove()

    def make(self, name: str, write: Callable[[Path], object], wrap: Wrap | None = None) -> TemporaryImage:
        """Lets `write` write an archive, and opens it; `wrap` makes another image of it, with the same folder to write into."""
        from reconciler.clients.image_archive import open_archive
        from reconciler.clients.temporary_folder import make_folder, remove_folder

        try:
            folder, descriptor = make_folder()
        except OSError as error:
            raise ReconcilerError(
                f"no temporary folder can be made ({error.strerror})", fix="set TMPDIR"
            ) from None
        remove = partial(remove_folder, folder, descriptor)
        with ExitStack() as undo:
            undo.callback(remove)
            write(folder / "image.tar")
            source = open_archive(folder / "image.tar")
            image = TemporaryImage(wrap(source, folder) if wrap else source, name, remove)
            undo.pop_all()
        self._alive.add(image)
        return image
