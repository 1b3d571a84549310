"""A build context as the tar that a builder is sent: exactly what was hashed, and nothing of the machine it lies on.

Every file is hashed again on its way; one that has changed since ends the stream with an error.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable, Generator, Iterator
from hashlib import sha256
from pathlib import Path

from reconciler.clients.build_context import BuildContext
from reconciler.clients.context_files import ContextEntry, Sort, open_file
from reconciler.clients.regular_file import reason
from reconciler.errors import ReconcilerError

# One time for everything: the same content is the same layer. Not 1970, which zip files cannot express.
_TIME = 946_684_800
_MODES = {Sort.FILE: 0o644, Sort.PROGRAM: 0o755, Sort.LINK: 0o777, Sort.FOLDER: 0o755}
_TYPES = {Sort.LINK: tarfile.SYMTYPE, Sort.FOLDER: tarfile.DIRTYPE}
_PIECE = 256 * 1024
_BLOCK = tarfile.BLOCKSIZE

Told = Callable[[int], None]


class ContextChangedError(ReconcilerError):
    """A file is not what it was when the inputs of the build were hashed."""


def dockerfile_name(context: BuildContext) -> str:
    """What the Dockerfile is called in the stream.

    BuildKit takes it from there, even one that the context does not hold; such a one gets a name that is nobody's.
    """
    return context.dockerfile or f".dockerfile.{sha256(context.dockerfile_text).hexdigest()[:12]}"


def stream_context(
    context: BuildContext, version: bytes = b"", told: Told = lambda _: None
) -> Generator[bytes, None, None]:
    """Gives the tar piece by piece; `version` is what goes to the version path, `told` hears the bytes sent so far."""
    sent = 0
    for piece in _gathered(_members(context, version)):
        sent += len(piece)
        yield piece
        told(sent)


def _members(context: BuildContext, version: bytes) -> Iterator[bytes]:
    if not context.dockerfile:
        yield from _written(dockerfile_name(context), context.dockerfile_text)
    for entry in context.entries:
        yield _header(entry)
        if entry.is_file:
            yield from _content(context.recipe.context, entry)
    if context.version_path:
        yield from _written(context.version_path, version)
    yield bytes(2 * _BLOCK)


def _header(entry: ContextEntry) -> bytes:
    member = tarfile.TarInfo(entry.path)
    member.mode, member.mtime, member.type = (
        _MODES[entry.sort],
        _TIME,
        _TYPES.get(entry.sort, tarfile.REGTYPE),
    )
    member.size = entry.size if entry.is_file else 0
    member.linkname = entry.content if entry.sort is Sort.LINK else ""
    return member.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _written(path: str, content: bytes) -> Iterator[bytes]:
    yield _header(ContextEntry(path, Sort.FILE, "", len(content)))
    yield content + _padding(len(content))


def _padding(size: int) -> bytes:
    return bytes(-size % _BLOCK)


def _content(root: Path, entry: ContextEntry) -> Iterator[bytes]:
    """A file's bytes, and never more than its header has promised."""
    hashed, left = sha256(), entry.size
    try:
        descriptor = open_file(root, entry.path)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            while piece := file.read(min(_PIECE, left)):
                hashed.update(piece)
                left -= len(piece)
                yield piece
            is_longer = bool(file.read(1))
    except OSError as error:
        raise _changed(root, entry, reason(error)) from None
    if left or is_longer or hashed.hexdigest() != entry.content:
        raise _changed(root, entry, "has changed")
    yield _padding(entry.size)


def _changed(root: Path, entry: ContextEntry, how: str) -> ContextChangedError:
    return ContextChangedError(
        f"{root}/{entry.path} {how} since the inputs of the build were hashed",
        fix="nothing was built; plan again, and leave the files alone meanwhile",
    )


def _gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Small pieces put together, so that sending them does not cost more than they hold."""
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) >= _PIECE:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)
