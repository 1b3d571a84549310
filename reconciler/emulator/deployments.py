"""Deployments: one container each, in one location (reference 2.6). Application instances are shown as such too.

A deployment is scheduled at once and placed after `start_seconds`. Every change makes a new placement. The answer is
the kind `deployment`; its placements are kept as `_placement`.
"""

from __future__ import annotations

import uuid

from reconciler.emulator import application_rules as rules
from reconciler.emulator import bodies, sizes
from reconciler.emulator import instance_facts as facts
from reconciler.emulator.answers import Answer, ServiceError, ok
from reconciler.emulator.call import Call
from reconciler.emulator.clock import iso
from reconciler.emulator.instances import (
    deployments_of,
    instance_as_deployment,
    placement_of_instance,
    restart,
)
from reconciler.emulator.routing import Routes
from reconciler.emulator.shapes import validate
from reconciler.emulator.world import Object, World

DEPLOYMENT = "deployment"
PLACEMENT = "_placement"
LOCATIONS = {location: region for location, _, region in facts.LOCATIONS}

routes = Routes("/accounts/{account}/containers", "/accounts/{account}/cloudchamber")


@routes.add("POST", "/deployments/v2")
def create(call: Call) -> Answer:
    """Creates a deployment."""
    body = call.fields()
    validate(body, bodies.CREATE_DEPLOYMENT)
    return ok(_create(call, body), 201)


def _create(call: Call, body: Object) -> Object:
    deployment_id = str(uuid.uuid4())
    configuration = _configuration(call, body, None)
    sizes.reserve(call.world, call.account, None, configuration, 1)
    deployment = {
        **configuration,
        "id": deployment_id,
        "created_at": iso(call.now),
        "account_id": call.account,
        "version": 0,
        "type": "default",
        "location": {"name": body["location"], "enabled": True, "region": LOCATIONS[body["location"]]},
        "placements_ref": f"/deployments/{deployment_id}/placements",
        "node_group": "metal",
        "network": _network(body.get("network", {}), deployment_id),
    }
    return _schedule(call, deployment)


def _configuration(call: Call, body: Object, before: Object | None) -> Object:
    location = body.get("location")
    if location is not None and location not in LOCATIONS:
        raise ServiceError(400, "LOCATION_NOT_ALLOWED", {"location": f"{location} is not available"})
    wish = {key: value for key, value in body.items() if key not in ("location", "network")}
    kept = {key: (before or {})[key] for key in bodies.CONFIGURATION_FIELDS if key in (before or {})}
    stored = {**kept, **sizes.expanded(wish, before, sizes.account_size(call.world, call.account))}
    rules.check_configuration(call.world, call.account, wish, stored)
    place = location or (before or {})["location"]["name"]
    sizes.check_location(call.world, sizes.size_of(stored, (0, 0, 0)), place, LOCATIONS[place])
    if "checks" in stored:
        stored["checks"] = [_filled(number, check) for number, check in enumerate(stored["checks"])]
    return stored


def _filled(number: int, check: Object) -> Object:
    """A check with every default (reference 2.6)."""
    filled = {
        "name": f"check-{number}",
        "tls": False,
        "attempts_before_failure": 3,
        "grace_period": "0s",
        **check,
    }
    if check["type"] == "http":
        filled["http"] = {"method": "GET", "body": "", "path": "/", "headers": {}, **check.get("http", {})}
    return filled


def _network(wish: Object, deployment_id: str) -> Object:
    mode = wish.get("mode", "private")
    number = int(deployment_id[:4], 16)
    network = {"mode": mode}
    if mode != "private":
        network["ipv6"] = f"2001:db8::{number:x}"
        if wish.get("assign_ipv4", "none") != "none":
            network["ipv4"] = f"203.0.113.{number % 254 + 1}"
    return network


def _schedule(call: Call, deployment: Object) -> Object:
    """The deployment with a new placement to come."""
    waiting = {key: value for key, value in deployment.items() if key != "current_placement"}
    waiting["state"] = {"current": "scheduled", "last_updated": iso(call.now)}
    call.world.put(DEPLOYMENT, call.account, deployment["id"], waiting)
    call.world.schedule(
        DEPLOYMENT, call.account, deployment["id"], call.now + call.world.settings.start_seconds
    )
    return waiting


def place(world: World, account: str, deployment_id: str, at: float) -> None:
    """Places a scheduled deployment."""
    deployment = world.get(DEPLOYMENT, account, deployment_id)
    if deployment is None:
        return
    failed = world.settings.is_unhealthy(deployment["image"])
    placement = facts.placement(deployment_id, deployment["version"], iso(at), failed)
    world.put(PLACEMENT, account, placement["id"], placement, at=at)
    state = {"current": "placed", "last_updated": iso(at)}
    world.put(
        DEPLOYMENT,
        account,
        deployment_id,
        {**deployment, "state": state, "current_placement": placement},
        at=at,
    )


@routes.add("GET", "/deployments/v2")
def list_deployments(call: Call) -> Answer:
    """Lists by `app_id`, `location`, `image`, `state`, `ipv4`, `label`.

    Instances behind Durable Objects are listed only with their `app_id`; an account may have very many.
    """
    found = deployments_of(call, call.one("app_id"))
    if not call.one("app_id"):
        found = [*call.world.all(DEPLOYMENT, call.account), *found]
    return ok([deployment for deployment in found if _passes(call, deployment)])


def _passes(call: Call, deployment: Object) -> bool:
    labels = {f"{label['name']}:{label['value']}" for label in deployment.get("labels", [])}
    status = (deployment.get("current_placement") or {}).get("status", {})
    running = {"running": "running", "failed": "stopped", "stopped": "stopped"}.get(
        status.get("health"), "starting"
    )
    facts_by_name = {
        "location": deployment["location"]["name"],
        "image": deployment["image"],
        "state": running,
        "ipv4": deployment["network"].get("ipv4", ""),
    }
    asked = {name: call.one(name) for name in facts_by_name if call.one(name)}
    return asked.items() <= facts_by_name.items() and set(call.query.get("label", [])) <= labels


def _find(call: Call, deployment_id: str) -> Object:
    found = call.world.get(DEPLOYMENT, call.account, deployment_id)
    if found is None:
        raise ServiceError(404, "DEPLOYMENT_NOT_FOUND")
    return found


@routes.add("GET", "/deployments/{deployment_id}/v2")
def get(call: Call, deployment_id: str) -> Answer:
    """One deployment, also one that is an application's instance."""
    own = call.world.get(DEPLOYMENT, call.account, deployment_id)
    found = own or instance_as_deployment(call, deployment_id)
    if found is None:
        raise ServiceError(404, "DEPLOYMENT_NOT_FOUND")
    return ok(found)


@routes.add("PATCH", "/deployments/{deployment_id}/v2")
def modify(call: Call, deployment_id: str) -> Answer:
    """Changes what is mentioned; the version rises by one, and the container is placed anew."""
    deployment = _find(call, deployment_id)
    body = call.fields()
    validate(body, bodies.MODIFY_DEPLOYMENT)
    configuration = _configuration(call, body, deployment)
    sizes.reserve(call.world, call.account, deployment, configuration, 1, was=1)
    changed = {**deployment, **configuration, "version": deployment["version"] + 1}
    if "location" in body:
        changed["location"] = {
            "name": body["location"],
            "enabled": True,
            "region": LOCATIONS[body["location"]],
        }
    return ok(_schedule(call, changed))


@routes.add("DELETE", "/deployments/{deployment_id}/v2")
def delete(call: Call, deployment_id: str) -> Answer:
    """Deletes a deployment with its placements."""
    _delete(call, _find(call, deployment_id))
    return ok({})


def _delete(call: Call, deployment: Object) -> None:
    sizes.reserve(call.world, call.account, deployment, None, 0, was=1)
    call.world.schedule(DEPLOYMENT, call.account, deployment["id"], None)
    call.world.remove(DEPLOYMENT, call.account, deployment["id"])
    for placement in call.world.where(PLACEMENT, call.account, "deployment_id", deployment["id"]):
        call.world.remove(PLACEMENT, call.account, placement["id"])


@routes.add("POST", "/deployments/{deployment_id}/recreate")
def recreate(call: Call, deployment_id: str) -> Answer:
    """Replaces a deployment by one with a new id."""
    deployment = _find(call, deployment_id)
    body = call.fields()
    validate(body, bodies.CREATE_DEPLOYMENT)
    created = _create(call, body)
    _delete(call, deployment)
    return ok(created)


@routes.add("GET", "/deployments/{deployment_id}/placements")
def list_placements(call: Call, deployment_id: str) -> Answer:
    """Where a deployment ran and runs, newest last."""
    own = call.world.get(DEPLOYMENT, call.account, deployment_id)
    instance = None if own else instance_as_deployment(call, deployment_id)
    if own is None and instance is None:
        raise ServiceError(404, "DEPLOYMENT_NOT_FOUND")
    placements = call.world.where(PLACEMENT, call.account, "deployment_id", deployment_id)
    return ok([_with_events(item) for item in ([instance["current_placement"]] if instance else placements)])


def _with_events(placement: Object) -> Object:
    return {**placement, "events": facts.events(placement)}


@routes.add("GET", "/placements/{placement_id}")
def get_placement(call: Call, placement_id: str) -> Answer:
    """One placement."""
    found = call.world.get(PLACEMENT, call.account, placement_id) or placement_of_instance(call, placement_id)
    if found is None:
        raise ServiceError(404, "Placement not found")
    return ok(_with_events(found))


@routes.add("POST", "/placements/{placement_id}")
def replace_placement(call: Call, placement_id: str) -> Answer:
    """Places a container anew."""
    own = call.world.get(PLACEMENT, call.account, placement_id)
    found = own or placement_of_instance(call, placement_id)
    if found is None:
        raise ServiceError(404, "Placement not found")
    if not call.fields().get("replace"):
        return get(call, found["deployment_id"])
    if own is not None:
        return ok(_schedule(call, _find(call, found["deployment_id"])))
    restart(call, found["deployment_id"])
    return get(call, found["deployment_id"])
