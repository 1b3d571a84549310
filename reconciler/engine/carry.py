"""Carries out one step: resolves what it needs, narrows it, calls the verb, and says what is remembered afterwards.

Runs on a worker thread except for `ready`, which the executor calls before it declares the intent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from reconciler.engine.diff import compare, put, recorded, without_ignored
from reconciler.engine.judging import with_riders
from reconciler.engine.recover import find_lost
from reconciler.engine.resolve import Scope, resolve
from reconciler.engine.runs import held_against
from reconciler.errors import InterruptedRunError, NotFoundError, PlanError, UnavailableError
from reconciler.frozen import frozen
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Action, Change, Step
from reconciler.model.event import StepBegun
from reconciler.model.handler import Handler, Result, Work
from reconciler.model.kind import Uniqueness
from reconciler.model.resource import Observed, Pending, Prior
from reconciler.model.value import Attributes, Value, is_plain, path_text, unknowns


@frozen
class Clock:
    """The service's time, and a sleep that ends early when stopping is asked for (True then)."""

    now: Callable[[], str]
    sleep: Callable[[float], bool]
    seconds_since: Callable[[str], float]
    on_wait: Callable[[str], None] = lambda _why: None  # told why it takes long


@frozen
class Errand:
    """One step, ready to go: the narrowed change and what will be remembered of it."""

    step: Step
    change: Change
    handler: Handler
    sends: bool  # False: state only, nothing goes out
    draft: Prior | None  # what will be remembered, identity and outputs still missing


@dataclass(slots=True)
class Memory:
    """What a run knows beside the plan: outputs that became known, and edges to be remembered."""

    scope: Scope
    waits_for: Mapping[ResourceAddress, frozenset[ResourceAddress]]
    uses: Mapping[ResourceAddress, frozenset[ResourceAddress]]
    by: str = ""
    run: str = ""


def ready(step: Step, change: Change, handler: Handler, memory: Memory) -> Errand:
    """Resolves and narrows the change of a step whose turn has come.

    Raises PlanError where a value is still unknown, or where it now would have to be replaced and the plan did not say so.
    """
    operation = step.key.operation
    if operation in ("delete", "forget", "move", "resume", "refresh"):
        return Errand(step, change, handler, operation == "delete", _draft_as_is(operation, change, memory))
    narrowed = narrow(change, handler, memory.scope)
    sends = _is_certain(operation, change) or _differs(narrowed) or bool(_owes(narrowed))
    return Errand(step, narrowed, handler, sends, draft(narrowed, memory))


def _is_certain(operation: str, change: Change) -> bool:
    """Whether it is done whatever its values come to: a run whose inputs turn out the same is not."""
    return operation == "create" or (operation == "run" and not any(one.unknown for one in change.attributes))


def narrow(change: Change, handler: Handler, scope: Scope) -> Change:
    """The change as it is once everything it waited for is known: never more than the plan showed."""
    desired = change.desired
    assert desired is not None
    wanted = resolve(desired.attributes, scope)
    missing = next(unknowns(wanted), None)
    if missing is not None:
        raise PlanError(
            f"{missing.expression or missing.until} is still unknown",
            fix="what it waits for gave no such value",
            address=str(change.address),
        )
    if change.action in (Action.CREATE, Action.REPLACE):
        return with_riders(handler, replace(change, wanted=wanted))
    if change.action is Action.RUN:
        before = held_against(handler.kind, change.prior)
        inputs = compare(handler.kind, desired, wanted, before, _NOTHING)
        return with_riders(handler, replace(change, wanted=wanted, attributes=tuple(inputs)))
    assert change.observed is not None
    wanted = without_ignored(handler.kind, desired, wanted, change.prior, change.observed)
    planned = change.paths
    # Secrets that the plan resends differ still; whatever it does not show is left out below.
    found = compare(handler.kind, desired, wanted, change.prior, change.observed, resend_secrets=True)
    kept = [one for one in found if _was_planned(one.path, planned)]
    forced = next((one for one in kept if one.forces_replacement), None)
    if forced is not None:
        raise PlanError(
            f"{path_text(forced.path)} turned out to need a replacement, which the plan did not show",
            fix="plan again",
            address=str(change.address),
        )
    meta = [one for one in change.attributes if one.state_only]
    change = replace(change, wanted=wanted, attributes=(*kept, *meta))
    if not kept and not _owes(change):
        return change
    judged = handler.judge(change)
    return with_riders(handler, replace(change, effect=judged.effect))


_NOTHING = Observed("", "", {})


def _was_planned(path: tuple[str, ...], planned: frozenset[tuple[str, ...]]) -> bool:
    if path in planned:
        return True
    return any(path[: len(one)] == one or one[: len(path)] == path for one in planned)


def _differs(change: Change) -> bool:
    return any(not one.state_only for one in change.attributes)


def _owes(change: Change) -> tuple[str, ...]:
    remembered = change.prior.owes if change.prior else ()
    return (*remembered, *(change.observed.owes if change.observed else ()))


def draft(change: Change, memory: Memory) -> Prior:
    """What will be remembered of a resource that the manifest wants."""
    desired = change.desired
    assert desired is not None
    prior, observed = change.prior, change.observed
    address = change.address
    stays = change.action is not Action.REPLACE  # what takes its place has no past of its own
    return Prior(
        address=address,
        identity=observed.identity if observed and stays else "",
        name=desired.name,
        named_by_default=desired.named_by_default,
        attributes={key: recorded(value) for key, value in change.wanted.items()},
        outputs=_plain_only(observed.outputs) if observed else {},
        facts=prior.facts if prior else {},
        depends_on=tuple(sorted(memory.waits_for.get(address, ()))),
        uses=tuple(sorted(memory.uses.get(address, ()))),
        protect=desired.protect,
        retain=desired.retain,
        freshness=observed.freshness if observed else "",
        revision=prior.revision if prior else 0,
        pending=prior.pending if prior and stays else (),
        lane=desired.lane,
        applied_at=prior.applied_at if prior and stays else "",
        applied_by=prior.applied_by if prior and stays else "",
    )


def _draft_as_is(operation: str, change: Change, memory: Memory) -> Prior | None:
    if operation == "forget":
        return None
    if operation == "move" and change.desired is not None:
        return draft(change, memory)
    if operation == "refresh":
        return _as_it_is(change)
    return change.prior


def _as_it_is(change: Change) -> Prior | None:
    """What is remembered, with the live values in place of those that somebody else changed."""
    prior, observed = change.prior, change.observed
    if prior is None or observed is None:
        return None
    attributes = dict(prior.attributes)
    for one in change.attributes:
        attributes = put(attributes, one.path, one.after)
    return replace(prior, attributes=attributes, freshness=observed.freshness)


def remembered(errand: Errand, result: Result, at: str, by: str) -> Prior:
    """The draft completed by what the verb left behind."""
    assert errand.draft is not None
    observed = result.observed
    return replace(
        errand.draft,
        identity=observed.identity,
        name=observed.name or errand.draft.name,
        outputs=_plain_only(observed.outputs),
        facts={**errand.draft.facts, **result.facts},
        freshness=observed.freshness,
        revision=errand.draft.revision + 1,
        owes=(),
        pending=(result.pending,) if result.pending else (),
        applied_at=at,
        applied_by=by,
    )


def _plain_only(outputs: Attributes) -> dict[str, Value]:
    return {key: value for key, value in outputs.items() if is_plain(value)}


@frozen
class Deleted:
    """A delete that was accepted; `pending` says what to wait for."""

    identity: str
    pending: Pending | None


Outcome = Result | Deleted


def carry_out(errand: Errand, work: Work, clock: Clock, begun: StepBegun) -> Outcome:
    """Calls the verb; a lost answer is looked into at once by the kind's own rule. Raises ReconcilerError."""
    try:
        return _call(errand, work)
    except UnavailableError as error:
        if not error.sent:
            raise
        try:
            return _after_lost_answer(errand, work, clock, begun)
        except InterruptedRunError:
            raise error from None  # whether it was done is for the next run to find out


def _call(errand: Errand, work: Work) -> Outcome:
    change, handler = errand.change, errand.handler
    match errand.step.key.operation:
        case "delete":
            identity = change.observed.identity if change.observed else ""
            try:
                return Deleted(identity, handler.delete(change, work))
            except NotFoundError:
                return Deleted(identity, None)
        case "create" | "run":
            return handler.create(change, work)
        case _:
            return handler.update(change, work)


def _after_lost_answer(errand: Errand, work: Work, clock: Clock, begun: StepBegun) -> Outcome:
    """The work may have been done. Only what is safe to repeat is repeated (failure-modes, section 2)."""
    if errand.step.key.operation not in ("create", "run"):
        return _call(errand, _Again(work))
    match uniqueness_of(errand):
        case Uniqueness.LISTED:
            found = find_lost(errand.handler, errand.change, begun, clock)
            return Result(found) if found is not None else _call(errand, _Again(work))
        case Uniqueness.LABELLED:
            find_lost(errand.handler, errand.change, begun, clock)  # returns once no list can hide it
            return _call(errand, _Again(work))
        case _:
            return _call(errand, _Again(work))


def uniqueness_of(errand: Errand) -> Uniqueness:
    """How a lost create of this resource is found again."""
    desired = errand.change.desired
    declared = desired.uniqueness if desired else ""
    return Uniqueness(declared) if declared else errand.handler.kind.uniqueness


class _Again:
    """The same work, told that an earlier attempt may have done it already."""

    again = True

    def __init__(self, work: Work) -> None:
        self._work = work
        self.operation = work.operation
        self.before = work.before

    def checkpoint(self, name: str, facts: Mapping[str, Value]) -> None:
        self._work.checkpoint(name, facts)

    def progress(self, done: float, of: float, note: str) -> None:
        self._work.progress(done, of, note)

    def stopping(self) -> bool:
        return self._work.stopping()
