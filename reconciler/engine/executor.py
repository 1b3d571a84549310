"""Walks a plan and yields batches of events; decides nothing that the plan has not decided.

Asking for the next batch is the caller's promise that the last one is durable: no step starts before its intent is on disk, and
one fsync serves every step that has become ready. A step starts when what it waits for has ended, the one with the longest
remaining path first; there is no barrier between waves. After a failure, what waits for the failed step is skipped.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace

from reconciler.engine import step_events
from reconciler.engine.carry import Clock, Deleted, Errand, Memory, ready, remembered
from reconciler.engine.crew import Crew, Ended, Said, Started
from reconciler.engine.judging import outputs_after
from reconciler.engine.planner import Blueprint
from reconciler.engine.recover import Again
from reconciler.engine.schedule import Schedule
from reconciler.engine.second_look import SecondLook
from reconciler.engine.waiting import Asked, Decision, Waiting, WaitingRoom
from reconciler.errors import ReconcilerError
from reconciler.frozen import frozen
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Action, Step, StepKey
from reconciler.model.event import Event, StepCheckpointed, StepSettled, StepSkipped, StepSucceeded
from reconciler.model.handler import Gate, Handler, Result
from reconciler.model.resource import Pending, Prior
from reconciler.model.stop import StopSignal

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
    again: Again = field(default_factory=dict)


def execute(blueprint: Blueprint, handlers: Mapping[str, Handler], run: Run) -> Iterator[Batch]:
    """Carries out every step of a plan. Ends when nothing can go on; exceptions of steps become events."""
    yield from _Execution(blueprint, handlers, run).batches()


class _Execution:
    def __init__(self, blueprint: Blueprint, handlers: Mapping[str, Handler], run: Run) -> None:
        self.blueprint = blueprint
        self.handlers = handlers
        self.run = run
        self.changes = blueprint.decided.changes
        self.memory = Memory(
            blueprint.decided.scope, blueprint.waits_for, blueprint.uses, run.by, run.identity
        )
        at_once = {name: handler.kind.at_once for name, handler in handlers.items()}
        self.schedule = Schedule(blueprint.steps, at_once, run.parallelism)
        busy = min(run.parallelism, max(1, len(blueprint.steps)))
        look_again = SecondLook(blueprint, handlers).check
        self.crew = Crew(busy + 1, run.clock, run.stop, look_again)  # one more looks after what waits
        self.room = WaitingRoom(handlers, run, self.crew.do, self.crew.report)
        self.started: dict[StepKey, Started] = {}
        self.reached: dict[str, dict[str, step_events.Facts]] = {}  # checkpoints by operation

    # the loop

    def batches(self) -> Iterator[Batch]:
        with self.crew:
            yield from self._walk()
            if batch := self._leave():
                yield batch

    def _walk(self) -> Iterator[Batch]:
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
                return
            batch, durable = self._collect()
            batch.extend(self._declare())
            # While the disk takes this batch, workers go on with what it holds already.
            self._start_declared()

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

    def _is_over(self) -> bool:
        if self.schedule.running or self.room.asking:
            return False
        if self.run.stop():
            return True
        return not (self.room or self.schedule.has_work)

    # what begins

    def _declare(self) -> list[Event]:
        """The intents of everything that has become ready; what sends nothing ends at once."""
        if self.run.stop():
            return []
        return [event for step in self.schedule.fresh(MOST_INTENTS) for event in self._declare_one(step)]

    def _declare_one(self, step: Step) -> list[Event]:
        key, change = step.key, self.changes[step.key.address]
        try:
            errand = ready(step, change, self.handlers[key.address.kind], self.memory)
        except ReconcilerError as error:
            return self._fail(key, error, None)
        if key.operation == "resume":
            return self._resume(errand)
        if not errand.sends:
            return self._conclude_silently(errand)
        run = self.run
        begun = step_events.intent(errand, run.new_operation(), run.clock.now(), run.identity, self.changes)
        earlier = run.again.get(key.address)
        if earlier is not None and key.operation != "delete":
            begun = replace(begun, repeats=earlier.begun.operation)
            self.reached[begun.operation] = dict(earlier.checkpoints)
        self.started[key] = Started(errand, begun)
        self.schedule.declare(key)
        return [begun]

    def _resume(self, errand: Errand) -> list[Event]:
        pending, prior = errand.change.pending, errand.change.prior
        assert pending is not None
        return self._wait_or_leave(Waiting(pending, errand.step.key, self.run.new_operation(), prior))

    def _conclude_silently(self, errand: Errand) -> list[Event]:
        """Nothing has to be sent: what is remembered changes, or not even that."""
        change, key, prior = errand.change, errand.step.key, errand.draft
        done = StepSucceeded(
            key.address,
            key.operation,
            self.run.new_operation(),
            prior,
            at=self.run.clock.now(),
            narrowed=key.operation in ("update", "adopt") and change.action is Action.UPDATE,
        )
        if prior is not None:
            outputs = outputs_after(self.handlers[key.address.kind], replace(change, action=Action.NO_OP))
            self.memory.scope.outputs[key.address] = {**outputs, "revision": prior.revision}
        self.schedule.release(key)
        return [done, *step_events.moved_away(change)]

    def _start_declared(self) -> None:
        if self.run.stop():
            return
        for key in self.schedule.startable():
            self._start(self.started[key])

    def _start(self, started: Started) -> None:
        key = started.key
        if pending := self._deletion_to_wait_for(started.errand):
            self.room.enter(Waiting(pending, key, started.operation, then_start=True))
            return
        self.schedule.occupy(key)
        self.crew.carry(started, self.reached.get(started.operation, {}) if started.begun.repeats else None)

    def _deletion_to_wait_for(self, errand: Errand) -> Pending | None:
        """An object in this place that no step of ours is about is still going away: its end comes first."""
        change = errand.change
        if (
            errand.step.key.operation != "create"
            or change.action is not Action.CREATE
            or change.ends_deletion
        ):
            return None
        waited = errand.step.key in self.room.let_through
        return None if waited else change.pending

    # what comes back

    def _collect(self) -> tuple[list[Event], list[threading.Event]]:
        """Waits for something to happen and takes all that has."""
        batch: list[Event] = []
        durable: list[threading.Event] = []
        self.room.ask_what_is_due()
        for message in self.crew.messages(self.room.idle_for()):
            match message:
                case Said():
                    batch.append(message.event)
                    if message.durable:
                        durable.append(message.durable)
                        self._note_reached(message.event)
                case Ended():
                    batch.extend(self._take(message))
                case _:
                    batch.extend(self._take_standings(message))
        return batch, durable

    def _note_reached(self, event: Event) -> None:
        if isinstance(event, StepCheckpointed):
            self.reached.setdefault(event.operation, {})[event.name] = event.facts

    def _take(self, ended: Ended) -> list[Event]:
        started = self.started[ended.key]
        self.schedule.vacate(ended.key)
        if ended.error is not None:
            return self._fail(ended.key, ended.error, started)
        if isinstance(ended.outcome, Deleted):
            return self._deleted(started, ended.outcome)
        assert isinstance(ended.outcome, Result)
        return self._made(started, ended.outcome)

    def _made(self, started: Started, result: Result) -> list[Event]:
        key, change, at = started.key, started.errand.change, self.run.clock.now()
        prior = remembered(started.errand, result, at, self.run.by)
        self.memory.scope.outputs[key.address] = step_events.published(change, result, prior)
        kind = self.handlers[key.address.kind].kind
        notes = (*result.notes, *step_events.stored_otherwise(kind, prior, result.observed))
        events: list[Event] = [
            StepSucceeded(key.address, key.operation, started.operation, prior, at=at, notes=notes),
            *step_events.moved_away(change),
        ]
        if result.pending is None:
            self.schedule.release(key)
            return events
        return [*events, *self._wait_or_leave(Waiting(result.pending, key, started.operation, prior))]

    def _wait_or_leave(self, waiting: Waiting) -> list[Event]:
        pending = waiting.pending
        is_awaited = self.run.wait and pending.token.get("wait", True)
        if is_awaited or pending.what == "deletion" or self.handlers[waiting.key.address.kind].kind.runs:
            self.room.enter(waiting)
            return []
        self.schedule.release(waiting.key)
        return [step_events.left(waiting, "not waited for", on_purpose=True)]

    def _deleted(self, started: Started, outcome: Deleted) -> list[Event]:
        key, change = started.key, started.errand.change
        going: Prior | None = None
        if outcome.pending is not None and change.prior is not None:
            going = replace(change.prior, pending=(outcome.pending,))
        if outcome.pending is None:
            self.schedule.release(key)
        else:
            self.room.enter(Waiting(outcome.pending, key, started.operation, going))
        at = self.run.clock.now()
        gone = StepSucceeded(key.address, "delete", started.operation, going, at=at, deleted=outcome.identity)
        return [gone, *step_events.moved_away(change)]

    def _fail(self, key: StepKey, error: ReconcilerError, started: Started | None) -> list[Event]:
        reached = self.reached.get(started.operation, {}) if started else {}
        change = self.changes[key.address]
        told = step_events.failure(key, change, error, self.run.clock.now(), started, reached)
        return [told, *self._skip_after(key, key.address)]

    def _skip_after(self, key: StepKey, because: ResourceAddress) -> list[Event]:
        """What requires a failed step is skipped; the event says because of which resource."""
        skipped = self.schedule.fail(key, because)
        return [StepSkipped(one.address, one.operation, because) for one in skipped]

    # what the service still does

    def _take_standings(self, asked: Asked) -> list[Event]:
        events: list[Event] = []
        for decision in self.room.take(asked):
            key = decision.waiting.key
            events.extend(decision.events)
            match decision.end:
                case "settled":
                    events.append(self._settled(decision))
                case "start":
                    self.schedule.declare(key)
                case "failed":
                    events.extend(self._skip_after(key, key.address))
                case "left":
                    events.append(
                        step_events.left(decision.waiting, decision.reason, on_purpose=decision.on_purpose)
                    )
                    events.extend(self._skip_after(key, key.address))
                case _:
                    pass
        return events

    def _settled(self, decision: Decision) -> StepSettled:
        waiting, prior, result = decision.waiting, decision.prior, decision.result
        key = waiting.key
        if result is not None and prior is not None:
            change = self.changes[key.address]
            self.memory.scope.outputs[key.address] = step_events.published(change, result, prior)
        self.schedule.release(key)
        return StepSettled(key.address, waiting.operation, prior, self.run.clock.now(), decision.notes)

    # the end

    def _leave(self) -> Batch:
        """Stopped by the user: what waits stays recorded, what was only declared is void."""
        waiting = self.room.everybody()
        declared, others = self.schedule.not_begun()
        begun = {one.key for one in waiting}
        return (
            *(step_events.left(one, "interrupted") for one in waiting if not one.then_start),
            *self._void(declared + [one.key for one in waiting if one.then_start]),
            *(
                StepSkipped(key.address, key.operation, None, "stopped before its turn")
                for key in others
                if key not in begun
            ),
        )

    def _void(self, declared: list[StepKey]) -> Iterator[Event]:
        """What was declared and never begun; a repeat stays open as the attempt did whose place it took."""
        for key in declared:
            if not self.started[key].begun.repeats:
                yield step_events.never_begun(key, self.started[key].operation)
