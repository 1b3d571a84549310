"""Applications: create, look, change, delete (reference 2.1)."""

from __future__ import annotations

import uuid
from typing import Any

from reconciler.emulator import application_rules as rules
from reconciler.emulator import application_state as state
from reconciler.emulator import bodies, fleet, sizes
from reconciler.emulator.answers import Answer, GatewayError, ServiceError, encode, ok, ok_list
from reconciler.emulator.application_state import APPLICATION, find, fleet_of, is_managed
from reconciler.emulator.call import Call
from reconciler.emulator.clock import iso
from reconciler.emulator.instance_facts import is_uuid
from reconciler.emulator.paging import page
from reconciler.emulator.routing import Routes
from reconciler.emulator.shapes import validate
from reconciler.emulator.world import Object

DEFAULT_MAX_INSTANCES = 20
HOT_KEYS = ("authorized_keys", "wrangler_ssh")

routes = Routes("/accounts/{account}/containers", "/accounts/{account}/cloudchamber")


@routes.add("POST", "/applications")
def create(call: Call) -> Answer:
    """Creates an application of the variant that its policy names (reference 2.1.1)."""
    body = call.fields()
    if body.get("scheduling_policy") == "durable_object":
        return _create_managed(call, body)
    validate(body, bodies.CREATE_APPLICATION)
    rules.check_observability(body)
    rules.check_constraints(body.get("constraints", {}))
    if "durable_objects" in body:
        rules.check_namespace(call.world, call.account, body["durable_objects"]["namespace_id"])
        # Without a namespace two may share a name: whoever lost an answer must look before asking again.
        rules.check_name(call.world, call.account, body["name"])
    configuration = stored_configuration(call, body["configuration"], None)
    application = _application(call, body, configuration)
    sizes.reserve(call.world, call.account, None, configuration, state.booked(application))
    known = state.with_version({"runs": [], "versions": {}, "deleting": False}, 1, configuration, call.now)
    known = state.fitted(call.world, call.account, application, known, call.now)
    return ok(state.publish(call.world, call.account, application, known), 201)


def _application(call: Call, body: Object, configuration: Object) -> Object:
    now = iso(call.now)
    given = {key: value for key, value in body.items() if key != "configuration"}
    defaults: Object = {"constraints": {"tiers": [1, 2]}, "rollout_active_grace_period": 0}
    if "durable_objects" in body:
        defaults["max_instances"] = DEFAULT_MAX_INSTANCES
    return {
        "id": str(uuid.uuid4()),
        "account_id": call.account,
        "created_at": now,
        "updated_at": now,
        "version": 1,
        **defaults,
        **given,
        "configuration": configuration,
    }


def _create_managed(call: Call, body: Object) -> Answer:
    """An application that its Durable Object manages; its id is the namespace's (wrangler-traffic, last part)."""
    validate(body, bodies.CREATE_MANAGED_APPLICATION)
    namespace = body["durable_objects"]["namespace_id"]
    rules.check_namespace(call.world, call.account, namespace)
    rules.check_name(call.world, call.account, body["name"])
    now = iso(call.now)
    application = {
        "id": namespace,
        "account_id": call.account,
        "created_at": now,
        "updated_at": now,
        "health": {"instances": {"active": 0, "starting": 0}},
        **body,
    }
    call.world.put(APPLICATION, call.account, namespace, application)
    return ok(application, 201)


def stored_configuration(call: Call, wish: Object, before: Object | None) -> Object:
    """A configuration as it is kept, after every check."""
    world, account = call.world, call.account
    stored = sizes.expanded(wish, before, sizes.account_size(world, account))
    rules.check_configuration(world, account, wish, stored)
    return stored


@routes.add("GET", "/applications")
def list_applications(call: Call) -> Answer:
    """Lists by name, image or label, all at once unless a page is asked for."""
    world, account = call.world, call.account
    if any(call.one(name) for name in ("name", "image", "label")):
        chosen = [item["id"] for item in world.all(APPLICATION, account) if _passes(call, item)]
        encoded = [world.encoded(APPLICATION, account, name) or b"" for name in chosen]
    else:
        chosen = world.ids(APPLICATION, account)
        encoded = world.encoded_all(APPLICATION, account)
    start, stop, info = page(call, chosen, unpaged=True)
    return ok_list(encoded[start:stop], info)


def _passes(call: Call, application: Object) -> bool:
    configuration = application.get("configuration", {})
    labels = {f"{label['name']}:{label['value']}" for label in configuration.get("labels", [])}
    return (
        call.one("name", application["name"]) == application["name"]
        and call.one("image", configuration.get("image", "")) == configuration.get("image", "")
        and set(call.query.get("label", [])) <= labels
    )


def checked(call: Call, application_id: str) -> Object:
    """The application of a path; what does not look like an id never gets to the service (reference 1.6, 7003)."""
    is_namespace = len(application_id) == 32 and all(
        letter in "0123456789abcdef" for letter in application_id
    )
    if not is_uuid(application_id) and not is_namespace:
        raise GatewayError(
            404, 7003, f"Could not route to {call.path}, perhaps your object identifier is invalid?"
        )
    return find(call.world, call.account, application_id)


@routes.add("GET", "/applications/{application_id}")
def get(call: Call, application_id: str) -> Answer:
    """The application; while its deletion runs it is still there."""
    checked(call, application_id)
    return Answer(call.world.encoded(APPLICATION, call.account, application_id) or b"{}")


@routes.add("PATCH", "/applications/{application_id}")
def modify(call: Call, application_id: str) -> Answer:
    """Changes what is mentioned; objects and arrays are replaced whole, running instances stay as they are."""
    application = checked(call, application_id)
    body = call.fields()
    if fleet_of(call.world, call.account, application_id)["deleting"]:
        raise ServiceError(400, "VALIDATE_INPUT", {".": "the application is being deleted"})
    if is_managed(application):
        return _modify_managed(call, application, body)
    validate(body, bodies.MODIFY_APPLICATION)
    rules.check_observability(body)
    rules.check_change(application, body)
    rules.check_constraints(body.get("constraints", {}))
    if body.get("name", application["name"]) != application["name"]:
        rules.check_name(call.world, call.account, body["name"])
    changed = application | {key: value for key, value in body.items() if key != "scheduling_policy"}
    changed["updated_at"] = iso(call.now)
    changed["configuration"] = application["configuration"]
    known = fleet_of(call.world, call.account, application_id)
    if "observability" in body:
        known = _without_legacy_logs(changed, known)
    if "configuration" in body:
        changed["configuration"] = stored_configuration(call, body["configuration"], changed["configuration"])
        changed["version"], known = reversioned(call, application, known, changed["configuration"])
    sizes.reserve(
        call.world,
        call.account,
        application["configuration"],
        changed["configuration"],
        state.booked(changed),
        was=state.booked(application),
    )
    known = state.fitted(call.world, call.account, changed, known, call.now)
    return ok(state.publish(call.world, call.account, changed, known))


def _without_legacy_logs(changed: Object, known: Object) -> Object:
    """Clears `configuration.observability` once the top-level value says the same (reference 2.1.6); no new version."""
    configuration = changed["configuration"]
    if configuration.get("observability") != changed["observability"]:
        return known
    plain = {key: value for key, value in configuration.items() if key != "observability"}
    changed["configuration"] = plain
    number = str(changed["version"])
    entry = {**known["versions"][number], "configuration": plain}
    return {**known, "versions": {**known["versions"], number: entry}}


def reversioned(call: Call, application: Object, known: Object, configuration: Object) -> tuple[int, Object]:
    """The version that a configuration gives the application: the present one if nothing differs, else the next.

    Instances whose version differs in nothing that needs a start count as running the new version (reference 2.1.9).
    """
    version: int = application["version"]
    if configuration == application["configuration"]:
        return version, known
    version += 1
    wanted = _cold(configuration)
    same = {
        int(number) for number, entry in known["versions"].items() if _cold(entry["configuration"]) == wanted
    }
    known = state.with_version(known, version, configuration, call.now)
    return version, {**known, "runs": fleet.relabelled(known["runs"], same, version)}


def _cold(configuration: Object) -> Object:
    """What of a configuration only a new start takes up."""
    return {key: value for key, value in configuration.items() if key not in HOT_KEYS}


def _modify_managed(call: Call, application: Object, body: Object) -> Answer:
    validate(body, bodies.MODIFY_MANAGED_APPLICATION)
    changed = application | body | {"updated_at": iso(call.now)}
    call.world.put(APPLICATION, call.account, application["id"], changed)
    return ok(changed)


@routes.add("DELETE", "/applications/{application_id}")
def delete(call: Call, application_id: str) -> Answer:
    """Begins the deletion; until it is over the application is there and holds its namespace (reference 2.1.7)."""
    application = checked(call, application_id)
    world, account = call.world, call.account
    known = fleet_of(world, account, application_id)
    if not known["deleting"]:
        world.put(state.FLEET, account, application_id, {**known, "deleting": True})
        world.schedule(APPLICATION, account, application_id, call.now + world.settings.delete_seconds)
        world.note("deleted", APPLICATION, application_id, application)
    return ok({"message": "Application is being deleted"})


@routes.add("GET", "/applications/{application_id}/versions")
def versions(call: Call, application_id: str) -> Answer:
    """Every version with its configuration and the share of instances that run it."""
    application = checked(call, application_id)
    known = fleet_of(call.world, call.account, application_id)
    counts = fleet.counts(known["runs"])
    total = sum(counts.values())
    found = []
    for number, entry in known["versions"].items():
        here = counts.get(int(number), 0)
        share = round(100 * here / total) if total else 100 * (int(number) == application["version"])
        found.append({"version": int(number), "percentage": share, "configuration": entry["configuration"]})
    return ok(found)


@routes.add("GET", "/dash/applications")
def dash_list(call: Call) -> Answer:
    """The summaries that `wrangler containers list` shows."""
    applications = call.world.all(APPLICATION, call.account)
    start, stop, info = page(call, [item["id"] for item in applications])
    return ok_list([encode(_summary(item)) for item in applications[start:stop]], info)


def _summary(application: Object) -> dict[str, Any]:
    counters = dict.fromkeys(("active", "healthy", "failed", "starting", "scheduling", "assigned"), 0)
    health = application["health"]
    return {
        "id": application["id"],
        "created_at": application["created_at"],
        "updated_at": application["updated_at"],
        "name": application["name"],
        "version": application.get("version", 0),
        "instances": application.get("instances", 0),
        "image": application.get("configuration", {}).get("image", ""),
        "health": {**health, "instances": {**counters, **health["instances"]}},
    }
