"""Rollouts: how instances come to run another configuration, step by step in the world's time (reference 2.2).

A step takes `rollout_step_seconds`; when it is over, its share of the instances has been started anew. The answer is
the kind `rollout`; the fleet as it was before, and the application it belongs to, are kept beside it as `_rollout`.
"""

from __future__ import annotations

import uuid

from reconciler.emulator import application_state as state
from reconciler.emulator import bodies, fleet, sizes
from reconciler.emulator import rollout_steps as steps
from reconciler.emulator.answers import Answer, ServiceError, ok
from reconciler.emulator.application_state import APPLICATION, fleet_of
from reconciler.emulator.applications import checked, reversioned, stored_configuration
from reconciler.emulator.call import Call
from reconciler.emulator.clock import iso
from reconciler.emulator.routing import Routes
from reconciler.emulator.shapes import validate
from reconciler.emulator.world import Object, World

ROLLOUT = "rollout"
BESIDE = "_rollout"
ACTIONS = ("next", "previous", "revert")
SMALLEST_SHARE = 10

routes = Routes("/accounts/{account}/containers", "/accounts/{account}/cloudchamber")


@routes.add("POST", "/applications/{application_id}/rollouts")
def create(call: Call, application_id: str) -> Answer:
    """Starts a rollout; one that is under way is replaced."""
    application = checked(call, application_id)
    body = call.fields()
    validate(body, bodies.CREATE_ROLLOUT)
    _check(application, body)
    wish = body["target_configuration"]
    target = stored_configuration(call, wish, application["configuration"])
    known = fleet_of(call.world, call.account, application_id)
    if known["deleting"]:
        raise ServiceError(400, "VALIDATE_INPUT", {".": "the application is being deleted"})
    count = state.booked(application)
    sizes.reserve(call.world, call.account, application["configuration"], target, count, was=count)
    _replace_active(call, application)
    current = _current_version(application, known)
    version, known = reversioned(call, application, known, target)
    rollout = _rollout(call, body, current, version, known)
    changed = application | {"version": version, "configuration": target, "updated_at": iso(call.now)}
    changed["active_rollout_id"] = rollout["id"]
    beside = {"id": rollout["id"], "application_id": application_id, "before": known["runs"]}
    call.world.put(BESIDE, call.account, rollout["id"], beside)
    state.publish(call.world, call.account, changed, known)
    if rollout["kind"] == "full_auto":
        rollout = steps.begun(rollout, call.now)
        call.world.schedule(
            ROLLOUT, call.account, rollout["id"], call.now + call.world.settings.rollout_step_seconds
        )
    return ok(_publish(call.world, call.account, rollout, call.now), 201)


def _check(application: Object, body: Object) -> None:
    details: dict[str, str] = {}
    if state.is_managed(application):
        details["."] = "an application managed by its Durable Object has no rollouts"
    elif body["strategy"] == "rolling":
        details = steps.complaints(body)
    elif "steps" in body or "step_percentage" in body:
        details["steps"] = "only for the strategy rolling"
    elif body.get("kind") == "full_manual" and "percentage" not in body:
        details["percentage"] = "required with new_instances and full_manual"
    if details:
        raise ServiceError(400, "VALIDATE_INPUT", details)


def _replace_active(call: Call, application: Object) -> None:
    active = call.world.get(ROLLOUT, call.account, application.get("active_rollout_id", ""))
    if active is not None:
        call.world.schedule(ROLLOUT, call.account, active["id"], None)
        _publish(call.world, call.account, {**active, "status": "replaced"}, call.now)


def _current_version(application: Object, known: Object) -> int:
    """What most instances run, or the application's own version where none runs."""
    counts = fleet.counts(known["runs"])
    return max(counts, key=lambda version: counts[version]) if counts else int(application["version"])


def _rollout(call: Call, body: Object, current: int, target: int, known: Object) -> Object:
    found: Object = {
        "id": str(uuid.uuid4()),
        "created_at": iso(call.now),
        "description": body["description"],
        "kind": body.get("kind", "full_auto"),
        "strategy": body["strategy"],
        "status": "pending",
        "current_version": current,
        "target_version": target,
        "current_configuration": state.configuration_of(known, current),
        "target_configuration": state.configuration_of(known, target),
    }
    if body["strategy"] == "new_instances":
        return {
            **found,
            "percentage": body.get("percentage", SMALLEST_SHARE),
            "steps": [steps.step(1, body.get("percentage", SMALLEST_SHARE), "")],
        }
    return {**found, "steps": steps.steps_of(body)}


def _publish(world: World, account: str, rollout: Object, now: float) -> Object:
    """Puts a rollout with its progress and health worked out from the fleet; an ended one is its application's no more."""
    beside = world.get(BESIDE, account, rollout["id"])
    assert beside is not None
    application = world.get(APPLICATION, account, beside["application_id"])
    assert application is not None
    known = fleet_of(world, account, application["id"])
    total = fleet.size(known["runs"])
    updated = steps.instances_in(steps.held_share(rollout), total)
    shown = {
        **rollout,
        "last_updated_at": iso(now),
        "health": application["health"],
        "progress": steps.progress(rollout, updated, total),
    }
    if rollout["strategy"] == "new_instances":
        share = round(100 * updated / total) if total else steps.held_share(rollout)
        shown["version_distribution"] = {
            "current_version_percentage": 100 - share,
            "target_version_percentage": share,
        }
    world.put(ROLLOUT, account, rollout["id"], shown, at=now)
    if rollout["status"] not in steps.UNDER_WAY and application.get("active_rollout_id") == rollout["id"]:
        ended = {key: value for key, value in application.items() if key != "active_rollout_id"}
        state.publish(world, account, ended, known, at=now)
    return shown


def advance(world: World, account: str, rollout_id: str, at: float) -> None:
    """Ends the step whose time is over, and begins the next one of a `full_auto` rollout."""
    rollout = world.get(ROLLOUT, account, rollout_id)
    beside = world.get(BESIDE, account, rollout_id)
    if rollout is None or beside is None or rollout["status"] not in steps.UNDER_WAY:
        return
    index = steps.first(rollout, "progressing", "reverting")
    assert index is not None
    ended = "reverted" if rollout["steps"][index]["status"] == "reverting" else "completed"
    stepped = steps.with_step(rollout, index, status=ended, completed_at=iso(at))
    _move(world, account, rollout, stepped, beside, at)
    waiting = steps.first(stepped, "pending", "reverted") is not None
    if not waiting:
        stepped = {**stepped, "status": "completed"}
    elif stepped["kind"] == "full_auto":
        stepped = steps.begun(stepped, at)
        world.schedule(ROLLOUT, account, rollout_id, at + world.settings.rollout_step_seconds)
    _publish(world, account, stepped, at)


def _move(world: World, account: str, was: Object, now: Object, beside: Object, at: float) -> None:
    """Starts those instances anew whose share changes between two states of a rollout."""
    application = world.get(APPLICATION, account, beside["application_id"])
    assert application is not None
    known = fleet_of(world, account, application["id"])
    runs = known["runs"]
    total = fleet.size(runs)
    before, after = (
        steps.instances_in(steps.held_share(was), total),
        steps.instances_in(steps.held_share(now), total),
    )
    if after >= before:
        runs = fleet.replaced(runs, before, after, now["target_version"], at)
    else:
        old = fleet.resized(beside["before"], total, was["current_version"], at)
        restarted = [[version, count, at] for version, count, _ in fleet.cut(old, after, before)]
        runs = fleet.joined(fleet.cut(runs, 0, after), restarted, fleet.cut(runs, before, total))
    state.publish(world, account, application, {**known, "runs": runs}, at=at)


@routes.add("GET", "/applications/{application_id}/rollouts")
def list_rollouts(call: Call, application_id: str) -> Answer:
    """The rollouts of an application, newest first; `limit` many after `last`."""
    checked(call, application_id)
    mine = call.world.where(BESIDE, call.account, "application_id", application_id)
    found = [call.world.get(ROLLOUT, call.account, item["id"]) for item in reversed(mine)]
    last = [number for number, item in enumerate(found, 1) if item and item["id"] == call.one("last")]
    found = found[last[0] if last else 0 :]
    limit = call.one("limit")
    return ok(found[: int(limit)] if limit.isdigit() else found)


def _find(call: Call, application_id: str, rollout_id: str) -> Object:
    checked(call, application_id)
    rollout = call.world.get(ROLLOUT, call.account, rollout_id)
    beside = call.world.get(BESIDE, call.account, rollout_id)
    if rollout is None or beside is None or beside["application_id"] != application_id:
        raise ServiceError(404, "Rollout not found")
    return rollout


@routes.add("GET", "/applications/{application_id}/rollouts/{rollout_id}")
def get(call: Call, application_id: str, rollout_id: str) -> Answer:
    """One rollout."""
    return ok(_find(call, application_id, rollout_id))


@routes.add("DELETE", "/applications/{application_id}/rollouts/{rollout_id}")
def delete(call: Call, application_id: str, rollout_id: str) -> Answer:
    """Forgets a rollout that has ended."""
    rollout = _find(call, application_id, rollout_id)
    if rollout["status"] in steps.UNDER_WAY:
        raise ServiceError(400, "VALIDATE_INPUT", {".": "the rollout is in use"})
    call.world.remove(ROLLOUT, call.account, rollout_id)
    call.world.remove(BESIDE, call.account, rollout_id)
    return ok({})


@routes.add("POST", "/applications/{application_id}/rollouts/{rollout_id}")
def act(call: Call, application_id: str, rollout_id: str) -> Answer:
    """Goes on, back, or all the way back; what cannot be done now is 200 with `success: false` (reference 2.2)."""
    rollout = _find(call, application_id, rollout_id)
    action = call.fields().get("action")
    if action not in ACTIONS:
        raise ServiceError(400, "VALIDATE_INPUT", {"action": f"expected one of {', '.join(ACTIONS)}"})
    reason = steps.objection(rollout, action)
    if reason:
        return ok({"success": False, "message": reason, "rollout": rollout})
    moved = {"next": _next, "previous": _previous, "revert": _revert}[action](call, rollout)
    shown = _publish(call.world, call.account, moved, call.now)
    return ok({"success": True, "message": f"{action}: accepted", "rollout": shown})


def _next(call: Call, rollout: Object) -> Object:
    call.world.schedule(
        ROLLOUT, call.account, rollout["id"], call.now + call.world.settings.rollout_step_seconds
    )
    return steps.begun(rollout, call.now)


def _previous(call: Call, rollout: Object) -> Object:
    call.world.schedule(
        ROLLOUT, call.account, rollout["id"], call.now + call.world.settings.rollout_step_seconds
    )
    last = max(index for index, step in enumerate(rollout["steps"]) if step["status"] == "completed")
    return steps.with_step(rollout, last, status="reverting", started_at=iso(call.now))


def _revert(call: Call, rollout: Object) -> Object:
    """All instances back at once; the application's configuration stays (it was changed by the PATCH)."""
    call.world.schedule(ROLLOUT, call.account, rollout["id"], None)
    beside = call.world.get(BESIDE, call.account, rollout["id"])
    assert beside is not None
    undone = rollout
    for index, step in enumerate(rollout["steps"]):
        if step["status"] != "pending":
            undone = steps.with_step(undone, index, status="reverted", completed_at=iso(call.now))
    _move(call.world, call.account, rollout, undone, beside, call.now)
    return {**undone, "status": "reverted"}
