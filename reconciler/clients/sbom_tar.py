"""A tar read as it arrives: forward only, in constant memory, whatever its headers claim.

Knows no compression and no images. The standard library's reader keeps every header, and believes the sizes in them.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from reconciler.errors import ProviderError

_BLOCK = 512
_PIECE = 256 * 1024
_LARGEST_HEADER = 1024 * 1024
_END = bytes(_BLOCK)
_MORE_HEADERS = {tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE}
_WITHOUT_CONTENT = {
    tarfile.LNKTYPE,
    tarfile.SYMTYPE,
    tarfile.CHRTYPE,
    tarfile.BLKTYPE,
    tarfile.DIRTYPE,
    tarfile.FIFOTYPE,
}
_REGULAR = {tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE}


class Readable(Protocol):
    """Where a tar comes from."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""


@dataclass(slots=True)
class TarStream:
    """The bytes of a tar, of which no more than `room` are taken."""

    file: Readable
    room: int
    name: str
    taken: int = 0

    def take(self, size: int) -> bytes:
        """Exactly so many bytes; ProviderError if it ends before."""
        content = bytearray()
        while len(content) < size:
            piece = self.file.read(min(_PIECE, size - len(content)))
            if not piece:
                raise ProviderError(f"{self.name}: ends too early to be a tar", fix="build the image again")
            content += piece
        self._count(size)
        return bytes(content)

    def skip(self, size: int) -> None:
        """Passes over so many bytes."""
        while size > 0:
            piece = self.file.read(min(_PIECE, size))
            if not piece:
                raise ProviderError(f"{self.name}: ends too early to be a tar", fix="build the image again")
            size -= len(piece)
            self._count(len(piece))

    def next_header(self) -> bytes | None:
        """The next header; None where the tar ends, by its mark or without one."""
        block = bytearray()
        while len(block) < _BLOCK and (piece := self.file.read(_BLOCK - len(block))):
            block += piece
        self._count(len(block))
        return None if not block or bytes(block) == _END else bytes(block)

    def _count(self, size: int) -> None:
        self.taken += size
        if self.taken > self.room:
            raise ProviderError(
                f"{self.name}: unpacks to more than an image may hold", fix="check where it comes from"
            )


@dataclass(slots=True)
class TarEntry:
    """One entry; its content can be read until the next one is asked for."""

    path: str
    kind: bytes
    link: str
    size: int
    _stream: TarStream = field(repr=False)
    _left: int = 0

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return self.kind in _REGULAR

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.kind == tarfile.DIRTYPE

    @property
    def is_hard_link(self) -> bool:
        """Whether it is another name of a file that came before."""
        return self.kind == tarfile.LNKTYPE

    def read(self, most: int) -> bytes:
        """The content, or as much of its beginning."""
        content = self._stream.take(min(most, self._left))
        self._left -= len(content)
        return content

    def pass_over(self) -> None:
        """Leaves out what was not read, up to the next header."""
        self._stream.skip(self._left + -self.size % _BLOCK)
        self._left = 0


def entries(stream: TarStream) -> Iterator[TarEntry]:
    """The entries of a tar, each only until the next; names are plain (`usr/bin/x`), those that lead out are left out."""
    said: dict[str, str] = {}
    while (block := stream.next_header()) is not None:
        header = _header(block, stream.name)
        if header.type in _MORE_HEADERS:
            said |= _records(_small(stream, header), stream.name)
        elif header.type == tarfile.GNUTYPE_LONGNAME:
            said["path"] = _text(_small(stream, header))
        elif header.type == tarfile.GNUTYPE_LONGLINK:
            said["linkpath"] = _text(_small(stream, header))
        elif header.type == tarfile.XGLTYPE:
            _small(stream, header)
        else:
            if header.type == tarfile.GNUTYPE_SPARSE:
                _pass_maps(stream, block)
            entry = _entry(stream, header, said)
            if entry.path:
                yield entry
            entry.pass_over()
            said = {}


def plain_path(name: str) -> str:
    """A name without what says where it begins; empty where it leads out of the image."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return "" if ".." in parts else "/".join(parts)


def _header(block: bytes, name: str) -> tarfile.TarInfo:
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        raise ProviderError(f"{name}: is no tar ({error})", fix="build the image again") from None


def _entry(stream: TarStream, header: tarfile.TarInfo, said: dict[str, str]) -> TarEntry:
    is_sparse = any(key.startswith("GNU.sparse.") for key in said)
    size = 0 if header.type in _WITHOUT_CONTENT else _size(said.get("size"), header.size, stream.name)
    path = said.get("GNU.sparse.name") or said.get("path") or header.name
    link = said.get("linkpath") or header.linkname
    kind = tarfile.GNUTYPE_SPARSE if is_sparse else header.type
    return TarEntry(plain_path(path), kind, plain_path(link), size, stream, size)


def _size(said: str | None, found: int, name: str) -> int:
    size = int(said) if said and said.isascii() and said.isdecimal() and len(said) < 20 else found
    if size < 0:
        raise ProviderError(f"{name}: holds a file of negative size", fix="check where it comes from")
    return size


def _small(stream: TarStream, header: tarfile.TarInfo) -> bytes:
    """What a header says beside itself."""
    if not 0 <= header.size <= _LARGEST_HEADER:
        raise ProviderError(
            f"{stream.name}: holds a header that is too large", fix="check where it comes from"
        )
    content = stream.take(header.size)
    stream.skip(-header.size % _BLOCK)
    return content


def _pass_maps(stream: TarStream, block: bytes) -> None:
    """Passes over the further headers of a file with holes, in GNU's old way of writing it."""
    goes_on = block[482]
    while goes_on:
        goes_on = stream.take(_BLOCK)[504]


def _records(content: bytes, name: str) -> dict[str, str]:
    """`27 path=usr/bin/x` and a line end, one after the other."""
    records, position = {}, 0
    while position < len(content):
        space = content.find(b" ", position, position + 20)
        length = content[position:space] if space > 0 else b""
        if not length.isdigit() or int(length) <= space - position:
            raise ProviderError(f"{name}: is no tar (a header cannot be read)", fix="build the image again")
        key, _, value = content[space + 1 : position + int(length) - 1].partition(b"=")
        records[_text(key)] = _text(value)
        position += int(length)
    return records


def _text(content: bytes) -> str:
    return content.rstrip(b"\0").decode("utf-8", "surrogateescape")
