"""What a change of an application does to what runs: effect, dangers, the steps of its rollout, its generation. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.kinds.application.forms import MANAGED, has_legacy_logs
from reconciler.kinds.application.rollout_options import Steps, steps_of
from reconciler.kinds.application.table import KIND
from reconciler.kinds.shared.image_resolving import image_details, image_facts
from reconciler.model.change import SHOWN, Action, Change, Effect, Hazard
from reconciler.model.handler import Judgement
from reconciler.model.kind import predicted_outputs, worst_effect
from reconciler.model.value import Unknown, Value, path_text

RESTART = "restart"
OWED = frozenset({"rollout", "patched", RESTART})
"""Checkpoints and findings that mean: the configuration is there, the instances do not run it yet."""


_LOOKS_AT_ROLLOUT = 3
"""Reads around a rollout: those before it, how it ended, which instances are left."""
CLASS = "class_name"
"""The setting, and the fact, that names its class: what is compared is the id of the namespace."""

AT_ONCE = "at_once"
"""The setting of a command that operates: it rolls out now, whoever takes the steps of a change of the manifest."""


def judge(change: Change) -> Judgement:
    """Effect, hazards and what a reader wants to know."""
    match change.action:
        case Action.CREATE:
            return Judgement(Effect.NONE, tuple(_unpinned(change)), details=_details(change, Effect.NONE))
        case Action.REPLACE:
            hazards = (*_downtime(change), *_unpinned(change))
            reason = _why_replaced(change)
            details, notes = image_details(change), tuple(_notes(change))
            return Judgement(Effect.DOWNTIME, hazards, reason, details, notes)
        case Action.DELETE:
            return Judgement(Effect.DOWNTIME, tuple(_ended(change)))
        case _:
            return _in_place(change)


def _in_place(change: Change) -> Judgement:
    effect = effect_of(change)
    is_rollout = effect is Effect.ROLLOUT
    hazards = [*_restarts(change, effect), *_taken_over(change), *_unpinned(change)]
    return Judgement(
        effect,
        tuple(hazards),
        _why_owed(change),
        _details(change, effect),
        tuple(_notes(change)),
        writes=2 if is_rollout else 1,
        reads=_LOOKS_AT_ROLLOUT if is_rollout else 0,
    )


def effect_of(change: Change) -> Effect:
    """The worst effect of what differs, lowered where instances are left alone, raised where logs sit in the configuration."""
    effect = Effect.ROLLOUT if owes_rollout(change) else worst_effect(KIND, change)
    if effect is Effect.ROLLOUT and only_hot_unsafe(change):
        effect = Effect.HOT
    raw = change.observed.raw if change.observed else {}
    if change.touches("observability") and has_legacy_logs(raw):
        effect = max(effect, Effect.ROLLOUT, key=Effect.rank)
    if effect is Effect.ROLLOUT and (leaves_instances(change) or is_managed(change)):
        return Effect.HOT
    return effect


def differs(change: Change) -> bool:
    """Whether anything has to be sent: guards and edges live in state alone."""
    return any(KIND.attribute(path) is not None for path in change.paths)


def owes_rollout(change: Change) -> bool:
    """Whether a rollout has to be started although nothing else may differ (hard-flows A4)."""
    remembered = change.prior.owes if change.prior else ()
    seen = change.observed.owes if change.observed else ()
    return bool(OWED & {*remembered, *seen})


def is_restart(change: Change) -> bool:
    """Whether its instances are to start anew although the configuration stays."""
    return change.prior is not None and RESTART in change.prior.owes


def _why_owed(change: Change) -> str:
    if is_restart(change):
        return "its instances start anew"
    return "the last change was never rolled out" if owes_rollout(change) else ""


def leaves_instances(change: Change) -> bool:
    """Whether running instances are to take the change up when they next start (`rollout_kind: none`)."""
    settings = settings_of(change)
    return settings.get("rollout_kind") == "none" and not settings.get(AT_ONCE)


def is_managed(change: Change) -> bool:
    """Whether the Durable Object manages it: then there are no rollouts."""
    observed = change.observed.attributes if change.observed else {}
    return (change.wanted or observed).get("scheduling_policy") == MANAGED


def settings_of(change: Change) -> Mapping[str, Value]:
    """How to go about it."""
    return change.desired.settings if change.desired else {}


def rollout_kind(change: Change) -> str:
    """Who takes the steps."""
    settings = settings_of(change)
    return "full_auto" if settings.get(AT_ONCE) else str(settings.get("rollout_kind", "full_auto"))


def remembered_after(change: Change) -> dict[str, Value]:
    """Facts to be remembered: image and class, how it is rolled out (which commands go by), no rollback any more."""
    settings = settings_of(change)
    if settings.get(AT_ONCE):
        return {}
    known = change.prior.facts if change.prior else {}
    facts: dict[str, Value] = {
        "rollout_kind": settings.get("rollout_kind", "full_auto"),
        **image_facts(change),
    }
    steps = settings.get("rollout_step_percentage")
    if steps != known.get("rollout_steps"):
        facts["rollout_steps"] = steps
    if settings.get(CLASS) != known.get(CLASS):
        facts[CLASS] = settings.get(CLASS)
    if known.get("rolled_back") and effect_of(change) is Effect.ROLLOUT:
        facts["rolled_back"] = None
    return facts


def only_hot_unsafe(change: Change) -> bool:
    """Whether a rollout would be started only for `unsafe` keys outside the configuration."""
    for one in change.attributes:
        row = KIND.attribute(one.path)
        if row is None or row.effect is not Effect.ROLLOUT:
            continue
        if one.path[0] != "unsafe":
            return False
        if len(one.path) > 1:
            if one.path[1] == "configuration":
                return False
        elif any(isinstance(side, Mapping) and "configuration" in side for side in (one.before, one.after)):
            return False
    return not owes_rollout(change)


def running_instances(application: Mapping[str, Any]) -> int:
    """How many instances run, by whichever counters the service shows (reference 2.1.8)."""
    counters = (application.get("health") or {}).get("instances") or {}
    counted = sum(int(counters.get(key) or 0) for key in ("active", "failed", "starting", "scheduling"))
    return max(counted, int(counters.get("active") or 0) + int(counters.get("assigned") or 0))


def failed_instances(application: Mapping[str, Any]) -> int:
    """How many instances fail; without a counter, how many are named by errors."""
    health = application.get("health") or {}
    counters = health.get("instances") or {}
    if counters.get("failed") is not None:
        return int(counters["failed"])
    return len({error.get("instance_id") for error in health.get("errors") or ()})


# the rollout


def rollout_steps(change: Change) -> Steps:
    """The steps that a rollout of this change takes."""
    return steps_of(settings_of(change), change.wanted.get("max_instances"))


def _details(change: Change, effect: Effect) -> Mapping[str, Value]:
    details = image_details(change)
    if effect is not Effect.ROLLOUT:
        return details
    instances = _instances(change)
    return {
        **details,
        "rollout": {
            "kind": rollout_kind(change),
            "instances": instances,
            "steps": rollout_steps(change).reached(instances),
            "grace_seconds": change.wanted.get("rollout_active_grace_period", 0),
        },
    }


def _instances(change: Change) -> int:
    running = running_instances(change.observed.raw) if change.observed else 0
    most = change.wanted.get("max_instances")
    return running or (int(most) if isinstance(most, int | float) else 0)


def _restarts(change: Change, effect: Effect) -> Iterator[Hazard]:
    if effect is not Effect.ROLLOUT:
        return
    steps = ", ".join(f"{percentage} %" for percentage in rollout_steps(change).percentages)
    running = running_instances(change.observed.raw) if change.observed else 0
    who = _counted(running) if running else "instances"
    verb = "is" if running == 1 else "are"
    yield Hazard("RESTARTS_INSTANCES", SHOWN, f"{who} {verb} replaced in steps: {steps}")


def _why_replaced(change: Change) -> str:
    """The reason in words, where it is the class; "" where the paths say enough."""
    if not any(one.path == ("namespace",) and one.forces_replacement for one in change.attributes):
        return ""
    if change.wanted.get("namespace") is None:
        return "it is to run behind no class any more, which only a new application can"
    if change.observed is not None and change.observed.attributes.get("namespace") is None:
        return "it lost its link to the Durable Object, which only a new application can have"
    known = change.prior.facts.get(CLASS) if change.prior else None
    if known is not None and known == settings_of(change).get(CLASS):
        return f"the Durable Objects of {known} that it ran behind are gone, and only a new application can run behind new ones"
    return "it is to run behind another class, which only a new application can"


def _ended(change: Change) -> Iterator[Hazard]:
    running = running_instances(change.observed.raw) if change.observed else 0
    if running:
        yield Hazard("DOWNTIME", SHOWN, _stopping(running))


def _stopping(running: int) -> str:
    return f"{_counted(running)} {'stops' if running == 1 else 'stop'}"


def _counted(running: int) -> str:
    return f"{running} running {'instance' if running == 1 else 'instances'}"


def _downtime(change: Change) -> Iterator[Hazard]:
    running = running_instances(change.observed.raw) if change.observed else 0
    what = _stopping(running) if running else "what runs stops"
    yield Hazard(
        "DOWNTIME", SHOWN, f"{what} before new ones start: a namespace takes one application at a time"
    )


def _taken_over(change: Change) -> Iterator[Hazard]:
    if change.action is Action.ADOPT and change.observed is not None:
        whose = f"the application {change.observed.name} ({change.observed.identity})"
        yield Hazard("TAKES_OVER", SHOWN, f"{whose} exists already and is taken over")


def _unpinned(change: Change) -> Iterator[Hazard]:
    image = change.wanted.get("image")
    if isinstance(image, str) and "@sha256:" not in image:
        yield Hazard("UNPINNED_IMAGE", SHOWN, f"{image} is deployed as written: its digest is not known here")


def _notes(change: Change) -> Iterator[str]:
    for one in change.attributes:
        if one.path != ("max_instances",) or not (isinstance(one.before, int) and isinstance(one.after, int)):
            continue
        if one.after < one.before:
            yield f"lowering max_instances from {one.before} to {one.after} stops instances beyond it"
        elif one.after > one.before and effect_of(change) is Effect.ROLLOUT:
            yield f"max_instances is {one.after} from before the rollout on: what starts meanwhile is replaced too"
    if change.wanted.get("unsafe"):
        yield f"unsafe, sent unchecked: {', '.join(sorted(change.wanted['unsafe']))}"
    if effect_of(change) is Effect.ROLLOUT:
        yield from _remembered(change)
    if leaves_instances(change) and worst_effect(KIND, change) is Effect.ROLLOUT:
        yield "running instances take it up when they next start (rollout_kind: none)"


def _remembered(change: Change) -> Iterator[str]:
    """What happened to the versions before this one, and is about to be tried again."""
    facts = change.prior.facts if change.prior else {}
    undone = facts.get("rolled_back")
    if undone and undoes(change, undone):
        yield f"undoes the rollback of {_clock(undone)}, which went back from version {undone.get('version')}"
    for key, what in (("reverted", "was reverted"), ("undone", "was taken back")):
        if before := facts.get(key):
            yield f"version {before.get('version')} {what} at {before.get('at')}: {before.get('why')}"
            return


def undoes(change: Change, rollback: Mapping[str, Value]) -> bool:
    """Whether a change takes up again what a rollback went back from: its paths, while they stand as it left them."""
    image = change.observed.attributes.get("image") if change.observed else None
    paths = set(rollback.get("paths") or ())
    return image == rollback.get("image") and any(path_text(path) in paths for path in change.paths)


def _clock(fact: Mapping[str, Value]) -> str:
    day, _, time = str(fact.get("at", "")).partition("T")
    return f"{time[:5]} ({day} UTC)"


# what follows


def outputs_after(change: Change) -> dict[str, Value]:
    """The outputs after a change; what the manifest says of image and namespace is known before."""
    outputs = predicted_outputs(KIND, change)
    if change.action.is_idle or change.action in (Action.RESUME, Action.DELETE):
        return outputs
    outputs["image"] = change.wanted.get("image", outputs["image"])
    outputs["instances"] = change.wanted.get("instances", outputs["instances"])
    if "namespace" in change.wanted:
        outputs["namespace_id"] = change.wanted["namespace"]
    if is_managed(change) and isinstance(outputs["id"], Unknown):
        outputs["id"] = change.wanted.get("namespace")
    return outputs


def riding(change: Change) -> dict[str, Value]:
    """The generation after a change: one more where instances restart, else the one in force (interface 1.4)."""
    if not change.wanted.get("generation_variable"):
        return {}
    views = (change.prior, change.observed)
    known = [view.attributes.get("generation") for view in views if view is not None]
    current = next((number for number in known if isinstance(number, int)), 0)
    if change.action in (Action.CREATE, Action.REPLACE):
        return {"generation": current + 1}
    if change.action.is_idle or change.action is Action.RESUME:
        return {"generation": current}
    return {"generation": current + (effect_of(change) is Effect.ROLLOUT)}
