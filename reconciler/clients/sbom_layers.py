"""Reads the packages of an image out of its layers, as they arrive: no daemon, nothing unpacked to disk, constant memory.

A layer hides what it deletes or replaces in those below it. What a file says is for `sbom_packages`.
"""

from __future__ import annotations

import gzip
import importlib
import io
import zlib
from collections.abc import Callable, Generator, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.clients.content_digest import verified
from reconciler.clients.sbom_packages import (
    LARGEST_LIST,
    Distribution,
    Found,
    Package,
    Reader,
    distribution_in,
    reader_of,
)
from reconciler.clients.sbom_tar import Readable, TarEntry, TarStream, entries
from reconciler.errors import InterruptedRunError, ProviderError
from reconciler.frozen import frozen

if TYPE_CHECKING:
    from reconciler.clients.image_manifest import Descriptor
    from reconciler.clients.image_source import ImageSource

MOST_UNPACKED = 64 * 1024**3
"""No instance has a disk for as much; whoever sends more means harm."""

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_OTHERS = {b"BZh": "bzip2", b"\xfd7z": "xz"}
_WINDOW = 128 * 1024 * 1024

Stop = Callable[[], bool]


@frozen
class Contents:
    """The packages of an image, each once, and the system that it is made from."""

    packages: tuple[Package, ...]
    distribution: Distribution | None = None


def read_contents(
    source: ImageSource,
    layers: Iterable[Descriptor],
    *,
    stop: Stop = lambda: False,
    most_unpacked: int = MOST_UNPACKED,
) -> Contents:
    """Reads an image's layers, the lowest first; ProviderError for one that cannot be read or is too much."""
    tree = _Tree()
    for layer in layers:
        if layer.size:
            most_unpacked -= _read_layer(source, layer, tree, most_unpacked, stop)
    packages = {package for found in tree.found.values() for package in found.packages}
    return Contents(tuple(sorted(packages)), distribution_in(tree.found))


def _read_layer(source: ImageSource, layer: Descriptor, tree: _Tree, room: int, stop: Stop) -> int:
    """Reads one layer to its end, where its digest is checked; gives how much there was in it."""
    name = f"{source.name}: the layer {layer.digest}"
    opened = source.open_blob(layer.digest, layer.size)
    with closing(verified(opened, layer.digest, layer.size, source.name)) as pieces:
        unpacked = _unpacked(pieces, name)
        stream = TarStream(unpacked.file, room, name)
        try:
            tree.lay_over(_watched(entries(stream), stop), name)
        except unpacked.errors as error:
            _drain(pieces)  # a layer that was damaged on its way says so at its end
            raise ProviderError(f"{name} cannot be unpacked ({error})", fix="build the image again") from None
        _drain(pieces)
    return stream.taken


def _drain(pieces: Iterable[bytes]) -> None:
    for _ in pieces:
        pass


def _watched(found: Iterable[TarEntry], stop: Stop) -> Generator[TarEntry, None, None]:
    for entry in found:
        if stop():
            raise InterruptedRunError("the reading was stopped", fix="run again")
        yield entry


@dataclass(slots=True)
class _Tree:
    """What is found so far, by path; `_folders` are above something that was found."""

    found: dict[str, Found] = field(default_factory=dict)
    _folders: set[str] = field(default_factory=set)

    def lay_over(self, layer: Iterable[TarEntry], name: str) -> None:
        """Hides what a layer hides, then adds what it holds: a layer hides nothing of its own."""
        fresh: dict[str, Found] = {}
        for entry in layer:
            folder, _, last = entry.path.rpartition("/")
            if last == _OPAQUE:
                self._hide_below(folder)
            elif last.startswith(_WHITEOUT):
                self._hide(f"{folder}/{last.removeprefix(_WHITEOUT)}".lstrip("/"))
            else:
                self._replace(entry)
                if reader := reader_of(entry.path):
                    _read(entry, reader, fresh, name)
        self.found |= fresh
        for path in fresh:
            self._folders.update(_above(path))

    def _replace(self, entry: TarEntry) -> None:
        self.found.pop(entry.path, None)
        if not entry.is_folder:
            self._hide_below(entry.path)

    def _hide(self, path: str) -> None:
        self.found.pop(path, None)
        self._hide_below(path)

    def _hide_below(self, folder: str) -> None:
        if folder and folder not in self._folders:
            return
        begin = f"{folder}/" if folder else ""
        for path in [path for path in self.found if path.startswith(begin)]:
            del self.found[path]


def _above(path: str) -> Generator[str, None, None]:
    while path := path.rpartition("/")[0]:
        yield path


def _read(entry: TarEntry, reader: Reader, fresh: dict[str, Found], name: str) -> None:
    if entry.is_hard_link and entry.link in fresh:
        fresh[entry.path] = fresh[entry.link]
    if not entry.is_file:
        return
    if entry.size > LARGEST_LIST:
        raise ProviderError(f"{name} holds a list of packages of {entry.size} bytes: {entry.path}")
    fresh[entry.path] = reader(entry.read(LARGEST_LIST))


class _Pieces(io.RawIOBase):
    """Pieces of content as a file."""

    def __init__(self, pieces: Generator[bytes, None, None]) -> None:
        self._pieces = pieces
        self._held = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while not self._held:
            try:
                self._held = memoryview(next(self._pieces))
            except StopIteration:
                return 0
        count = min(len(buffer), len(self._held))
        buffer[:count] = self._held[:count]
        self._held = self._held[count:]
        return count


@frozen
class _Unpacked:
    """A layer as a tar, and what unpacking it may raise."""

    file: Readable
    errors: tuple[type[Exception], ...] = ()


def _unpacked(pieces: Generator[bytes, None, None], name: str) -> _Unpacked:
    """How a layer is compressed is told by its first bytes, which are right more often than its type."""
    file = io.BufferedReader(_Pieces(pieces), 256 * 1024)
    begin = file.peek(4)
    if begin.startswith(_GZIP):
        return _Unpacked(gzip.GzipFile(fileobj=file), (gzip.BadGzipFile, EOFError, zlib.error))
    if begin.startswith(_ZSTD):
        return _zstd(file, name)
    for magic, kind in _OTHERS.items():
        if begin.startswith(magic):
            raise ProviderError(f"{name} is compressed with {kind}, which no registry asks for")
    return _Unpacked(file)


def _zstd(file: io.BufferedIOBase, name: str) -> _Unpacked:
    """Python has it from 3.14 on, before that the package `zstandard`."""
    with suppress(ImportError):
        zstd = importlib.import_module("compression.zstd")
        return _Unpacked(zstd.ZstdFile(file), (zstd.ZstdError, EOFError))
    with suppress(ImportError):
        zstd = importlib.import_module("zstandard")
        unpacking = zstd.ZstdDecompressor(max_window_size=_WINDOW)
        return _Unpacked(unpacking.stream_reader(file, read_across_frames=True), (zstd.ZstdError,))
    raise ProviderError(
        f"{name} is compressed with zstd, for which there is no library", fix="install zstandard"
    )
