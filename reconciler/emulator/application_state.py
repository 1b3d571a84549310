"""An application between two requests: what its instances run, how they do, and how it goes away.

The answer itself is the kind `application`; what only we know (fleet, versions) is kept beside it as `_fleet`.
"""

from __future__ import annotations

from typing import Any

from reconciler.emulator import fleet, sizes
from reconciler.emulator.answers import ServiceError
from reconciler.emulator.clock import iso
from reconciler.emulator.instance_facts import failure_event, instance_id
from reconciler.emulator.world import Object, World

APPLICATION = "application"
FLEET = "_fleet"
SHOWN_ERRORS = 20
CHANGING = ("health", "scheduling_hint")


def find(world: World, account: str, application_id: str) -> Object:
    """The application, or the service's 404."""
    found = world.get(APPLICATION, account, application_id)
    if found is None:
        raise ServiceError(404, "Application not found")
    return found


def fleet_of(world: World, account: str, application_id: str) -> Object:
    """What is known beside the application: `runs`, `versions` by number, `deleting`."""
    return world.get(FLEET, account, application_id) or {"runs": [], "versions": {}, "deleting": False}


def is_managed(application: Object) -> bool:
    """Whether its Durable Object manages it: no version, no instances of its own (reference 2.1.2)."""
    return bool(application["scheduling_policy"] == "durable_object")


def publish(
    world: World, account: str, application: Object, known: Object, at: float | None = None
) -> Object:
    """Puts an application with the fleet and versions it has, its health worked out from them."""
    plain = {key: value for key, value in application.items() if key not in CHANGING}
    hint = _hint(plain, known)
    shown = {
        **plain,
        "health": health(world, plain["id"], known),
        **({"scheduling_hint": hint} if hint else {}),
    }
    world.put(FLEET, account, plain["id"], known, at=at)
    world.put(APPLICATION, account, plain["id"], shown, at=at)
    return shown


def wanted_instances(world: World, account: str, application: Object) -> int:
    """How many instances it counts as running: `max_instances` behind a class, `instances` without one (interface 6).

    Behind a class that is gone, or that its Worker no longer lists in `metadata.containers`, none.
    """
    if is_managed(application) or application.get("jobs"):
        return 0
    link = application.get("durable_objects")
    if link is None:
        return int(application["instances"])
    namespace = world.get("namespace", account, link["namespace_id"])
    return int(application["max_instances"]) if namespace and namespace.get("container") is not None else 0


def booked(application: Object) -> int:
    """How many instances count against the account's totals, whether or not they run."""
    if is_managed(application) or application.get("jobs"):
        return 0
    return int(application["max_instances"] if "durable_objects" in application else application["instances"])


def fitted(world: World, account: str, application: Object, known: Object, now: float) -> Object:
    """What is known, with as many instances as the application wants now; new ones run its present version."""
    wanted = wanted_instances(world, account, application)
    if is_managed(application) or wanted == fleet.size(known["runs"]):
        return known
    return {**known, "runs": fleet.resized(known["runs"], wanted, application["version"], now)}


def with_version(known: Object, version: int, configuration: Object, now: float) -> Object:
    """What is known, and one more version."""
    entry = {"configuration": configuration, "created_at": iso(now)}
    return {**known, "versions": {**known["versions"], str(version): entry}}


def configuration_of(known: Object, version: float) -> Object:
    """The configuration of a version."""
    found: Object = known["versions"][str(int(version))]["configuration"]
    return found


def running(world: World, known: Object) -> list[Object]:
    """What the instances run, as `GET /emulator/world` shows it."""
    found = []
    for version, count, since in known["runs"]:
        image = configuration_of(known, version)["image"]
        failed = int(count) if world.settings.is_unhealthy(image) else 0
        found.append(
            {
                "version": int(version),
                "image": image,
                "instances": int(count),
                "failed": failed,
                "since": iso(since),
            }
        )
    return found


def health(world: World, application_id: str, known: Object) -> Object:
    """The counters of both views of the API in one object (reference 2.1.8)."""
    runs = running(world, known)
    failed = sum(run["failed"] for run in runs)
    active = sum(run["instances"] for run in runs) - failed
    summary = "healthy" if not failed else "degraded" if active else "unhealthy"
    instances = {
        "active": active,
        "healthy": active,
        "failed": failed,
        "starting": 0,
        "scheduling": 0,
        "assigned": 0,
    }
    return {"instances": instances, "errors": _errors(application_id, runs), "summary": summary}


def _errors(application_id: str, runs: list[Object]) -> list[Object]:
    errors: list[Object] = []
    at = 0
    for run in runs:
        shown = min(run["failed"], SHOWN_ERRORS - len(errors))
        errors += [
            {
                "instance_id": instance_id(application_id, index),
                "event": failure_event(application_id, index, run["since"]),
            }
            for index in range(at, at + shown)
        ]
        at += run["instances"]
    return errors


def _hint(application: Object, known: Object) -> dict[str, Any] | None:
    """Both versions while instances run another than the application's own (reference 2.1.8)."""
    if is_managed(application):
        return None
    counts = fleet.counts(known["runs"])
    target = application["version"]
    old = sorted(version for version in counts if version != target)
    if not old:
        return None

    def side(version: int, instances: int) -> Object:
        return {
            "instances": instances,
            "configuration": configuration_of(known, version),
            "version": version,
        }

    return {
        "current": side(old[0], sum(counts[v] for v in old)),
        "target": side(target, counts.get(target, 0)),
    }


def finish_deletion(world: World, account: str, application_id: str, at: float) -> None:
    """Removes an application whose deletion has taken its time, with all that hangs on it."""
    application = world.remove(APPLICATION, account, application_id, at=at)
    known = world.remove(FLEET, account, application_id, at=at)
    if application is None or known is None:
        return
    sizes.reserve(world, account, application.get("configuration"), None, 0, was=booked(application))
    for kind in ("rollout", "job"):
        for item in world.where(f"_{kind}", account, "application_id", application_id):
            world.remove(kind, account, item["id"], at=at)
            world.remove(f"_{kind}", account, item["id"], at=at)


def follow_namespace(world: World, account: str, namespace_id: str) -> None:
    """Starts or stops the instances of an application when its class is switched on or off, or is gone."""
    for application in world.where(APPLICATION, account, "durable_objects.namespace_id", namespace_id):
        known = fleet_of(world, account, application["id"])
        fresh = fitted(world, account, application, known, world.clock.now())
        if fresh is not known:
            publish(world, account, application, fresh)


def follow_settings(world: World) -> None:
    """Works out again how the instances do, after the settings have said what is unhealthy."""
    for kind, account, application_id, application in list(world.visible()):
        if kind != APPLICATION:
            continue
        known = fleet_of(world, account, application_id)
        if not is_managed(application) and health(world, application_id, known) != application["health"]:
            publish(world, account, application, known)


def describe(world: World, account: str, application_id: str) -> Object:
    """What `GET /emulator/world` shows of an application beside itself."""
    known = fleet_of(world, account, application_id)
    return {"running": running(world, known), "deleting": known["deleting"]}
