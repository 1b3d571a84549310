"""Durations as Go writes them (`90s`, `1h30m`), in seconds. Pure."""

from __future__ import annotations

import re

_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text: str) -> float:
    """How long a duration is; ValueError if it is none."""
    parts = _PART.findall(text)
    if not parts or "".join(amount + unit for amount, unit in parts) != text:
        raise ValueError(f'"{text}" is no duration; one looks like 90s or 1h30m')
    return sum(float(amount) * _SECONDS[unit] for amount, unit in parts)
