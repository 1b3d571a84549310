"""What an application must be beyond its fields: its namespace, its name, its place, its size, what it refers to."""

from __future__ import annotations

from reconciler.emulator import sizes
from reconciler.emulator.answers import ServiceError
from reconciler.emulator.images import check_image
from reconciler.emulator.shapes import Details
from reconciler.emulator.world import Object, World

JURISDICTIONS = {"eu": {"EEUR", "WEUR"}, "us": {"ENAM", "WNAM"}, "fedramp": {"ENAM", "WNAM"}}


def check_namespace(world: World, account: str, namespace_id: str) -> None:
    """Refuses a namespace that is not there, not switched on for containers, or taken (reference 1.6)."""
    namespace = world.get("namespace", account, namespace_id)
    if namespace is None:
        raise ServiceError(400, "DURABLE_OBJECT_NOT_FOUND", {"durable_objects.namespace_id": namespace_id})
    owners = world.where("application", account, "durable_objects.namespace_id", namespace_id)
    if owners:
        details = {"name": owners[0]["name"], "id": owners[0]["id"]}
        raise ServiceError(400, "DURABLE_OBJECT_ALREADY_HAS_APPLICATION", details)
    if namespace.get("container") is None:
        details = {"durable_objects.namespace_id": f"{namespace_id} ({namespace.get('class')})"}
        raise ServiceError(400, "DURABLE_OBJECT_NOT_CONTAINER_ENABLED", details)


def check_name(world: World, account: str, name: str) -> None:
    """Refuses a name that another application of the account has."""
    if world.where("application", account, "name", name):
        raise ServiceError(400, "VALIDATE_INPUT", {"name": f"an application named {name} already exists"})


def check_constraints(constraints: Object) -> None:
    """Refuses regions outside the jurisdiction, scarce regions alone, and tier beside tiers (reference 2.1.4)."""
    details: Details = {}
    regions = set(constraints.get("regions", []))
    allowed = JURISDICTIONS.get(constraints.get("jurisdiction", ""), regions)
    if regions - allowed:
        details["constraints.regions"] = "not in the jurisdiction: " + ", ".join(sorted(regions - allowed))
    if regions and regions <= sizes.SCARCE_REGIONS:
        details["constraints.regions"] = "limited capacity, cannot be used alone: " + ", ".join(
            sorted(regions)
        )
    if "tier" in constraints and "tiers" in constraints:
        details["constraints.tier"] = "cannot be combined with tiers"
    if details:
        raise ServiceError(400, "VALIDATE_INPUT", details)


def check_configuration(world: World, account: str, wish: Object, stored: Object) -> None:
    """Refuses a configuration whose image, size, secrets or keys the account does not have."""
    size = sizes.size_of(stored, (0, 0, 0))
    sizes.check_size(wish, size, world.settings.limits)
    details: Details = {}
    for position, secret in enumerate(wish.get("secrets", [])):
        if not world.has("secret", account, secret["secret"]):
            details[f"configuration.secrets.{position}.secret"] = f"there is no secret {secret['secret']}"
    for position, key in enumerate(wish.get("ssh_public_key_ids", [])):
        if not world.has("ssh_public_key", account, key):
            details[f"configuration.ssh_public_key_ids.{position}"] = f"there is no key {key}"
    if details:
        raise ServiceError(400, "VALIDATE_INPUT", details)
    check_image(world, account, stored["image"])


def check_observability(body: Object) -> None:
    """Refuses a body that sets logs both at the top and in the configuration (reference 2.1.1)."""
    if "observability" in body and "observability" in body.get("configuration", {}):
        details = {"configuration.observability": "cannot be combined with top-level observability"}
        raise ServiceError(400, "VALIDATE_INPUT", details)
    targets = {"target_instance_percentage", "target_instance_count"}
    if targets <= set(body.get("observability", {})):
        details = {"observability": "target_instance_percentage and target_instance_count exclude each other"}
        raise ServiceError(400, "VALIDATE_INPUT", details)


def check_change(application: Object, body: Object) -> None:
    """Refuses what a PATCH cannot change (reference 2.1.6)."""
    details: Details = {}
    if body.get("scheduling_policy", application["scheduling_policy"]) != application["scheduling_policy"]:
        details["scheduling_policy"] = "cannot be modified"
    wanted = body.get("configuration", {}).get("observability")
    if wanted is not None and wanted != application["configuration"].get("observability"):
        details["configuration.observability"] = (
            "cannot be modified via PATCH. Use rollout target_configuration.observability "
            "or top-level observability instead"
        )
    if details:
        raise ServiceError(400, "VALIDATE_INPUT", details)
