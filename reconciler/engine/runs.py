"""What runs to completion instead of lasting: what its inputs are held against, and when it runs again. Pure.

Two facts are remembered of it: `done`, the inputs of the last run that ended well, and `failed`, that the last one did not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconciler.model.change import Action, Change
from reconciler.model.kind import Kind
from reconciler.model.resource import Prior

DONE = "done"
FAILED = "failed"
MODE = "run"
"""The setting that says when it runs: `on_change`, `once`, `always`."""
ALWAYS = "always"
ONCE = "once"
_STARTS = (Action.CREATE, Action.UPDATE, Action.REPLACE)


def held_against(kind: Kind, prior: Prior | None) -> Prior | None:
    """What is remembered, with the inputs of the last run that ended well in place of those of the last run."""
    if prior is None or not kind.runs:
        return prior
    return replace(prior, attributes=prior.facts.get(DONE) or {})


def ended_well(kind: Kind, prior: Prior) -> Prior:
    """What is remembered of a run that came to its end."""
    if not kind.runs:
        return prior
    return replace(prior, facts={**prior.facts, DONE: prior.attributes, FAILED: False})


def ended_badly(kind: Kind, prior: Prior) -> Prior:
    """What is remembered of a run that failed: its inputs count for nothing."""
    return replace(prior, facts={**prior.facts, FAILED: True}) if kind.runs else prior


def as_run(change: Change, *, asked: bool) -> Change:
    """What is found about something that runs, as a run: none beside one under way, none after `once` was enough."""
    prior = change.prior
    if change.action is Action.NO_OP and mode_of(change) == ALWAYS and prior and prior.facts.get(FAILED):
        return replace(change, action=Action.RUN, reason="its last run failed")
    if change.action not in _STARTS:
        return change
    if prior is not None and prior.pending:
        pending = prior.pending[0]
        reason = f"a {pending.what} is still under way"
        return replace(change, action=Action.RESUME, attributes=(), pending=pending, reason=reason)
    if prior is not None and not prior.attributes and not prior.facts:
        reason = "it was imported: it counts as run with these inputs"
        return replace(change, action=Action.UPDATE, reason=reason)
    inputs = tuple(replace(one, forces_replacement=False) for one in change.attributes if not one.state_only)
    enough = mode_of(change) == ONCE and prior is not None and DONE in prior.facts
    if not asked and (enough or not inputs):
        return _remembered_only(change)
    reason = change.reason if asked else "it has not ended well with these inputs yet"
    return replace(change, action=Action.RUN, attributes=inputs, reason=reason)


def _remembered_only(change: Change) -> Change:
    meta = tuple(one for one in change.attributes if one.state_only)
    action = Action.UPDATE if meta else Action.NO_OP
    return replace(change, action=action, attributes=meta, reason=change.reason if meta else "")


def mode_of(change: Change) -> str:
    """When it is to run."""
    return str(change.desired.settings.get(MODE, "")) if change.desired else ""


def joining(changes: Iterable[Change]) -> list[Change]:
    """What runs with every apply that does something else, where this one does."""
    known = list(changes)
    if all(change.action.is_idle for change in known):
        return []
    reason = "it runs with every apply that does something"
    return [
        replace(change, action=Action.RUN, reason=reason)
        for change in known
        if change.action is Action.NO_OP and mode_of(change) == ALWAYS
    ]
