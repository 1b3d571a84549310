"""Rows as columns for people, and how sizes and ages are said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from reconciler.render.harmless import harmless

_UNITS = ("B", "kB", "MB", "GB", "TB")
_AGES = ((86400 * 365, "y"), (86400, "d"), (3600, "h"), (60, "min"))


def columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with its heads, every cell made harmless."""
    lines = [list(heads), *[[harmless(cell) for cell in row] for row in rows]]
    widths = [max(len(line[at]) for line in lines) for at in range(len(heads))]
    return "".join("  ".join(map(str.ljust, line, widths)).rstrip() + "\n" for line in lines)


def size_text(size: float) -> str:
    """Bytes as people say them: `12.3 MB`."""
    for unit in _UNITS[:-1]:
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} {_UNITS[-1]}"


def age_text(created: str, now: float) -> str:
    """How long ago something was: `3 d`; `-` where that is not known."""
    try:
        seconds = now - datetime.fromisoformat(created).timestamp()
    except ValueError:
        return "-"
    return next((f"{seconds // unit:.0f} {name}" for unit, name in _AGES if seconds >= unit), "now")
