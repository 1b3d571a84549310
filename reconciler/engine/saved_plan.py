"""Whether what would be done now is what a saved plan shows: the same before anything was begun, no more after it was cut off."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace

from reconciler.engine.planner import Blueprint
from reconciler.engine.replacing import belongs_to
from reconciler.errors import StalePlanError
from reconciler.model.change import Action
from reconciler.model.plan import Plan, PlannedChange


def check_serial(saved: Plan, serial: int) -> None:
    """Raises StalePlanError where the state is not the one that the plan was made for."""
    if saved.state.serial != serial:
        raise StalePlanError(
            f"the state has moved on from serial {saved.state.serial} to {serial}", fix="plan again"
        )


def check_same(saved: Plan, fresh: Blueprint) -> Blueprint:
    """The fresh blueprint, reduced to what the saved plan shows.

    Raises StalePlanError that names what moved: a resource, a file, a secret, the manifest or the state.
    """
    now = fresh.plan
    check_serial(saved, now.state.serial)
    shown = {change.address: change for change in saved.changes if change.action != "no_op"}
    current = {change.address: change for change in now.changes}
    for address, change in shown.items():
        difference = _difference(change, current.get(address))
        if difference:
            raise StalePlanError(difference, fix="plan again", address=address)
    return _reduced(saved, fresh, shown)


def go_on(saved: Plan, fresh: Blueprint, begun: Set[str]) -> Blueprint:
    """What an apply of a saved plan that was cut off has left to do; `begun` are the addresses that it was at work on.

    What the plan does not show is left alone. Raises StalePlanError for what would be done otherwise than it shows.
    """
    shown = {change.address: change for change in saved.changes if change.action != "no_op"}
    for change in fresh.plan.changes:
        promised = shown.get(change.address)
        if promised is None or change.action == "no_op":
            continue
        now = _as_far_as_known(change, promised)
        compared = _half_done if change.address in begun else _difference
        if difference := compared(promised, now):
            raise StalePlanError(difference, fix="plan again", address=change.address)
    return _reduced(saved, fresh, shown)


def _as_far_as_known(now: PlannedChange, shown: PlannedChange) -> PlannedChange:
    """A change with what was unknown when it was shown unknown again, and what turned out to be no difference as shown."""
    present = {one.path: one for one in now.attributes}
    attributes = tuple(
        one if one.unknown or one.path not in present else present[one.path] for one in shown.attributes
    )
    more = tuple(one for one in now.attributes if one.path not in {it.path for it in shown.attributes})
    return replace(now, attributes=(*attributes, *more))


def _reduced(saved: Plan, fresh: Blueprint, shown: Mapping[str, PlannedChange]) -> Blueprint:
    """A fresh blueprint without what a saved plan does not show."""
    kept = {
        address: change
        for address, change in fresh.decided.changes.items()
        if str(belongs_to(address, fresh.decided.changes)) in shown or change.action is Action.NO_OP
    }
    decided = replace(fresh.decided, changes=kept)
    steps = {key: step for key, step in fresh.steps.items() if key.address in kept}
    return replace(fresh, plan=saved, decided=decided, steps=steps)


def _difference(shown: PlannedChange, now: PlannedChange | None) -> str:
    if now is None:
        return f"the plan shows {shown.action}, and now there is nothing to do"
    if now.action != shown.action:
        return f"the plan shows {shown.action}, and now it would be {now.action}"
    if now.live != shown.live:
        return "somebody has changed it since the plan was made"
    return _other_values(shown, now)


def _half_done(shown: PlannedChange, now: PlannedChange) -> str:
    """What was begun may be anything between what it was and what is shown; an object that was made is ours, however it looks."""
    if now.action in ("delete", "replace") and now.action != shown.action:
        return f"the plan shows {shown.action}, and now it would be {now.action}"
    return "" if shown.action == "create" else _other_values(shown, now)


def _other_values(shown: PlannedChange, now: PlannedChange) -> str:
    if now.attributes != shown.attributes:
        paths = sorted(
            {one.path for one in (*shown.attributes, *now.attributes)}
            - {one.path for one in shown.attributes if one in now.attributes}
        )
        return f"it would change otherwise than shown: {', '.join(paths)}"
    return ""
