"""Looks after what the service is still doing: one question for all of a kind at once, no worker held meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from reconciler.engine.diff import drifted, put, row_for
from reconciler.engine.recover import STALENESS_WINDOW
from reconciler.engine.runs import ended_badly, ended_well
from reconciler.errors import ReconcilerError
from reconciler.frozen import frozen
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Effect, StepKey
from reconciler.model.event import Event, StepFailed, StepProgressed
from reconciler.model.handler import PAUSED, Gate, Handler, Moving, Result, Settled, Standing, Stuck
from reconciler.model.kind import Kind
from reconciler.model.resource import Observed, Pending, Prior
from reconciler.model.stop import StopSignal
from reconciler.model.value import Value, is_plain

REVERT = "revert"
"""The choice that takes back what was begun."""
FIRST_PAUSE = 0.1
"""Seconds until the second question; doubled up to what the kind asks for, since much ends sooner than expected."""
LONGEST_PAUSE = 2.0
"""Seconds between two questions where no kind asks for them sooner."""
LONGEST_IDLE = 0.2
"""Seconds after which the loop looks up anyway, so that a wish to stop is heard."""


@frozen
class Waiting:
    """A step that was sent and whose end the service still owes. `then_start`: the step itself begins afterwards.

    `broken`: it went wrong, and what undoes it is awaited before that is told.
    """

    pending: Pending
    key: StepKey
    operation: str
    prior: Prior | None = None
    then_start: bool = False
    broken: Stuck | None = None


@frozen
class Asked:
    """What a kind answered about everything that waits, or what a choice at a gate came to."""

    kind: str
    standings: Mapping[ResourceAddress, Standing] = field(default_factory=dict)
    error: ReconcilerError | None = None
    answered: tuple[Waiting, Stuck | None, Result | None, ReconcilerError | None] | None = None
    began: float = field(default_factory=time.monotonic)


@frozen
class Decision:
    """What follows for one that waits: `settled`, `failed`, `left`, `start`, or "" (go on waiting)."""

    waiting: Waiting
    end: str = ""
    prior: Prior | None = None
    result: Result | None = None
    reason: str = ""
    on_purpose: bool = False
    events: tuple[Event, ...] = ()
    notes: tuple[str, ...] = ()


class _Clock(Protocol):
    @property
    def now(self) -> Callable[[], str]: ...
    @property
    def seconds_since(self) -> Callable[[str], float]: ...


class _Run(Protocol):
    @property
    def clock(self) -> _Clock: ...
    @property
    def stop(self) -> StopSignal: ...
    @property
    def decide(self) -> Callable[[Gate], str]: ...


@dataclass(slots=True)
class _AnswerWork:
    """The work of a choice at a gate; its steps are few and safe to repeat."""

    operation: str
    stop: StopSignal
    before: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    again: bool = False

    def checkpoint(self, name: str, facts: Mapping[str, Value]) -> None:
        """A choice is recorded as a whole."""

    def progress(self, done: float, of: float, note: str) -> None:
        """Shown with the next standing."""

    def stopping(self) -> bool:
        return self.stop()


class WaitingRoom:
    """Everybody who waits, by kind, with the time of the next question."""

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        run: _Run,
        submit: Callable[[Callable[[], None]], None],
        report: Callable[[Asked], None],
    ) -> None:
        self._handlers = handlers
        self._run = run
        self._submit = submit
        self._report = report
        self._waiting: dict[str, dict[ResourceAddress, Waiting]] = {}
        self._due: dict[str, float] = {}
        self._pause: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self.asking: set[str] = set()
        self.let_through: set[StepKey] = set()

    def __bool__(self) -> bool:
        return any(self._waiting.values())

    def everybody(self) -> list[Waiting]:
        """All that wait, in order of address."""
        return [one for kind in sorted(self._waiting) for _, one in sorted(self._waiting[kind].items())]

    def enter(self, waiting: Waiting) -> None:
        """Adds one; its kind is asked soon."""
        kind = waiting.key.address.kind
        if not self._waiting.get(kind):
            self._pause[kind] = FIRST_PAUSE
            self._due[kind] = time.monotonic()
        self._waiting.setdefault(kind, {})[waiting.key.address] = waiting

    def idle_for(self) -> float:
        """Seconds until the next question is due, at most a fifth of one."""
        due = [at for kind, at in self._due.items() if kind not in self.asking and self._waiting.get(kind)]
        soonest = min(due, default=time.monotonic() + LONGEST_IDLE)
        return min(LONGEST_IDLE, max(0.001, soonest - time.monotonic()))

    def ask_what_is_due(self) -> None:
        """Sends one question for each kind whose time has come."""
        now = time.monotonic()
        for kind, at in list(self._due.items()):
            if at <= now and kind not in self.asking and self._waiting.get(kind) and not self._run.stop():
                self.asking.add(kind)
                self._submit(self._question(kind, [one.pending for one in self._waiting[kind].values()]))

    def _question(self, kind: str, pendings: list[Pending]) -> Callable[[], None]:
        def job() -> None:
            began = time.monotonic()
            try:
                self._report(Asked(kind, self._handlers[kind].settle(pendings), began=began))
            except ReconcilerError as error:
                self._report(Asked(kind, error=error))

        return job

    def take(self, asked: Asked) -> Iterator[Decision]:
        """What follows from an answer."""
        if asked.answered is not None:
            yield from self._take_answered(asked)
            return
        self.asking.discard(asked.kind)
        if asked.error is not None:
            yield from self._take_error(asked.kind, asked.error)
            return
        self._failures.pop(asked.kind, None)
        again_in = LONGEST_PAUSE
        for address, standing in asked.standings.items():
            waiting = self._waiting.get(asked.kind, {}).get(address)
            if waiting is None:
                continue
            if isinstance(standing, Moving):
                again_in = min(again_in, standing.again_in)
            yield self._decide(waiting, standing, asked.began)
        pause = self._pause.get(asked.kind, again_in)
        self._pause[asked.kind] = 2 * pause
        self._due[asked.kind] = time.monotonic() + min(again_in, pause)

    def _take_error(self, kind: str, error: ReconcilerError) -> Iterator[Decision]:
        """One unanswered question is no reason to give up; several in a row are."""
        self._failures[kind] = self._failures.get(kind, 0) + 1
        self._due[kind] = time.monotonic() + LONGEST_PAUSE
        if self._failures[kind] < 5:
            return
        for waiting in list(self._waiting.get(kind, {}).values()):
            self._leave(waiting)
            yield Decision(waiting, "left", reason=f"its standing could not be read: {error}")

    def _leave(self, waiting: Waiting) -> None:
        self._waiting.get(waiting.key.address.kind, {}).pop(waiting.key.address, None)

    def _decide(self, waiting: Waiting, standing: Standing, began: float) -> Decision:
        match standing:
            case Moving():
                progress = StepProgressed(
                    waiting.key.address, waiting.operation, standing.done, standing.of, standing.note
                )
                return Decision(waiting, events=(progress,))
            case Settled() if self._is_from_before(waiting, standing.observed, began):
                return Decision(waiting)
            case Settled():
                self._leave(waiting)
                return self._settle(waiting, standing)
            case Gate():
                return self._at_gate(waiting, standing)
            case Stuck():
                return self._stuck(waiting, standing)

    def _is_from_before(self, waiting: Waiting, observed: Observed | None, began: float) -> bool:
        """Whether an end contradicts what was sent less than half a minute before it was asked for: reads may be behind."""
        prior = waiting.prior
        if prior is None or observed is None or waiting.broken is not None or not prior.applied_at:
            return False
        if self._run.clock.seconds_since(prior.applied_at) - (time.monotonic() - began) > STALENESS_WINDOW:
            return False
        return bool(drifted(self._handlers[waiting.key.address.kind].kind, prior, observed, None))

    def _settle(self, waiting: Waiting, standing: Settled) -> Decision:
        if waiting.then_start:
            self.let_through.add(waiting.key)
            return Decision(waiting, "start")
        if waiting.broken is not None:
            return self._failed(waiting, waiting.broken)
        prior = waiting.prior
        observed = standing.observed
        if prior is None or (observed is None and waiting.pending.what == "deletion"):
            return Decision(waiting, "settled")
        settled = replace(prior, pending=(), facts={**prior.facts, **standing.facts})
        settled = ended_well(self._handlers[waiting.key.address.kind].kind, settled)
        if observed is None:
            return Decision(waiting, "settled", settled, notes=standing.notes)
        outputs = {key: value for key, value in observed.outputs.items() if is_plain(value)}
        settled = replace(settled, outputs=outputs, freshness=observed.freshness)
        return Decision(waiting, "settled", settled, Result(observed), notes=standing.notes)

    def _at_gate(self, waiting: Waiting, gate: Gate) -> Decision:
        choice = gate.then or self._run.decide(gate)
        if choice == "stop":
            self._leave(waiting)
            return Decision(waiting, "left", reason=gate.question, on_purpose=True)
        taken_back = Stuck("it was taken back, as was answered", "reverted")
        self._answer(waiting, choice, taken_back if choice == REVERT else None)
        return Decision(waiting)

    def _stuck(self, waiting: Waiting, stuck: Stuck) -> Decision:
        if stuck.end == "timeout":
            self._leave(waiting)
            return Decision(waiting, "left", reason=stuck.reason)
        if waiting.broken is not None:
            reason = f"{waiting.broken.reason}; going back from it went wrong, too: {stuck.reason}"
            stuck = replace(stuck, reason=reason, then="")
        if stuck.then:
            self._answer(waiting, stuck.then, stuck)
            return Decision(waiting)
        self._leave(waiting)
        return self._failed(waiting, stuck)

    def _failed(self, waiting: Waiting, stuck: Stuck) -> Decision:
        prior = waiting.prior
        if prior is not None:
            pending = (waiting.pending,) if stuck.end == PAUSED else ()
            prior = replace(prior, pending=pending, facts={**prior.facts, **stuck.facts})
            prior = ended_badly(self._handlers[waiting.key.address.kind].kind, prior)
        failure = StepFailed(
            waiting.key.address,
            waiting.key.operation,
            waiting.operation,
            stuck.reason,
            fix=stuck.fix,
            prior=prior,
            at=self._run.clock.now(),
        )
        return Decision(waiting, "failed", events=(failure,))

    def _answer(self, waiting: Waiting, choice: str, stuck: Stuck | None = None) -> None:
        """Takes a choice on a worker thread; the room does not ask about it meanwhile."""
        kind = waiting.key.address.kind
        self._leave(waiting)
        mark = f"{kind}:{waiting.key.address}"
        self.asking.add(mark)

        def job() -> None:
            work = _AnswerWork(waiting.operation, self._run.stop)
            try:
                result = self._handlers[kind].answer(waiting.pending, choice, work)
                self._report(Asked(mark, answered=(waiting, stuck, result, None)))
            except ReconcilerError as error:
                self._report(Asked(mark, answered=(waiting, stuck, None, error)))

        self._submit(job)

    def _take_answered(self, asked: Asked) -> Iterator[Decision]:
        self.asking.discard(asked.kind)
        assert asked.answered is not None
        waiting, stuck, result, error = asked.answered
        if error is not None:
            reasons = (stuck.reason if stuck else "", str(error))
            stuck = replace(stuck or Stuck("", "failed"), reason="; ".join(filter(None, reasons)))
            yield self._failed(waiting, stuck)
        elif stuck is not None:
            yield self._undone(waiting, stuck, result)
        else:
            pending = result.pending if result and result.pending else waiting.pending
            self.enter(replace(waiting, pending=pending))
            yield Decision(waiting)

    def _undone(self, waiting: Waiting, stuck: Stuck, result: Result | None) -> Decision:
        """What went wrong was taken back; where that takes time, its end comes before the bad news."""
        if result is None or waiting.prior is None:
            return self._failed(waiting, stuck)
        prior = as_it_is(self._handlers[waiting.key.address.kind].kind, waiting.prior, result)
        facts = {**prior.facts, **stuck.facts, **result.facts}
        stuck = replace(stuck, facts={})
        if result.pending is None:
            return self._failed(replace(waiting, prior=replace(prior, facts=facts)), stuck)
        prior = replace(prior, facts=facts, pending=(result.pending,))
        self.enter(replace(waiting, pending=result.pending, prior=prior, broken=stuck))
        return Decision(waiting)


def as_it_is(kind: Kind, prior: Prior, result: Result) -> Prior:
    """What is remembered after a rollout was taken back: what it would have brought, as it stands now."""
    observed = result.observed
    attributes = dict(prior.attributes)
    for one in drifted(kind, prior, observed, None):
        if row_for(kind, one.path).effect is Effect.ROLLOUT:
            attributes = put(attributes, one.path, one.live)
    outputs = {key: value for key, value in observed.outputs.items() if is_plain(value)}
    return replace(prior, attributes=attributes, outputs=outputs, freshness=observed.freshness)
