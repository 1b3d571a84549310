"""Walks a plan and yields batches of events; decides nothing that the plan has not decided.

Asking for the next batch is the caller's promise that the last one is durable: no step starts before its intent is on disk, and
one fsync serves every step that has become ready. A step starts when what it waits for has ended, the one with the longest
remaining path first; there is no barrier between waves. After a failure, what waits for the failed step is skipped.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from reconciler.engine.carry import (
    Clock,
    Deleted,
    Errand,
    Memory,
    Outcome,
    carry_out,
    ready,
    remembered,
    uniqueness_of,
)
from reconciler.engine.judging import outputs_after
from reconciler.engine.planner import Blueprint
from reconciler.engine.recover import Checkpoints
from reconciler.engine.schedule import Schedule
from reconciler.engine.waiting import Asked, Decision, Waiting, WaitingRoom
from reconciler.errors import InterruptedRunError, ProviderError, ReconcilerError, UnavailableError
from reconciler.frozen import frozen
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Action, Change, Step, StepKey
from reconciler.model.event import (
    Event,
    StepBegun,
    StepCheckpointed,
    StepFailed,
    StepLeftUnsettled,
    StepProgressed,
    StepSettled,
    StepSkipped,
    StepSucceeded,
    StepVoided,
)
from reconciler.model.handler import Gate, Handler, Result
from reconciler.model.resource import Pending, Prior, set_aside
from reconciler.model.stop import StopSignal
from reconciler.model.value import Value

MOST_INTENTS = 256
Batch = tuple[Event, ...]


@frozen
class Run:
    """How a plan is to be walked, and who walks it."""

    identity: str
    by: str
    clock: Clock
    stop: StopSignal
    decide: Callable[[Gate], str]
    new_operation: Callable[[], str]
    parallelism: int = 10
    wait: bool = True
    again: Checkpoints = field(default_factory=dict)


def execute(blueprint: Blueprint, handlers: Mapping[str, Handler], run: Run) -> Iterator[Batch]:
    """Carries out every step of a plan. Ends when nothing can go on; exceptions of steps become events."""
    yield from _Execution(blueprint, handlers, run).batches()


@dataclass(slots=True)
class _Started:
    """A step whose intent was declared."""

    errand: Errand
    operation: str
    begun: StepBegun


@frozen
class _Ended:
    key: StepKey
    outcome: Outcome | None = None
    error: ReconcilerError | None = None


@frozen
class _Said:
    """A checkpoint or progress from inside a verb; `durable` is set once a checkpoint is on disk."""

    event: Event
    durable: threading.Event | None = None


class _Work:
    """What a verb is given: its operation, and ways to say how far it is."""

    def __init__(
        self,
        execution: _Execution,
        started: _Started,
        before: Mapping[str, Mapping[str, Value]],
        again: bool,
    ) -> None:
        self._execution = execution
        self._address = started.errand.change.address
        self.operation = started.operation
        self.before = before
        self.again = again

    def checkpoint(self, name: str, facts: Mapping[str, Value]) -> None:
        durable = threading.Event()
        # Should this attempt lose an answer, the next one begins here.
        self.before = {**self.before, name: facts}
        event = StepCheckpointed(self._address, self.operation, name, facts)
        self._execution.results.put(_Said(event, durable))
        durable.wait()

    def progress(self, done: float, of: float, note: str) -> None:
        self._execution.results.put(_Said(StepProgressed(self._address, self.operation, done, of, note)))

    def stopping(self) -> bool:
        return self._execution.run.stop()


class _Execution:
    def __init__(self, blueprint: Blueprint, handlers: Mapping[str, Handler], run: Run) -> None:
        self.blueprint = blueprint
        self.handlers = handlers
        self.run = run
        self.changes = blueprint.decided.changes
        self.memory = Memory(
            blueprint.decided.scope, blueprint.waits_for, blueprint.uses, run.by, run.identity
        )
        self.results: queue.Queue[_Ended | _Said | Asked] = queue.Queue()
        self.jobs: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self.room = WaitingRoom(handlers, run, self.jobs.put, self.results.put)
        self.started: dict[StepKey, _Started] = {}
        self.reached: dict[str, dict[str, Mapping[str, Value]]] = {}  # checkpoints by operation
        at_once = {name: handler.kind.at_once for name, handler in handlers.items()}
        self.schedule = Schedule(blueprint.steps, at_once, run.parallelism)

    # the loop

    def batches(self) -> Iterator[Batch]:
        threads = self._start_threads()
        try:
            batch = [*self._skip_what_waits_for_refused(), *self._declare()]
            durable: list[threading.Event] = []
            while True:
                if batch:
                    yield tuple(batch)
                self.schedule.on_record()
                for checkpoint in durable:
                    checkpoint.set()
                self._start_declared()
                if self._is_over():
                    break
                batch, durable = self._collect()
                batch.extend(self._declare())
                # While the disk takes this batch, workers go on with what it holds already.
                self._start_declared()
            yield from self._leave()
        finally:
            for _ in threads:
                self.jobs.put(None)

    def _skip_what_waits_for_refused(self) -> list[Event]:
        """A resource that was stopped by its identity stops what waits for it; the rest is done."""
        refused = {one.address for one in self.changes.values() if one.action is Action.REFUSED}
        skipped: list[Event] = []
        for key in self.schedule.steps:
            because = next(iter(refused & self.blueprint.waits_for.get(key.address, frozenset())), None)
            if because is not None and key not in self.schedule.failed:
                skipped.append(StepSkipped(key.address, key.operation, because))
                skipped.extend(self._skip_after(key, because))
        return skipped

    def _start_threads(self) -> list[threading.Thread]:
        count = (
            min(self.run.parallelism, max(1, len(self.schedule.steps))) + 1
        )  # one more looks after what waits
        threads = [threading.Thread(target=self._labour, daemon=True) for _ in range(count)]
        for thread in threads:
            thread.start()
        return threads

    def _labour(self) -> None:
        while (job := self.jobs.get()) is not None:
            job()

    def _is_over(self) -> bool:
        if self.schedule.running or self.room.asking:
            return False
        if self.run.stop():
            return True
        return not (self.room or self.schedule.has_work)

    def _declare(self) -> list[Event]:
        """The intents of everything that has become ready; what sends nothing ends at once."""
        if self.run.stop():
            return []
        return [event for step in self.schedule.fresh(MOST_INTENTS) for event in self._declare_one(step)]

    def _declare_one(self, step: Step) -> list[Event]:
        change = self.changes[step.key.address]
        handler = self.handlers[step.key.address.kind]
        try:
            errand = ready(step, change, handler, self.memory)
        except ReconcilerError as error:
            return self._fail(step.key, "", error, None)
        if step.key.operation == "resume":
            return self._resume(errand)
        if not errand.sends:
            return self._conclude_silently(errand)
        begun = self._intent(errand)
        self.started[step.key] = _Started(errand, begun.operation, begun)
        self.schedule.declare(step.key)
        return [begun]

    def _intent(self, errand: Errand) -> StepBegun:
        is_create = errand.step.key.operation in ("create", "run")
        return StepBegun(
            address=errand.change.address,
            verb=errand.step.key.operation,
            operation=self.run.new_operation(),
            at=self.run.clock.now(),
            run=self.run.identity,
            natural_key=errand.change.name,
            identity=errand.change.observed.identity if errand.change.observed else "",
            uniqueness=str(uniqueness_of(errand)) if is_create else "",
            prior=errand.draft if is_create else None,
            replaces=self._replaced_by(errand.change) if is_create else "",
        )

    def _replaced_by(self, change: Change) -> str:
        """The id of what stays until this is there."""
        stays = change.prior is not None and set_aside(change.prior).address in self.changes
        return change.prior.identity if change.prior and stays else ""

    def _start_declared(self) -> None:
        if self.run.stop():
            return
        for key in self.schedule.startable():
            self._start(self.started[key])

    def _start(self, started: _Started) -> None:
        key = started.errand.step.key
        if pending := self._deletion_to_wait_for(started.errand):
            self.room.enter(Waiting(pending, key, started.operation, then_start=True))
            return
        self.schedule.occupy(key)
        change = started.errand.change
        work = _Work(
            self,
            started,
            self.run.again.get(change.address, {}),
            change.address in self.run.again,
        )

        def job() -> None:
            self.results.put(self._attempt(started, work))

        self.jobs.put(job)

    def _deletion_to_wait_for(self, errand: Errand) -> Pending | None:
        """An object of ours in this place is still going away: its end comes first."""
        change = errand.change
        if errand.step.key.operation != "create" or change.action is not Action.CREATE:
            return None
        pending = change.pending
        waited = errand.step.key in self.room.let_through
        return None if waited else pending

    def _attempt(self, started: _Started, work: _Work) -> _Ended:
        key = started.errand.step.key
        try:
            return _Ended(key, carry_out(started.errand, work, self.run.clock, started.begun))
        except ReconcilerError as error:
            return _Ended(key, error=error)
        except Exception as error:  # noqa: BLE001 - a defect in one kind must not lose what the others did
            return _Ended(key, error=ReconcilerError(f"unexpected {type(error).__name__}: {error}"))

    # what comes back

    def _collect(self) -> tuple[list[Event], list[threading.Event]]:
        """Waits for something to happen and takes all that has."""
        batch: list[Event] = []
        durable: list[threading.Event] = []
        self.room.ask_what_is_due()
        for message in self._messages():
            match message:
                case _Said():
                    batch.append(message.event)
                    if message.durable:
                        durable.append(message.durable)
                        self._note_reached(message.event)
                case _Ended():
                    batch.extend(self._take(message))
                case _:
                    batch.extend(self._take_standings(message))
        return batch, durable

    def _note_reached(self, event: Event) -> None:
        if isinstance(event, StepCheckpointed):
            self.reached.setdefault(event.operation, {})[event.name] = event.facts

    def _messages(self) -> Iterator[_Ended | _Said | Asked]:
        try:
            yield self.results.get(timeout=self.room.idle_for())
        except queue.Empty:
            return
        while True:
            try:
                yield self.results.get_nowait()
            except queue.Empty:
                return

    def _take(self, ended: _Ended) -> list[Event]:
        started = self.started[ended.key]
        self.schedule.vacate(ended.key)
        if ended.error is not None:
            return self._fail(ended.key, started.operation, ended.error, started)
        if isinstance(ended.outcome, Deleted):
            return self._deleted(started, ended.outcome)
        assert isinstance(ended.outcome, Result)
        return self._made(started, ended.outcome)

    def _made(self, started: _Started, result: Result) -> list[Event]:
        errand = started.errand
        at = self.run.clock.now()
        prior = remembered(errand, result, at, self.run.by)
        key = errand.step.key
        self._publish(errand.change, result, prior)
        events: list[Event] = [
            StepSucceeded(key.address, key.operation, started.operation, prior, at=at, notes=result.notes),
            *_moved_away(errand.change),
        ]
        if result.pending is None:
            self.schedule.release(key)
            return events
        return [*events, *self._wait_or_leave(result.pending, key, started.operation, prior)]

    def _wait_or_leave(
        self, pending: Pending, key: StepKey, operation: str, prior: Prior | None
    ) -> list[Event]:
        is_awaited = self.run.wait and pending.token.get("wait", True)
        if is_awaited or pending.what == "deletion" or self.handlers[key.address.kind].kind.runs:
            self.room.enter(Waiting(pending, key, operation, prior))
            return []
        left = StepLeftUnsettled(
            key.address, key.operation, operation, prior, pending, "not waited for", on_purpose=True
        )
        self.schedule.release(key)
        return [left]

    def _deleted(self, started: _Started, outcome: Deleted) -> list[Event]:
        key = started.errand.step.key
        change = started.errand.change
        going = None
        if outcome.pending is not None and change.prior is not None:
            going = replace(change.prior, pending=(outcome.pending,))
        gone = StepSucceeded(
            key.address,
            "delete",
            started.operation,
            going,
            at=self.run.clock.now(),
            deleted=outcome.identity,
        )
        events: list[Event] = [gone, *_moved_away(change)]
        if outcome.pending is None:
            self.schedule.release(key)
        else:
            self.room.enter(Waiting(outcome.pending, key, started.operation, going))
        return events

    def _publish(self, change: Change, result: Result, prior: Prior) -> None:
        """References to this resource are known from now on."""
        outputs = {**result.observed.outputs, "revision": prior.revision}
        desired = change.desired
        for name, value in (desired.outputs if desired else {}).items():
            outputs.setdefault(name, value)
        if desired is not None and desired.name:
            outputs.setdefault("name", desired.name)
        self.memory.scope.outputs[change.address] = outputs

    def _resume(self, errand: Errand) -> list[Event]:
        change = errand.change
        pending = change.pending
        assert pending is not None
        operation = self.run.new_operation()
        key = errand.step.key
        prior = change.prior
        return self._wait_or_leave(pending, key, operation, prior)

    def _conclude_silently(self, errand: Errand) -> list[Event]:
        """Nothing has to be sent: what is remembered changes, or not even that."""
        change, key = errand.change, errand.step.key
        prior = errand.draft
        events: list[Event] = [
            StepSucceeded(
                key.address,
                key.operation,
                self.run.new_operation(),
                prior,
                at=self.run.clock.now(),
                narrowed=key.operation in ("update", "adopt") and change.action is Action.UPDATE,
            )
        ]
        events.extend(_moved_away(change))
        if prior is not None:
            outputs = outputs_after(self.handlers[key.address.kind], replace(change, action=Action.NO_OP))
            self.memory.scope.outputs[key.address] = {**outputs, "revision": prior.revision}
        self.schedule.release(key)
        return events

    # what goes wrong

    def _fail(
        self, key: StepKey, operation: str, error: ReconcilerError, started: _Started | None
    ) -> list[Event]:
        events: list[Event] = []
        if isinstance(error, InterruptedRunError):
            events.append(StepVoided(key.address, key.operation, operation, "interrupted without effect"))
        else:
            events.append(self._failure(key, operation, error, started))
        return [*events, *self._skip_after(key, key.address)]

    def _failure(
        self, key: StepKey, operation: str, error: ReconcilerError, started: _Started | None
    ) -> StepFailed:
        uncertain = isinstance(error, UnavailableError) and error.sent
        change = self.changes[key.address]
        return StepFailed(
            key.address,
            key.operation,
            operation,
            error.message,
            fix=error.fix,
            prior=self._owing(started, change.prior) if started else None,
            at=self.run.clock.now(),
            uncertain=uncertain and started is not None,
            output="\n".join(error.details.get("output", ())) if isinstance(error, ProviderError) else "",
        )

    def _owing(self, started: _Started, prior: Prior | None) -> Prior | None:
        """A step that failed half-way keeps its checkpoints: what it still owes is remembered, and what it made."""
        reached = self.reached.get(started.operation)
        if not reached:
            return None
        if started.errand.step.key.operation in ("create", "run"):
            made = next((str(facts["identity"]) for facts in reached.values() if "identity" in facts), "")
            prior = replace(started.errand.draft, identity=made) if made and started.errand.draft else None
        return replace(prior, owes=tuple(reached)) if prior else None

    def _skip_after(self, key: StepKey, because: ResourceAddress) -> list[Event]:
        """What requires a failed step is skipped; the event says because of which resource."""
        skipped = self.schedule.fail(key, because)
        return [StepSkipped(one.address, one.operation, because) for one in skipped]

    # what the service still does

    def _take_standings(self, asked: Asked) -> list[Event]:
        events: list[Event] = []
        for decision in self.room.take(asked):
            waiting = decision.waiting
            key = waiting.key
            events.extend(decision.events)
            match decision.end:
                case "settled":
                    events.extend(self._settled(decision))
                case "start":
                    self.schedule.declare(key)
                case "failed":
                    events.extend(self._skip_after(key, key.address))
                case "left":
                    events.extend(self._leave_behind(waiting, decision.reason, decision.on_purpose))
                case _:
                    pass
        return events

    def _settled(self, decision: Decision) -> list[Event]:
        waiting, prior, result = decision.waiting, decision.prior, decision.result
        key = waiting.key
        event = StepSettled(key.address, waiting.operation, prior, self.run.clock.now(), decision.notes)
        if result is not None and prior is not None:
            self._publish(self.changes[key.address], result, prior)
        self.schedule.release(key)
        return [event]

    def _leave_behind(self, waiting: Waiting, reason: str, on_purpose: bool) -> list[Event]:
        key = waiting.key
        left = StepLeftUnsettled(
            key.address,
            key.operation,
            waiting.operation,
            waiting.prior,
            waiting.pending,
            reason,
            on_purpose,
        )
        return [left, *self._skip_after(key, key.address)]

    # the end

    def _leave(self) -> Iterator[Batch]:
        """Stopped by the user: what waits stays recorded, what was only declared is void."""
        waiting = self.room.everybody()
        declared, others = self.schedule.not_begun()
        batch: list[Event] = [self._left_or_void(one) for one in waiting]
        batch.extend(map(self._void, declared))
        begun = {one.key for one in waiting}
        batch.extend(
            StepSkipped(key.address, key.operation, None, "stopped before its turn")
            for key in others
            if key not in begun
        )
        if batch:
            yield tuple(batch)

    def _left_or_void(self, waiting: Waiting) -> Event:
        if waiting.then_start:
            return self._void(waiting.key)
        key = waiting.key
        return StepLeftUnsettled(
            key.address, key.operation, waiting.operation, waiting.prior, waiting.pending, "interrupted"
        )

    def _void(self, key: StepKey) -> StepVoided:
        return StepVoided(key.address, key.operation, self.started[key].operation, "never begun")


def _moved_away(change: Change) -> tuple[Event, ...]:
    """The address a resource was known under before is free once something has been recorded under the new one."""
    return (StepSucceeded(change.moved_from, "move", "", None),) if change.moved_from else ()
