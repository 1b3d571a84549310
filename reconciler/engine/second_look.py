"""Looks again, before a step is begun, at what was last looked at more than a minute ago: somebody may have moved it meanwhile.

One look serves everything of a kind for the next minute, so that a long apply asks no more than a list per kind and minute.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.engine.planner import Blueprint, live_fingerprint
from reconciler.engine.refresh import next_look
from reconciler.errors import StalePlanError
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Change, StepKey
from reconciler.model.handler import Handler, Look, Subject
from reconciler.model.resource import Observed

AFTER_SECONDS = 60.0
_CHANGES_WHAT_IS_THERE = ("update", "adopt", "delete")
Seen = Mapping[ResourceAddress, Observed]


@dataclass(slots=True)
class SecondLook:
    """What a plan rests on, as it was seen when the plan was made, and as it is now. Asked by several threads."""

    blueprint: Blueprint
    handlers: Mapping[str, Handler]
    steady: Callable[[], float] = time.monotonic
    _seen: dict[str, tuple[float, Seen]] = field(default_factory=dict)  # by kind: when, and what
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def check(self, key: StepKey) -> None:
        """Raises StalePlanError where what a step is about to change has been changed since the plan was made."""
        change = self.blueprint.decided.changes[key.address]
        if key.operation not in _CHANGES_WHAT_IS_THERE or change.observed is None:
            return
        if self.steady() - self.blueprint.seen_at <= AFTER_SECONDS:
            return
        found = self._look(key.address.kind).get(key.address)
        if found is not None and live_fingerprint(replace(change, observed=found)) != live_fingerprint(
            change
        ):
            raise StalePlanError(
                "somebody has changed it since this apply looked at it",
                fix="plan again",
                address=str(key.address),
            )

    def _look(self, kind: str) -> Seen:
        with self._mutex:
            looked_at, seen = self._seen.get(kind, (float("-inf"), {}))
            if self.steady() - looked_at > AFTER_SECONDS:
                looked_at = self.steady()
                seen = self.handlers[kind].observe(Look(next_look(), self._subjects(kind))).by_identity
                self._seen[kind] = (looked_at, seen)
            return seen

    def _subjects(self, kind: str) -> list[Subject]:
        changes = self.blueprint.decided.changes.values()
        return [_subject(one) for one in changes if one.address.kind == kind and one.observed is not None]


def _subject(change: Change) -> Subject:
    assert change.observed is not None
    identity = change.observed.identity
    return Subject(change.address, change.name, identity=identity, prior=change.prior, wanted=change.wanted)
