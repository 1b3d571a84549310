"""Which files of a build are new, changed or gone since the last apply, in no more names than a reader can use."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from reconciler.model.value import Value

MOST_NAMES = 200


def changed_files(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, Value]:
    """`{added, changed, removed}`, each a sorted list; `more` counts by the same keys what was left out.

    Nothing where no file differs.
    """
    found = {
        "added": now.keys() - before.keys(),
        "changed": {name for name in now.keys() & before.keys() if now[name] != before[name]},
        "removed": before.keys() - now.keys(),
    }
    if not any(found.values()):
        return {}
    more = {key: len(names) - MOST_NAMES for key, names in found.items() if len(names) > MOST_NAMES}
    told: dict[str, Value] = {key: _told(names) for key, names in found.items()}
    return {**told, "more": more} if more else told


def _told(names: Iterable[str]) -> list[str]:
    """A file's name may be bytes that are no text; a plan holds texts only."""
    return [os.fsencode(name).decode(errors="replace") for name in sorted(names)[:MOST_NAMES]]
