"""The seam for encryption at rest: whatever a store writes of a state goes through here, bytes in and bytes out.

`about` says what the bytes are (`version 41 of LINEAGE`); an envelope that encrypts binds it in, so that one document cannot
stand in another's place. Keys are the affair of `encryption`.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from reconciler.storage.codec import MalformedError

ENCRYPTED = b'{"encrypted":'
"""How every encrypted document begins, and no other."""


class Envelope(Protocol):
    """Wraps documents on their way out and unwraps them on their way in."""

    def wrap(self, document: bytes, about: str) -> bytes:
        """What is stored of a document: one line without end, if the document is."""

    def unwrap(self, stored: bytes, about: str) -> bytes:
        """The document again; MalformedError for bytes that are not what was stored about this.

        `about` may leave out the last words of what the document was wrapped with.
        """

    def lenient(self) -> Envelope:
        """The same for documents that a person hands in, or that were written before there was a key."""


class Plain:
    """The envelope that changes nothing, and refuses what is encrypted."""

    def wrap(self, document: bytes, about: str) -> bytes:
        """The document itself."""
        return document

    def unwrap(self, stored: bytes, about: str) -> bytes:
        """The bytes themselves."""
        if stored.startswith(ENCRYPTED):
            raise MalformedError(
                f"it is encrypted with the key {key_of(stored)}",
                "name that key under `state: {encryption: ...}`",
            )
        return stored

    def lenient(self) -> Envelope:
        """Itself."""
        return self


def about_version(serial: int, lineage: str = "") -> str:
    """What an envelope is told that a version of the state is; the lineage may be unknown when it is read."""
    return f"version {serial} of {lineage}" if lineage else f"version {serial}"


def is_about(said: str, expected: str) -> bool:
    """Whether what a document says that it is begins with the words that are expected."""
    return said == expected or said.startswith(f"{expected} ")


def key_of(stored: bytes) -> str:
    """The id of the key that a document is encrypted with, unverified."""
    try:
        return msgspec.json.decode(stored, type=_Keyed).key[:16]
    except (msgspec.MsgspecError, ValueError):
        return "?"


class _Keyed(msgspec.Struct):
    key: str = "?"
