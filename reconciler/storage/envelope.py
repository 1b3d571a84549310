"""The seam for encryption at rest: whatever a remote store writes of a state goes through here, bytes in and bytes out.

`about` says what the bytes are (`version 41 of LINEAGE`); an envelope that encrypts binds it in, so that one document cannot
stand in another's place.
"""

from __future__ import annotations

from typing import Protocol


class Envelope(Protocol):
    """Wraps documents on their way out and unwraps them on their way in."""

    def wrap(self, document: bytes, about: str) -> bytes:
        """What is stored of a document."""

    def unwrap(self, stored: bytes, about: str) -> bytes:
        """The document again; MalformedError for bytes that are not what was stored about this."""


class Plain:
    """The envelope that changes nothing."""

    def wrap(self, document: bytes, about: str) -> bytes:
        """The document itself."""
        return document

    def unwrap(self, stored: bytes, about: str) -> bytes:
        """The bytes themselves."""
        return stored
