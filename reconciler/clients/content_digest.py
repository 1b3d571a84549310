"""Bytes against their digest: nothing is passed on whole before it is known to be what was asked for.

Pure; the only place that says what a damaged blob is told the user as.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING

from reconciler.errors import IntegrityError

if TYPE_CHECKING:
    from hashlib import _Hash

_FIX = "nothing of it was used; run again, and if it stays so the copy at that place is damaged"


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    """Gives the digest of bytes at hand."""
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def new_hash(digest: str) -> _Hash:
    """Gives the hash that computes digests of the same kind as `digest`."""
    return hashlib.new(digest.partition(":")[0])


def check_digest(digest: str, found: _Hash, subject: str) -> None:
    """Raises IntegrityError unless the bytes that went into `found` have this digest."""
    if found.hexdigest() != digest.partition(":")[2]:
        raise mismatch(subject, digest, f"{found.name}:{found.hexdigest()}")


def mismatch(subject: str, digest: str, found: str) -> IntegrityError:
    """The error for content that is not what its digest says."""
    return IntegrityError(f"{subject}: the content of {digest} has digest {found}", fix=_FIX)


def wrong_size(subject: str, digest: str, size: int, found: str) -> IntegrityError:
    """The error for content that ends too early or too late."""
    return IntegrityError(f"{subject}: {digest} has {found} bytes instead of {size}", fix=_FIX)


def verified(pieces: Iterable[bytes], digest: str, size: int, subject: str) -> Generator[bytes, None, None]:
    """Passes content on piece by piece; the last piece only once size and digest are right."""
    found, seen, held = new_hash(digest), 0, b""
    for piece in pieces:
        found.update(piece)
        seen += len(piece)
        if seen > size:
            raise wrong_size(subject, digest, size, "more")
        if held:
            yield held
        held = piece
    if seen < size:
        raise wrong_size(subject, digest, size, str(seen))
    check_digest(digest, found, subject)
    if held:
        yield held
