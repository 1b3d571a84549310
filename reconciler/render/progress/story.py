"""Where a run stands, as told by its events: what runs and how far it is, what waits for what, what failed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from reconciler.model.event import (
    Event,
    StepBegun,
    StepFailed,
    StepLeftUnsettled,
    StepProgressed,
    StepSettled,
    StepSkipped,
    StepSucceeded,
)
from reconciler.model.plan import Plan, PlannedChange
from reconciler.render.details import rollout_of
from reconciler.render.progress.words import doing, without_account

_LOOKED_AT = 60
"""Of those that wait, so many are looked at for an example."""


@dataclass(slots=True)
class Doing:
    """One step that is under way."""

    since: float
    what: str
    expected: float = 0.0
    done: float = 0.0
    of: float = 0.0


@dataclass(slots=True)
class Story:
    """The run so far; with a plan it also knows what still waits, and how long things should take."""

    total: int
    running: dict[str, Doing] = field(default_factory=dict)
    began: dict[str, float] = field(default_factory=dict)  # by operation
    ended: int = 0
    failed: int = 0
    skipped: int = 0
    expected: float = 0.0
    _waiting: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _seconds: dict[tuple[str, str], float] = field(default_factory=dict)
    _finished: set[str] = field(default_factory=set)
    _rollouts: dict[str, tuple[float, ...]] = field(default_factory=dict)  # the share that each step reaches

    @classmethod
    def of(cls, total: int, plan: Plan | None) -> Story:
        """The beginning of a run."""
        if plan is None:
            return cls(total)
        acting = [change for change in plan.changes if change.steps]
        return cls(
            total,
            expected=_longest(acting),
            _waiting={change.address: change.requires for change in acting},
            _seconds={
                (change.address, step.operation): step.seconds for change in acting for step in change.steps
            },
            _rollouts={
                change.address: tuple(step.percentage for step in rollout.steps)
                for change in acting
                if (rollout := rollout_of(change))
            },
        )

    def take(self, event: Event, now: float) -> None:
        """Goes on with an event."""
        match event:
            case StepBegun():
                self._begin(event, now)
            case StepProgressed():
                under_way = self.running.setdefault(str(event.address), Doing(now, ""))
                under_way.what = without_account(event.note) + self._step(event)
                under_way.done, under_way.of = event.done, event.of
            case StepSucceeded() if event.prior and event.prior.pending:
                under_way = self.running.setdefault(str(event.address), Doing(now, ""))
                under_way.what = f"waiting for its {event.prior.pending[0].what}"
                under_way.done = under_way.of = 0
            case StepSucceeded() | StepSettled() | StepLeftUnsettled():
                self._end(str(event.address))
            case StepFailed():
                self.failed += 1
                self._end(str(event.address))
            case StepSkipped():
                self.skipped += 1
                self._end(str(event.address))
            case _:
                pass

    def _step(self, event: StepProgressed) -> str:
        """Which step of its rollout it is at, by the share of instances that are new."""
        shares = self._rollouts.get(str(event.address), ())
        if len(shares) < 2 or event.of <= 1:
            return ""
        reached = 100 * event.done / event.of
        number = next((place for place, share in enumerate(shares, 1) if reached < share), len(shares))
        return f", step {number} of {len(shares)}"

    def _begin(self, event: StepBegun, now: float) -> None:
        address = str(event.address)
        self.began[event.operation] = now
        self.running[address] = Doing(now, doing(event.verb), self._seconds.get((address, event.verb), 0.0))
        self._waiting.pop(address, None)

    def _end(self, address: str) -> None:
        self.running.pop(address, None)
        self._waiting.pop(address, None)
        self._finished.add(address)
        self.ended += 1

    def waiting(self) -> Iterator[tuple[str, str]]:
        """Some of those that have not begun, each with what it waits for."""
        for _, (address, requires) in zip(range(_LOOKED_AT), self._waiting.items(), strict=False):
            open_ones = [one for one in requires if one not in self._finished]
            if open_ones:
                yield address, open_ones[0]

    @property
    def waits(self) -> int:
        """How many have not begun."""
        return len(self._waiting)


def _longest(changes: list[PlannedChange]) -> float:
    """How long the longest chain of steps should take. Changes stand after what they wait for."""
    ends: dict[str, float] = {}
    for change in changes:
        begins = max((ends.get(one, 0.0) for one in change.requires), default=0.0)
        ends[change.address] = begins + sum(step.seconds for step in change.steps)
    return max(ends.values(), default=0.0)
