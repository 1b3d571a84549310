"""Takes a `multipart/form-data` body apart: what wrangler and the reconciler upload Workers with (reference 3.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PARAMETER = re.compile(r';\s*(\w+)="((?:\\.|[^"\\])*)"')


@dataclass(frozen=True, slots=True)
class Part:
    """One part; `filename` and `content_type` are empty where the part has none."""

    name: str
    filename: str
    content_type: str
    data: bytes


def parts(body: bytes, content_type: str) -> list[Part]:
    """The parts of a body, or ValueError where it is no multipart body."""
    found = re.search(r'boundary="?([^";]+)"?', content_type)
    if not content_type.startswith("multipart/") or not found:
        raise ValueError("the body is not multipart/form-data")
    delimiter = b"\r\n--" + found[1].encode()
    pieces = (b"\r\n" + body).split(delimiter)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        raise ValueError("the multipart body is cut short")
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> Part:
    head, _, data = piece.partition(b"\r\n\r\n")
    headers = {}
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    facts = dict(_PARAMETER.findall(headers.get("content-disposition", "")))
    return Part(facts.get("name", ""), facts.get("filename", ""), headers.get("content-type", ""), data)
