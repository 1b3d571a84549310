"""Deleting Workers, and what is asked before: who still uses them (reference 3.6, 3.9)."""

from __future__ import annotations

from reconciler.emulator import script_records as records
from reconciler.emulator.answers import Answer, ok
from reconciler.emulator.call import Call
from reconciler.emulator.routing import Routes
from reconciler.emulator.script_classes import namespaces_of
from reconciler.emulator.script_upload import invalid
from reconciler.emulator.world import Object

STILL_REFERENCED = 10064

ROUTES = Routes("/accounts/{account}/workers")


@ROUTES.add("DELETE", "/scripts/{script}")
def delete_script(call: Call, script: str) -> Answer:
    """Deletes a script."""
    records.worker_of(call, script)
    return _delete(call, script)


@ROUTES.add("DELETE", "/services/{script}")
def delete_service(call: Call, script: str) -> Answer:
    """What wrangler deletes a script with."""
    records.service_of(call, script)
    return _delete(call, script)


@ROUTES.add("GET", "/scripts/{script}/references")
def list_references(call: Call, script: str) -> Answer:
    """Who binds to this script."""
    records.worker_of(call, script)
    users = _users(call, script)
    services = [user for user in users if user["type"] == "service"]
    objects = [user for user in users if user["type"] == "durable_object_namespace"]
    return ok(
        {
            "services": {"incoming": services, "outgoing": []},
            "durable_objects": objects,
            "dispatch_outbounds": [],
        }
    )


@ROUTES.add("GET", "/tails/by-consumer/{script}")
def list_producers(call: Call, script: str) -> Answer:
    """The workers whose tail this script consumes."""
    workers = call.world.all("worker", call.account)
    consumed = [
        one["id"] for one in workers if script in (tail.get("service") for tail in one["tail_consumers"])
    ]
    return ok([{"producer": {"script_id": one}, "consumer": {"script_id": script}} for one in consumed])


def _delete(call: Call, script: str) -> Answer:
    """Takes the namespaces, with their data, and the routes along; applications on them stay, as orphans."""
    is_forced = call.one("force") == "true"
    users = [] if is_forced else sorted({user["name"] for user in _users(call, script)})
    if users:
        raise invalid(
            f"The Worker {script} is used by {', '.join(users)}; force=true deletes it", STILL_REFERENCED
        )
    for namespace in namespaces_of(call.world, call.account, script).values():
        call.world.remove("namespace", call.account, namespace["id"])
    for kind, path in (("version", "script"), ("route", "script"), ("domain", "service")):
        for one in call.world.where(kind, call.account, path, script):
            call.world.remove(kind, call.account, one["id"])
    for kind in ("_deployments", "_content", "worker"):
        call.world.remove(kind, call.account, script)
    return ok(None)


def _users(call: Call, script: str) -> list[Object]:
    """The bindings of other scripts that lead to this one."""
    others = [other for other in call.world.ids("worker", call.account) if other != script]
    return [
        _user(other, binding)
        for other in others
        for binding in records.live_version(call, other)["bindings"]
        if script in (binding.get("service"), binding.get("script_name"))
    ]


def _user(name: str, binding: Object) -> Object:
    user = {"name": name, "service": name, "environment": "production", "type": binding["type"]}
    if "namespace_id" in binding:
        user["durable_object_namespace_id"] = binding["namespace_id"]
        user["durable_object_namespace_name"] = binding["class_name"]
    return user
