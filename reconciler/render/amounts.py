"""How amounts are said to people: sizes, spans of time, ages, moments, how many times as much."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_AGES = ((86400 * 365, "y"), (86400, "d"), (3600, "h"), (60, "min"))
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::[\d.]+)?Z")
_NUMBERS = (int, float)


def size_text(size: float) -> str:
    """A number of bytes: `41.0 MiB`."""
    for unit in _UNITS:
        if size < 1024 or unit == _UNITS[-1]:
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"


def duration(seconds: float) -> str:
    """A span of time: `90 s`, `4.5 min`, `2.0 h`."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 600:
        return f"{seconds / 60:.2g} min"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def age_text(created: str, now: float) -> str:
    """How long ago something was: `3 d`; `-` where that is not known."""
    try:
        seconds = now - datetime.fromisoformat(created).timestamp()
    except ValueError:
        return "-"
    return next((f"{seconds // unit:.0f} {name}" for unit, name in _AGES if seconds >= unit), "now")


def moment(text: str) -> str:
    """A time to the minute: `2026-11-28 10:11 UTC`; anything else as it is."""
    found = _MOMENT.fullmatch(text)
    return f"{found[1]} {found[2]} UTC" if found else text


def ratio(before: Any, after: Any) -> str:
    """How many times as much, or the how manieth part, where that says something."""
    for value in (before, after):
        if type(value) not in _NUMBERS or value <= 0:
            return ""
    if after >= 2 * before:
        return f"(x{_times(after / before)})"
    if before >= 2 * after:
        return f"(÷{_times(before / after)})"
    return ""


def _times(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
