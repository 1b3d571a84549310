"""What a command has made, kept until its process ends: freeing half a million objects one by one takes a tenth of a second."""

from __future__ import annotations

import gc

_KEPT: list[object] = []


def keep(*made: object) -> None:
    """Keeps objects where the process ends with the command, as the collector being off tells; elsewhere they go as ever."""
    if not gc.isenabled():
        _KEPT.extend(made)
