"""Durations as Go writes them (`90s`, `1h30m`, `3d1h3m`): to seconds, and to one spelling. Pure."""

from __future__ import annotations

import re
from functools import cache

_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h|d)")
_NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
}
PATTERN = r"^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h|d))+$"


def seconds(text: str) -> float:
    """How long a duration is; ValueError if it is none."""
    return _nanoseconds(text) / 1e9


def spelled(text: str) -> str:
    """The duration in its shortest spelling, so that `90s` and `1m30s` are equal; other text as it is."""
    try:
        rest = _nanoseconds(text)
    except ValueError:
        return text
    parts = []
    for unit in ("h", "m", "s", "ms", "us", "ns"):
        count, rest = divmod(rest, _NANOSECONDS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


@cache  # thousands of resources say the same few
def _nanoseconds(text: str) -> int:
    parts = _PART.findall(text)
    if not parts or "".join(amount + unit for amount, unit in parts) != text:
        raise ValueError(f'"{text}" is no duration; one looks like 90s or 1h30m')
    return round(sum(float(amount) * _NANOSECONDS[unit] for amount, unit in parts))
