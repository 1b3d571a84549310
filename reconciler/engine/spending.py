"""How many requests an apply will send to the API, as far as a plan can tell: looks, what steps read and write, waits.

Registries are another service: what goes there spends nothing of this budget.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from math import ceil

from reconciler.engine.waiting import LONGEST_PAUSE
from reconciler.model.change import Action
from reconciler.model.handler import Judgement
from reconciler.model.kind import Kind
from reconciler.model.plan import PlannedChange

QUOTA, WINDOW_SECONDS = 1200, 300
"""What a token may ask, and in how many seconds (reference 1.7)."""


def requests_of(
    changes: Iterable[PlannedChange], sent: Collection[Judgement], looked_at: Iterable[Kind]
) -> dict[str, int]:
    """`{reads, writes, quota, window_seconds}` where anything is sent.

    `sent` has a judgement for each step, `looked_at` the kinds of all that is known or wanted.
    """
    writes = sum(judged.writes for judged in sent)
    if not writes:
        return {}
    reads = sum(kind.looks for kind in looked_at) + sum(judged.reads for judged in sent) + _questions(changes)
    return {"reads": reads, "writes": writes, "quota": QUOTA, "window_seconds": WINDOW_SECONDS}


def _questions(changes: Iterable[PlannedChange]) -> int:
    """What waiting asks: one question for all that go, and one after another while the longest rollout lasts."""
    longest, going = 0.0, set()
    for change in changes:
        rollout = change.details.get("rollout") or {}
        longest = max(longest, rollout.get("seconds", 0))
        if change.action in (Action.DELETE, Action.REPLACE):
            going.add(change.kind)
    return ceil(longest / LONGEST_PAUSE) + len(going)
