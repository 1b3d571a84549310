"""The files in an image archive, a folder or a tar, by name: nothing unpacked, no link inside a tar followed.

Says nothing of images. A file is opened for each reading, so that many threads can read at once.
"""

from __future__ import annotations

import io
import os
import stat
import tarfile
from collections.abc import Generator, Mapping
from pathlib import Path, PurePosixPath
from typing import Protocol

from reconciler.errors import IntegrityError, NotFoundError, ProviderError
from reconciler.frozen import frozen

_PIECE = 256 * 1024
_MOST_MEMBERS = 20_000
_LARGEST_HEADER = 1024 * 1024
_COMPRESSIONS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}


class ArchiveFiles(Protocol):
    """The regular files of an archive."""

    def size(self, name: str) -> int | None:
        """The size of a file; None if there is no regular file of that name."""

    def pieces(self, name: str, offset: int = 0) -> Generator[bytes, None, None]:
        """Reads a file from `offset` on."""


@frozen
class FolderFiles:
    """The files under a folder."""

    folder: Path

    def size(self, name: str) -> int | None:
        """The size of a file; None if there is no regular file of that name."""
        try:
            found = (self.folder / safe_name(name)).stat()
        except OSError:
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def pieces(self, name: str, offset: int = 0) -> Generator[bytes, None, None]:
        """Reads a file from `offset` on."""
        size = self.size(name)
        if size is None:
            raise missing(self.folder, name)
        yield from _read(self.folder / safe_name(name), offset, size)


@frozen
class TarFiles:
    """The regular files of a tar, found by reading its headers once."""

    path: Path
    spans: Mapping[str, tuple[int, int]]

    @classmethod
    def open(cls, path: Path) -> TarFiles:
        """Reads the headers of a tar that is not compressed."""
        try:
            with path.open("rb") as file:
                _refuse_compressed(path, file.read(8))
                file.seek(0)
                return cls(path, _spans(path, _HeaderReader(file)))
        except (OSError, tarfile.TarError) as error:
            raise ProviderError(f"{path}: cannot be read as a tar ({error})") from None

    def size(self, name: str) -> int | None:
        """The size of a file; None if there is no regular file of that name."""
        span = self.spans.get(safe_name(name))
        return None if span is None else span[1]

    def pieces(self, name: str, offset: int = 0) -> Generator[bytes, None, None]:
        """Reads a file from `offset` on."""
        span = self.spans.get(safe_name(name))
        if span is None:
            raise missing(self.path, name)
        start, size = span
        yield from _read(self.path, start + offset, start + size)


def safe_name(name: str) -> str:
    """Gives the plain form of a name inside an archive; ProviderError if it leads out of it."""
    parts = PurePosixPath(name).parts
    if ".." in parts or name.startswith("/") or "\0" in name:
        raise ProviderError(f"an image archive holds the path {name[:80]!r}, which leads out of it")
    return "/".join(parts)


def read_whole(files: ArchiveFiles, name: str, limit: int) -> bytes:
    """Reads a small file; ProviderError if it is larger than `limit`."""
    content = bytearray()
    for piece in files.pieces(name):
        content += piece
        if len(content) > limit:
            raise ProviderError(f"an image archive's {name} is larger than {limit} bytes")
    return bytes(content)


def missing(path: Path, name: str) -> NotFoundError:
    """The error for a file that an archive should hold."""
    return NotFoundError(f"{path}: {name} is missing", fix="write the archive again")


class _HeaderReader(io.RawIOBase):
    """A file of which only headers may be read: an absurd length in one must not fill the memory."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file

    def read(self, size: int = -1, /) -> bytes:
        if not 0 <= size <= _LARGEST_HEADER:
            raise tarfile.ReadError("a header is too large")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def _spans(path: Path, file: _HeaderReader) -> dict[str, tuple[int, int]]:
    spans: dict[str, tuple[int, int]] = {}
    with tarfile.open(fileobj=file, mode="r:") as tar:
        for count, member in enumerate(tar):
            if count >= _MOST_MEMBERS:
                raise ProviderError(f"{path}: holds more than {_MOST_MEMBERS} files; it is no image archive")
            name = safe_name(member.name)
            spans.pop(name, None)
            if member.isreg() and not member.issparse():
                spans[name] = (member.offset_data, member.size)
    return spans


def _refuse_compressed(path: Path, start: bytes) -> None:
    for magic, name in _COMPRESSIONS.items():
        if start.startswith(magic):
            raise ProviderError(f"{path}: the archive is compressed with {name}", fix="decompress it first")


def _read(path: Path, offset: int, end: int) -> Generator[bytes, None, None]:
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(offset)
            while offset < end:
                piece = file.read(min(_PIECE, end - offset))
                if not piece:
                    raise IntegrityError(f"{path}: ends too early", fix="write the archive again")
                offset += len(piece)
                yield piece
    except OSError as error:
        raise ProviderError(f"{path}: cannot be read ({error.strerror})") from None
