"""Writes a first manifest: plain data to YAML as a person would write it, with comments above the keys they are about."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.model.value import Path

Notes = Mapping[Path, Sequence[str]]

_WIDEST = 100
_SAFE = re.compile(r"[A-Za-z_./][A-Za-z0-9_./*@+-]*(?::[A-Za-z0-9_./*@+-]+)*")
_REFERENCE = re.compile(r"\$\{[A-Za-z0-9_.-]+\}")
_WORDS = re.compile(r"(?i)(?:true|false|yes|no|on|off|null|nan|~|\.inf|\.nan|[.-].*)")


def written(document: Mapping[str, Any], notes: Notes) -> str:
    """The text of a manifest; `()` in the notes is what stands above everything."""
    lines = [*_comments(notes.get((), ()), 0)]
    for key, value in document.items():
        part = list(_entry((key,), value, notes, 0))
        if lines and len(part) > 1:
            lines.append("")
        lines += part
    return "\n".join(lines) + "\n"


def entry(path: Path, value: Any, notes: Notes) -> list[str]:
    """The lines of one key with its value; `path` says where it stands, as the notes do."""
    return list(_entry(path, value, notes, 0))


def in_flow(value: Any) -> str:
    """A value between braces, on one line."""
    return _in_flow(value)


def _entry(path: Path, value: Any, notes: Notes, indent: int) -> Iterator[str]:
    yield from _comments(notes.get(path, ()), indent)
    start = f"{' ' * indent}{_scalar(path[-1], in_flow=False)}:"
    inline = _inline(value)
    has_notes = any(place[: len(path)] == path and len(place) > len(path) for place in notes)
    is_short = len(start) + len(inline) < _WIDEST and not has_notes
    if not isinstance(value, Mapping | list) or not value or (is_short and _is_flat(value, len(path))):
        yield f"{start} {inline}"
    elif isinstance(value, Mapping):
        yield start
        for key, inner in value.items():
            yield from _entry((*path, key), inner, notes, indent + 2)
    else:
        yield start
        yield from (f"{' ' * (indent + 2)}- {_inline(inner)}" for inner in value)


def _comments(texts: Sequence[str], indent: int) -> Iterator[str]:
    for text in texts:
        yield from (f"{' ' * indent}# {_harmless(line)}" for line in text.split("\n"))


def _harmless(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _is_flat(value: Any, depth: int) -> bool:
    """Whether it reads well on one line: lists of scalars, and small maps deep inside."""
    if isinstance(value, list):
        return not any(isinstance(inner, Mapping | list) for inner in value)
    return depth > 2 and not any(isinstance(inner, Mapping) for inner in value.values())


def _inline(value: Any) -> str:
    if isinstance(value, Mapping | list):
        return _in_flow(value)
    return _scalar(value, in_flow=False)


def _in_flow(value: Any) -> str:
    if isinstance(value, Mapping):
        pairs = (f"{_scalar(key, in_flow=True)}: {_in_flow(inner)}" for key, inner in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_in_flow, value)) + "]"
    return _scalar(value, in_flow=True)


def _scalar(value: Any, *, in_flow: bool) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    is_word = _WORDS.fullmatch(value) is not None and value != "."
    is_plain = _SAFE.fullmatch(value) and not is_word and not (in_flow and ":" in value)
    if is_plain or (not in_flow and _REFERENCE.fullmatch(value)):
        return value
    signs = json.dumps(value, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else f"\\U{ord(sign):08X}" for sign in signs)
