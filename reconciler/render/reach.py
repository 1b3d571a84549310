"""What else is reached from a change, in words."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.model.plan import PlannedChange, PlannedReach
from reconciler.render.harmless import harmless
from reconciler.render.verdict import plural

_NAMES = 3


def reach_text(changes: Sequence[PlannedChange], names: int = _NAMES) -> str:
    """What depends on what changes, and how much of it changes too; "" where nothing does. Of several, only how much."""
    reached = [change.reach for change in changes if change.reach is not None]
    if not reached:
        return ""
    if len(changes) > 1:
        most = max(reached, key=lambda one: one.count)
        return f"{_count(most)} each at most"
    return _told(reached[0], names)


def _told(reach: PlannedReach, names: int) -> str:
    named = ", ".join(harmless(one) for one in reach.nearest[:names])
    rest = reach.count - min(names, len(reach.nearest))
    more = f" and {'at least ' if reach.more else ''}{rest:,} more" if rest else ""
    return f"{named}{more}{_changing(reach)}"


def _changing(reach: PlannedReach) -> str:
    if not reach.changing:
        return ", unchanged"
    if reach.changing == reach.count:
        return ", changed too"
    return f"; {reach.changing:,} of them changed too"


def _count(reach: PlannedReach) -> str:
    return f"{'at least ' if reach.more else ''}{plural(reach.count, 'resource')}"
