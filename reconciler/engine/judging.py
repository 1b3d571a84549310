"""What follows from a change once it is known: its effect, its dangers, what rides along, what references come to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.model.change import BLOCKED, SHOWN, Action, AttributeChange, Change, Effect, Hazard
from reconciler.model.handler import Handler, Judgement
from reconciler.model.value import Unknown, Value


def outputs_after(handler: Handler, change: Change) -> Mapping[str, Value]:
    """What references to this resource come to, `revision` included: it rises with every applied change."""
    idle = change.action.is_idle or change.action is Action.RESUME
    revision: Value = change.prior.revision if change.prior and idle else Unknown(change.address)
    if change.action is Action.NO_OP and change.prior is None:
        revision = 1
    return {**handler.predict(change), "revision": revision}


def with_riders(handler: Handler, change: Change) -> Change:
    """Adds what only moves when something restarts, as attributes of the change."""
    riding = handler.ride_along(change)
    if not riding:
        return change
    before = change.observed.attributes if change.observed else {}
    moved = tuple(
        AttributeChange((key,), before.get(key), value)
        for key, value in riding.items()
        if before.get(key) != value and not change.action.is_idle
    )
    stays = tuple(attribute for attribute in change.attributes if attribute.path[0] not in riding)
    return replace(change, wanted={**change.wanted, **riding}, attributes=(*stays, *moved))


def judge(handler: Handler, change: Change) -> Judgement:
    """What the kind says of a change, and the dangers that follow for every kind alike."""
    sent = tuple(attribute for attribute in change.attributes if not attribute.state_only)
    judged = handler.judge(
        change if len(sent) == len(change.attributes) else replace(change, attributes=sent)
    )
    hazards = {hazard.code: hazard for hazard in (*_common_hazards(change, judged.effect), *judged.hazards)}
    return replace(judged, hazards=tuple(sorted(hazards.values())))


def _common_hazards(change: Change, effect: Effect) -> Iterable[Hazard]:
    if change.action is Action.ADOPT:
        yield Hazard("TAKES_OVER", SHOWN, "an object that exists already is taken over")
    if effect is Effect.ROLLOUT:
        yield Hazard("RESTARTS_INSTANCES", SHOWN, "running instances are replaced in steps")
    if effect is Effect.DOWNTIME and change.action.is_destructive:
        yield Hazard("DOWNTIME", SHOWN, "what runs stops before anything new starts")
    if change.action.is_destructive and _protected(change):
        fix = "lift `protect` in an apply of its own first"
        yield Hazard("PROTECTED", BLOCKED, f"it is protected; {fix}")


def _protected(change: Change) -> bool:
    remembered = change.prior is not None and change.prior.protect
    return remembered or (change.desired is not None and change.desired.protect)
