"""The instances of applications as the API shows them: deployments, dash and public instances, ssh (reference 2.9)."""

from __future__ import annotations

import secrets
from typing import Any

from reconciler.emulator import application_state as state
from reconciler.emulator import bodies, fleet
from reconciler.emulator import instance_facts as facts
from reconciler.emulator.answers import Answer, Raw, ServiceError, encode, ok, ok_list
from reconciler.emulator.application_state import APPLICATION, configuration_of, fleet_of
from reconciler.emulator.applications import checked
from reconciler.emulator.call import Call
from reconciler.emulator.clock import iso
from reconciler.emulator.paging import page
from reconciler.emulator.routing import Routes
from reconciler.emulator.shapes import validate
from reconciler.emulator.world import Object

ACTIVE = ("provisioning", "running", "stopping")

routes = Routes("/accounts/{account}/containers", "/accounts/{account}/cloudchamber")


class Instance:
    """One instance of an application: its number, the version it runs, since when, and how it does."""

    def __init__(self, call: Call, application: Object, known: Object, index: int) -> None:
        run = fleet.run_at(known["runs"], index)
        assert run is not None
        self.application = application
        self.index = index
        self.version = int(run[0])
        self.since = iso(run[2])
        self.configuration = configuration_of(known, self.version)
        self.failed = call.world.settings.is_unhealthy(self.configuration["image"])
        self.id = facts.instance_id(application["id"], index)
        self.has_actor = "durable_objects" in application
        self.actor = facts.actor_id(application["id"], index)
        self.location = facts.location_of(application.get("constraints", {}), index)
        self.name = f"{application['name']}-{index}"

    @property
    def placement(self) -> Object:
        """Where it runs."""
        actor = self.actor if self.has_actor else None
        return facts.placement(self.id, self.version, self.since, self.failed, actor)


def _instances(call: Call, application: Object, start: int = 0, stop: int | None = None) -> list[Instance]:
    known = fleet_of(call.world, call.account, application["id"])
    last = fleet.size(known["runs"])
    return [
        Instance(call, application, known, index) for index in range(start, last if stop is None else stop)
    ]


def _indexes(call: Call, application_id: str) -> list[str]:
    known = fleet_of(call.world, call.account, application_id)
    return [str(index) for index in range(fleet.size(known["runs"]))]


def deployments_of(call: Call, application_id: str) -> list[Object]:
    """The instances of an application as deployments; without an id, those of all that have no Durable Object."""
    applications = (
        [call.world.get(APPLICATION, call.account, application_id)]
        if application_id
        else [item for item in call.world.all(APPLICATION, call.account) if "durable_objects" not in item]
    )
    return [_deployment(instance) for item in applications if item for instance in _instances(call, item)]


def _deployment(instance: Instance) -> Object:
    location, _, region = instance.location
    return {
        **instance.configuration,
        "id": instance.id,
        "app_id": instance.application["id"],
        "app_version": instance.version,
        "created_at": instance.application["created_at"],
        "account_id": instance.application["account_id"],
        "version": instance.version,
        "type": "durable_object" if instance.has_actor else "default",
        "location": {"name": location, "enabled": True, "region": region},
        "current_placement": instance.placement,
        "placements_ref": f"/deployments/{instance.id}/placements",
        "node_group": "metal",
        "network": {"mode": instance.configuration.get("network", {}).get("mode", "private")},
        "state": {"current": "placed", "last_updated": instance.since},
    }


def _find(call: Call, deployment_id: str) -> Instance | None:
    """The instance with this deployment id, if there is such an application and it has that many."""
    if not facts.is_uuid(deployment_id):
        return None
    prefix = facts.owner_prefix(deployment_id)
    owner = next((name for name in call.world.ids(APPLICATION, call.account) if name.startswith(prefix)), "")
    application = call.world.get(APPLICATION, call.account, owner)
    index = facts.index_of(deployment_id)
    if application is None or str(index) not in _indexes(call, owner)[index : index + 1]:
        return None
    return _instances(call, application, index, index + 1)[0]


def instance_as_deployment(call: Call, deployment_id: str) -> Object | None:
    """The instance with this deployment id as a deployment."""
    found = _find(call, deployment_id)
    return _deployment(found) if found else None


def placement_of_instance(call: Call, placement_id: str) -> Object | None:
    """The placement with this id, while an instance runs there."""
    if not facts.is_uuid(placement_id):
        return None
    index = facts.index_of_placement(placement_id)
    found = _find(call, f"{facts.owner_prefix(placement_id)}{index:012x}")
    return found.placement if found and found.placement["id"] == placement_id else None


def restart(call: Call, deployment_id: str) -> None:
    """Starts one instance anew, on its application's present version."""
    found = _find(call, deployment_id)
    if found is None:
        raise ServiceError(404, "DEPLOYMENT_NOT_FOUND")
    known = fleet_of(call.world, call.account, found.application["id"])
    version = found.application["version"]
    runs = fleet.replaced(known["runs"], found.index, found.index + 1, version, call.now)
    state.publish(call.world, call.account, found.application, {**known, "runs": runs})


@routes.add("GET", "/applications/{application_id}/deployments")
def list_deployments(call: Call, application_id: str) -> Answer:
    """The instances as deployments."""
    checked(call, application_id)
    return ok(deployments_of(call, application_id))


@routes.add("GET", "/applications/{application_id}/deployments/{deployment_id}")
def get_deployment(call: Call, application_id: str, deployment_id: str) -> Answer:
    """One instance as a deployment."""
    checked(call, application_id)
    found = instance_as_deployment(call, deployment_id)
    if found is None or found["app_id"] != application_id:
        raise ServiceError(404, "DEPLOYMENT_NOT_FOUND")
    return ok(found)


@routes.add("POST", "/applications/{application_id}/deployments/{deployment_id}/recreate")
def recreate(call: Call, application_id: str, deployment_id: str) -> Answer:
    """Starts one instance anew on the application's present version."""
    get_deployment(call, application_id, deployment_id)
    validate(call.fields() if call.body else {}, bodies.MODIFIED_CONFIGURATION)
    restart(call, deployment_id)
    return get_deployment(call, application_id, deployment_id)


@routes.add("GET", "/dash/applications/{application_id}/instances")
def dash_instances(call: Call, application_id: str) -> Answer:
    """The instances and their Durable Objects, as `wrangler containers instances` shows them."""
    application = checked(call, application_id)
    start, stop, info = page(call, _indexes(call, application_id))
    instances = _instances(call, application, start, stop)
    actors = [_dash_actor(instance) for instance in instances if instance.has_actor]
    return ok(
        {"instances": [_dash(instance) for instance in instances], "durable_objects": actors}, info=info
    )


def _dash(instance: Instance) -> dict[str, Any]:
    location, _, region = instance.location
    return {
        "id": instance.id,
        "created_at": instance.since,
        "current_placement": instance.placement,
        "type": "durable_object" if instance.has_actor else "default",
        "location": location,
        "region": region,
        "app_version": instance.version,
        "name": instance.name,
        "image": instance.configuration["image"],
    }


def _dash_actor(instance: Instance) -> dict[str, Any]:
    return {
        "id": instance.actor,
        "deployment_id": instance.id,
        "placement_id": instance.placement["id"],
        "assigned_at": instance.since,
        "name": instance.name,
    }


@routes.add("GET", "/applications/{application_id}/instances-v2")
@routes.add("GET", "/applications/{application_id}/instances")
def list_instances(call: Call, application_id: str) -> Answer:
    """The instances of the public view, by `name_prefix` and `state`."""
    application = checked(call, application_id)
    found = [item for item in map(_public, _instances(call, application)) if _passes(call, item)]
    start, stop, info = page(call, [item["id"] for item in found])
    return ok_list([encode(item) for item in found[start:stop]], info)


def _passes(call: Call, instance: dict[str, Any]) -> bool:
    is_active = instance["status"]["state"] in ACTIVE
    wanted = {"active": is_active, "not-active": not is_active}.get(call.one("state"), True)
    return wanted and instance["name"].startswith(call.one("name_prefix"))


@routes.add("GET", "/applications/{application_id}/instances/{instance_id}")
def get_instance(call: Call, application_id: str, instance_id: str) -> Answer:
    """One instance of the public view."""
    application = checked(call, application_id)
    found = [item for item in map(_public, _instances(call, application)) if item["id"] == instance_id]
    if not found:
        raise ServiceError(404, "Instance not found")
    return ok(found[0])


def _public(instance: Instance) -> dict[str, Any]:
    location, _, region = instance.location
    configuration = instance.configuration
    status: dict[str, Any] = {
        "state": "failed" if instance.failed else "running",
        "updated_at": instance.since,
    }
    return {
        "id": instance.actor,
        "application_id": instance.application["id"],
        "image": configuration["image"],
        "status": status | ({"exit_code": 1} if instance.failed else {}),
        "configuration": {
            "vcpu": configuration["vcpu"],
            "memory": configuration["memory_mib"],
            "disk": configuration["disk"]["size_mb"],
        },
        "location": {"name": location, "region": region},
        "name": instance.name,
        "started_at": instance.since,
    }


@routes.add("GET", "/instances/{instance_id}/ssh")
def ssh(call: Call, instance_id: str) -> Answer | Raw:
    """Where to connect to; nothing listens there. A bad id is refused without envelope, as text (reference 1.5)."""
    if not facts.is_uuid(instance_id) and len(instance_id) != 64:
        return Raw(400, encode({"error": "INVALID_INSTANCE_ID"}), [("content-type", "text/plain")])
    if (
        len(instance_id) != 64
        and _find(call, instance_id) is None
        and not call.world.has("deployment", call.account, instance_id)
    ):
        raise ServiceError(404, "Instance not found")
    address = call.scheme_and_host.replace("http", "ws", 1)
    return ok({"url": f"{address}/ssh/{instance_id}", "token": secrets.token_urlsafe(16)})
