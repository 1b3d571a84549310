"""Plain maps, lists and texts as YAML that every reader takes the same way: what could be read as anything else is quoted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_PLAIN = re.compile(
    r"(?!(?:true|false|yes|no|on|off|null|y|n)$)(?:\.{0,2}/|[A-Za-z_])[A-Za-z0-9_./-]*", re.IGNORECASE
)
_UNWRITABLE = re.compile(
    "[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]|(?<=#)#(?=\\[|vso)"
)


def yaml_text(value: Mapping[str, Any]) -> str:
    """A map as a YAML document."""
    return "".join(f"{line}\n" for line in _lines(value, ""))


def _lines(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, list):
        yield from (f"{indent}- {_scalar(item)}" for item in value)
        return
    for key, inner in value.items():
        if not isinstance(inner, Mapping | list):
            yield f"{indent}{_scalar(key)}: {_scalar(inner)}"
        elif not inner:
            yield f"{indent}{_scalar(key)}: {'[]' if isinstance(inner, list) else '{}'}"
        else:
            yield f"{indent}{_scalar(key)}:"
            yield from _lines(inner, indent + "  ")


def _scalar(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNWRITABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
