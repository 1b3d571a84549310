"""A `multipart/form-data` body in one piece, so that it can be sent a second time."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import field

from reconciler.frozen import frozen


@frozen
class Part:
    """One part of a form; with a file name it is a file."""

    name: str
    content: bytes = field(repr=False)
    content_type: str
    filename: str | None = None


def encode(parts: Sequence[Part]) -> tuple[bytes, str]:
    """Gives the body and its content type."""
    boundary = f"----reconciler{secrets.token_hex(16)}"
    lines: list[bytes] = []
    for part in parts:
        lines += [f"--{boundary}".encode(), _disposition(part), f"Content-Type: {part.content_type}".encode()]
        lines += [b"", part.content]
    lines += [f"--{boundary}--".encode(), b""]
    return b"\r\n".join(lines), f"multipart/form-data; boundary={boundary}"


def _disposition(part: Part) -> bytes:
    named = f'Content-Disposition: form-data; name="{_quoted(part.name)}"'
    return (named if part.filename is None else f'{named}; filename="{_quoted(part.filename)}"').encode()


def _quoted(text: str) -> str:
    """Escapes as browsers do, since a quotation mark or a line break would end the header."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
