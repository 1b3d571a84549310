"""What is written down about a step: that it began, how it ended, what it left. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from reconciler.engine.carry import Errand, uniqueness_of
from reconciler.engine.crew import Started
from reconciler.engine.diff import drifted
from reconciler.engine.waiting import Waiting
from reconciler.errors import InterruptedRunError, ProviderError, ReconcilerError, UnavailableError
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Change, StepKey
from reconciler.model.event import Event, StepBegun, StepFailed, StepLeftUnsettled, StepSucceeded, StepVoided
from reconciler.model.handler import Result
from reconciler.model.kind import Kind
from reconciler.model.resource import Observed, Prior, set_aside
from reconciler.model.value import Value, path_text

Facts = Mapping[str, Value]
Reached = Mapping[str, Facts]
"""The facts of each checkpoint that an operation has come to."""
_MAKES = ("create", "run")
_LONGEST = 80


def intent(
    errand: Errand, operation: str, at: str, run: str, changes: Mapping[ResourceAddress, Change]
) -> StepBegun:
    """What must be durable before a step sends anything."""
    change, verb = errand.change, errand.step.key.operation
    makes = verb in _MAKES
    return StepBegun(
        address=change.address,
        verb=verb,
        operation=operation,
        at=at,
        run=run,
        natural_key=change.name,
        identity=change.observed.identity if change.observed else "",
        uniqueness=str(uniqueness_of(errand)) if makes else "",
        prior=errand.draft if makes else None,
        replaces=_replaced_by(change, changes) if makes else "",
    )


def _replaced_by(change: Change, changes: Mapping[ResourceAddress, Change]) -> str:
    """The id of what stays until this is there."""
    prior = change.prior
    return prior.identity if prior is not None and set_aside(prior).address in changes else ""


def moved_away(change: Change) -> tuple[Event, ...]:
    """The address a resource was known under before is free once something has been recorded under the new one."""
    return (StepSucceeded(change.moved_from, "move", "", None),) if change.moved_from else ()


def published(change: Change, result: Result, prior: Prior) -> dict[str, Value]:
    """What references to a resource give from now on."""
    outputs = {**result.observed.outputs, "revision": prior.revision}
    desired = change.desired
    for name, value in (desired.outputs if desired else {}).items():
        outputs.setdefault(name, value)
    if desired is not None and desired.name:
        outputs.setdefault("name", desired.name)
    return outputs


def stored_otherwise(kind: Kind, prior: Prior, observed: Observed) -> tuple[str, ...]:
    """What the service says that it has stored, where that is not what it was sent (failure-modes, row 11)."""
    return tuple(
        f"{path_text(one.path)}: the service stored {_shown(one.live)}, and was sent {_shown(one.recorded)}"
        for one in drifted(kind, prior, observed, None)
    )


def _shown(value: Value) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def failure(
    key: StepKey, change: Change, error: ReconcilerError, at: str, started: Started | None, reached: Reached
) -> Event:
    """Why a step came to nothing, and what it has left behind."""
    operation = started.operation if started else ""
    is_stopped = isinstance(error, InterruptedRunError)
    if is_stopped and not reached and not (started and started.begun.repeats):
        return StepVoided(key.address, key.operation, operation, "interrupted without effect")
    return StepFailed(
        key.address,
        key.operation,
        operation,
        error.message,
        fix=error.fix,
        prior=_owing(started.errand, change.prior, reached) if started else None,
        at=at,
        # What was stopped half-way goes on from its checkpoints.
        uncertain=started is not None
        and (is_stopped or (isinstance(error, UnavailableError) and error.sent)),
        output="\n".join(error.details.get("output", ())) if isinstance(error, ProviderError) else "",
    )


def _owing(errand: Errand, prior: Prior | None, reached: Reached) -> Prior | None:
    """A step that failed half-way keeps its checkpoints: what it still owes is remembered, and what it made."""
    if not reached:
        return None
    if errand.step.key.operation in _MAKES:
        made = next((str(facts["identity"]) for facts in reached.values() if "identity" in facts), "")
        prior = replace(errand.draft, identity=made) if made and errand.draft else None
    return replace(prior, owes=tuple(reached)) if prior else None


def left(waiting: Waiting, reason: str, *, on_purpose: bool = False) -> StepLeftUnsettled:
    """What the service still owes, and why nobody waits for it any more."""
    key = waiting.key
    return StepLeftUnsettled(
        key.address, key.operation, waiting.operation, waiting.prior, waiting.pending, reason, on_purpose
    )


def never_begun(key: StepKey, operation: str) -> StepVoided:
    """An intent that nothing came of, since the run was stopped."""
    return StepVoided(key.address, key.operation, operation, "never begun")
