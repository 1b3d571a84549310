"""What would have to be different for a change not to happen."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from reconciler.frozen import frozen
from reconciler.model.change import Action
from reconciler.model.plan import Plan, PlannedAttribute, PlannedChange, PlannedDrift, PlannedSource
from reconciler.render.values import shown
from reconciler.render.verdict import few

Drift = Mapping[tuple[str, str], PlannedDrift]
_MOST_PATHS = 6
_LONGEST = 80
_CHANGED = (Action.UPDATE, Action.REPLACE, Action.ADOPT, Action.RUN)
_SENT = (*_CHANGED, Action.CREATE, Action.DELETE)


@frozen
class Otherwise:
    """Conditions: it does not happen if all of `together` hold, or any one of `alone`."""

    together: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()


def otherwise(plan: Plan, change: PlannedChange, drift: Drift, acting: Collection[str]) -> Otherwise:
    """The conditions under which a change would not be in the plan; `acting` are all whose change does something."""
    if change.action == Action.NO_OP:
        return Otherwise()
    together = tuple(_together(change, drift, acting)) if change.action in _CHANGED else ()
    return Otherwise(together, tuple(_alone(plan, change)))


def is_watched(attribute: PlannedAttribute) -> bool:
    """Whether it is somebody else's change that is watched, not a value of its own."""
    return attribute.path.partition("[")[0].partition(".")[0] in ("rollout_on", "replace_on")


def is_derived(attribute: PlannedAttribute, change: PlannedChange) -> bool:
    """Whether nobody wrote it: it stands at no place of its own in the manifest."""
    return attribute.source == change.source and not attribute.sensitive


def _deciding(change: PlannedChange) -> Sequence[PlannedAttribute]:
    """The attributes that decide: those that force a replacement, those that somebody wrote, else all."""
    if change.action == Action.REPLACE:
        decide = [one for one in change.attributes if one.forces_replacement]
    else:
        decide = [one for one in change.attributes if one.refers_to or not is_derived(one, change)]
    return decide or change.attributes


def _together(change: PlannedChange, drift: Drift, acting: Collection[str]) -> Iterator[str]:
    said: set[str] = set()
    for attribute in _deciding(change):
        moved = [one for one in attribute.refers_to if one in acting and one != change.address]
        condition = (
            _stays(moved) if moved else _attribute(attribute, drift.get((change.address, attribute.path)))
        )
        if condition not in said:
            yield condition
        said.add(condition)


def _stays(addresses: Sequence[str]) -> str:
    stays = "it is" if len(addresses) == 1 else "they are"
    return f"{few(addresses)} stayed as {stays} (`reconciler explain {addresses[0]}`)"


def _attribute(attribute: PlannedAttribute, drift: PlannedDrift | None) -> str:
    path, where = attribute.path, _place(attribute.source)
    if attribute.sensitive:
        return f"{path} had the value of the last apply{where}"
    if drift is not None and drift.verdict == "revert":
        return f"the manifest said {path} {_value(attribute)}, as it is now{where}"
    if attribute.how == "added":
        return f"{path} were not wanted{where}"
    if attribute.how == "removed":
        return f"the manifest still said {path} {_value(attribute)}{where}"
    return f"{path} were {_value(attribute)}, as it is now{where}"


def _value(attribute: PlannedAttribute) -> str:
    text = shown(attribute.before, attribute.path)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _place(source: PlannedSource) -> str:
    return f" ({source.file}:{source.line})" if source.line else ""


def _alone(plan: Plan, change: PlannedChange) -> Iterator[str]:
    yield from _of_action(plan, change)
    if change.action in _CHANGED:
        yield from _of_attributes(change)
    if change.action in _SENT:
        yield f"this run left it out, and what waits for it: `--exclude {change.address}`"


def _of_attributes(change: PlannedChange) -> Iterator[str]:
    """What may be ignored or not watched, where that suffices."""
    deciding = _deciding(change)
    if not deciding:
        return
    if all(map(is_watched, deciding)):
        yield f"{few([one.path for one in deciding])} were not watched{_place(deciding[0].source)}"
    elif _may_be_ignored(change, deciding):
        paths = few([one.path for one in deciding], _MOST_PATHS)
        yield f"`ignore_changes: [{paths}]` stood under {change.address}{_place(change.source)}"


def _may_be_ignored(change: PlannedChange, deciding: Sequence[PlannedAttribute]) -> bool:
    """Whether nothing would be left to do: what is derived cannot be ignored, nor what is secret or watched."""
    if change.action != Action.REPLACE and len(deciding) < len(change.attributes):
        return False
    return not any(one.sensitive or is_watched(one) or is_derived(one, change) for one in deciding)


def _of_action(plan: Plan, change: PlannedChange) -> Iterator[str]:
    options, address, manifest = plan.inputs.options, change.address, plan.manifest.path
    match change.action:
        case Action.CREATE:
            yield f"{address} did not stand in the manifest{_place(change.source)}"
            yield f"it existed and were taken over: `adopt: true`, or `reconciler import {address} ID`"
        case Action.DELETE if options.get("destroy"):
            yield "nobody asked for everything to be removed (`destroy`)"
        case Action.DELETE:
            yield f"{address} stood in {manifest}; if it only has another name now, under `moved` too"
            yield "it had `retain: true` when it was last applied: then it is only forgotten"
        case Action.FORGET:
            yield f"{address} stood in {manifest}; what exists in the cloud stays in any case"
        case Action.MOVE:
            yield f"`moved` did not say that {change.moved_from} is {address} now"
        case Action.ADOPT:
            yield f"neither `adopt: true` nor `imports` spoke of {address}, or nothing of its name existed"
        case Action.UPDATE if not change.attributes:
            yield "what an earlier run left undone were done: nothing else differs"
        case Action.RESUME:
            yield "what an earlier run began were over"
        case Action.REFUSED:
            yield from (one.detail for one in plan.diagnostics if one.address == address and one.detail)
        case Action.REPLACE | Action.RUN if address in (options.get("replace") or ()):
            yield f"nobody asked for it: `--replace {address}`"
