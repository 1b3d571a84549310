"""One thing done to one resource because a command asks for it: no manifest, no plan to agree with, the same journal.

The intent is durable before anything is sent, and says what is to be remembered should nothing come after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.engine.carry import Clock, Errand, carry_out, remembered
from reconciler.engine.changes import Decided
from reconciler.engine.diff import compare
from reconciler.engine.judging import judge, with_riders
from reconciler.engine.planner import Blueprint, Frame, compose_plan
from reconciler.engine.resolve import Scope
from reconciler.engine.steps import build_steps
from reconciler.engine.waiting import REVERT, as_it_is
from reconciler.errors import ReconcilerError, UnavailableError
from reconciler.frozen import frozen
from reconciler.model.change import Action, Change, Step, StepKey
from reconciler.model.event import Event, StepBegun, StepCheckpointed, StepFailed, StepSucceeded
from reconciler.model.handler import Handler, Result
from reconciler.model.manifest import Manifest
from reconciler.model.resource import Desired, Observed, Pending, Prior
from reconciler.model.state import State
from reconciler.model.stop import StopSignal
from reconciler.model.value import Attributes, Value

Record = Callable[[tuple[Event, ...]], None]


@frozen
class Operator:
    """Who does it, and how what happens is made durable."""

    record: Record
    clock: Clock
    stop: StopSignal
    by: str
    run: str
    new_operation: Callable[[], str]


@dataclass(slots=True)
class _Work:
    """What a verb is given: a checkpoint returns once it is durable."""

    operation: str
    operator: Operator
    begun: StepBegun
    keeps: bool  # a choice is recorded as a whole: its steps are few and safe to repeat
    before: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    again: bool = False

    def checkpoint(self, name: str, facts: Mapping[str, Value]) -> None:
        if self.keeps:
            self.before = {**self.before, name: facts}
            self.operator.record((StepCheckpointed(self.begun.address, self.operation, name, facts),))

    def progress(self, done: float, of: float, note: str) -> None:
        """Nothing here takes long; what does is watched afterwards."""

    def stopping(self) -> bool:
        return self.operator.stop()


def change_to(
    attributes: Attributes,
    prior: Prior,
    observed: Observed,
    handler: Handler,
    *,
    settings: Mapping[str, Value],
    facts: Mapping[str, Value] | None = None,
) -> Change:
    """The change of an existing resource to these attributes; `facts` are remembered with it."""
    desired = Desired(
        prior.address,
        attributes,
        name=prior.name,
        named_by_default=prior.named_by_default,
        protect=prior.protect,
        retain=prior.retain,
        settings=settings,
        lane=prior.lane,
    )
    found = tuple(compare(handler.kind, desired, attributes, prior, observed))
    knowing = replace(prior, facts={**prior.facts, **(facts or {})})
    change = Change(prior.address, Action.UPDATE, desired, knowing, observed, attributes, found)
    judged = judge(handler, change)
    return with_riders(handler, replace(change, effect=judged.effect, hazards=judged.hazards))


def make(change: Change, attributes: Attributes, handler: Handler, verb: str, operator: Operator) -> Prior:
    """Carries out a change, and gives what is remembered afterwards: of its attributes, these. Raises ReconcilerError."""
    assert change.prior is not None
    draft = replace(change.prior, attributes=attributes)
    begun = _begun(change.prior, verb, operator, replace(change.prior, owes=()))
    step = Step(StepKey(change.address, "update"))
    work = _Work(begun.operation, operator, begun, keeps=True)
    errand = Errand(step, change, handler, True, draft)

    def verb_of_kind() -> Result:
        outcome = carry_out(errand, work, operator.clock, begun)
        assert isinstance(outcome, Result)
        return outcome

    result = _recorded(verb_of_kind, begun, work, operator)
    prior = remembered(errand, result, operator.clock.now(), operator.by)
    return _succeeded(prior, result, begun, operator)


def choose(
    choice: str, pending: Pending, prior: Prior, handler: Handler, operator: Operator, meanwhile: Pending
) -> Prior:
    """Takes a choice about what is under way, and gives what is remembered afterwards. Raises ReconcilerError.

    `meanwhile` is what would still be pending if the command were cut off.
    """
    begun = _begun(prior, choice, operator, replace(prior, pending=(meanwhile,)))
    work = _Work(begun.operation, operator, begun, keeps=False)
    result = _recorded(lambda: handler.answer(pending, choice, work), begun, work, operator)
    prior = as_it_is(handler.kind, prior, result) if choice == REVERT else prior
    still = (result.pending,) if result.pending else ()
    prior = replace(prior, pending=still, facts={**prior.facts, **result.facts}, owes=())
    return _succeeded(prior, result, begun, operator)


def watch(prior: Prior, pending: Pending, state: State, handlers: Mapping[str, Handler]) -> Blueprint:
    """What waits for the end of something that is under way, and does nothing else."""
    change = Change(prior.address, Action.RESUME, prior=prior, pending=pending)
    decided = Decided({prior.address: change}, {}, (), (), Scope())
    steps = build_steps(decided.changes, {}, handlers)
    manifest = Manifest("", "", state.project, state.environment, state.account_id, {})
    plan = compose_plan(decided, steps, handlers, Frame(manifest, state, "", "", ""))
    return Blueprint(plan, decided, steps, manifest, {}, {})


def _begun(prior: Prior, verb: str, operator: Operator, meanwhile: Prior) -> StepBegun:
    begun = StepBegun(
        address=prior.address,
        verb=verb,
        operation=operator.new_operation(),
        at=operator.clock.now(),
        run=operator.run,
        natural_key=prior.name,
        identity=prior.identity,
        prior=meanwhile,
    )
    operator.record((begun,))
    return begun


def _recorded(verb: Callable[[], Result | None], begun: StepBegun, work: _Work, operator: Operator) -> Result:
    """What a verb gives; its failure is recorded, with what it owes by then, before it is told."""
    try:
        result = verb()
    except ReconcilerError as error:
        is_lost = isinstance(error, UnavailableError) and error.sent
        owing = replace(begun.prior, owes=tuple(work.before)) if begun.prior and work.before else None
        now = operator.clock.now()
        message, fix = error.message, error.fix
        failed = StepFailed(begun.address, begun.verb, begun.operation, message, fix, owing, now, is_lost)
        operator.record((failed,))
        raise
    assert result is not None
    return result


def _succeeded(prior: Prior, result: Result, begun: StepBegun, operator: Operator) -> Prior:
    now = operator.clock.now()
    ended = StepSucceeded(begun.address, begun.verb, begun.operation, prior, at=now, notes=result.notes)
    operator.record((ended,))
    return prior
