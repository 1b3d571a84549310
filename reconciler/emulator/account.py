"""The account itself (`/me`) and its addresses (`/ips`) (reference 2.10, 2.11)."""

from __future__ import annotations

from typing import Any

from reconciler.emulator import bodies, sizes
from reconciler.emulator.answers import Answer, ok
from reconciler.emulator.call import Call
from reconciler.emulator.instance_facts import LOCATIONS
from reconciler.emulator.routing import Routes
from reconciler.emulator.shapes import validate

ACCOUNT = "account"
_BOUNDLESS = 10**12

routes = Routes("/accounts/{account}/containers", "/accounts/{account}/cloudchamber")


@routes.add("GET", "/me")
def get(call: Call) -> Answer:
    """Limits, locations, and what a container gets that says nothing."""
    defaults = sizes.defaults(call.world, call.account)
    return ok(
        {
            "external_account_id": call.account,
            "legacy_identity": call.account,
            "limits": _limits(call.account, _totals(call)),
            "locations": [_location(*place, _totals(call)) for place in LOCATIONS],
            "defaults": {**defaults, "memory": f"{defaults['memory_mib']}MB"},
        }
    )


@routes.add("PATCH", "/me")
def modify(call: Call) -> Answer:
    """Changes defaults; nothing else can be written."""
    body = call.fields()
    validate(body, bodies.MODIFY_ACCOUNT)
    wish = body.get("defaults", {})
    before = sizes.defaults(call.world, call.account)
    size = sizes.size_of(
        {**wish, **({"disk": {"size_mb": wish["disk_mb"]}} if "disk_mb" in wish else {})},
        (before["vcpus"], before["memory_mib"], before["disk_mb"]),
    )
    sizes.check_size({}, size, limits=False)
    changed = {
        "id": call.account,
        "defaults": dict(zip(("vcpus", "memory_mib", "disk_mb"), size, strict=True)),
    }
    # An account is there from the start, only not written down.
    call.world.put(ACCOUNT, call.account, call.account, changed, verb="changed")
    return get(call)


def _totals(call: Call) -> dict[str, int]:
    """What all containers together may have; where limits are off, more than anybody asks for."""
    return sizes.TOTAL if call.world.settings.limits else dict.fromkeys(sizes.TOTAL, _BOUNDLESS)


def _limits(account: str, total: dict[str, int]) -> dict[str, Any]:
    most = sizes.PER_DEPLOYMENT
    return {
        "account_id": account,
        "vcpu_per_deployment": most["vcpu"],
        "memory_per_deployment": f"{most['memory_mib']}MB",
        "memory_mib_per_deployment": most["memory_mib"],
        "disk_per_deployment": f"{most['disk_mb'] // 1000}GB",
        "disk_mb_per_deployment": most["disk_mb"],
        "total_vcpu": total["vcpu"],
        "total_memory": f"{total['memory_mib']}MB",
        "total_memory_mib": total["memory_mib"],
        "total_disk_mb": total["disk_mb"],
        "node_group": "metal",
        "network_modes": ["uso"],
        "ipv4s": 16,
    }


def _location(location: str, name: str, region: str, total: dict[str, int]) -> dict[str, Any]:
    most = sizes.per_location(region)
    limits = {
        "vcpu_per_deployment": most["vcpu"],
        "memory_per_deployment": f"{most['memory_mib']}MB",
        "memory_mib_per_deployment": most["memory_mib"],
        "total_vcpu": total["vcpu"],
        "total_memory": f"{total['memory_mib']}MB",
        "total_memory_mib": total["memory_mib"],
    }
    return {"location": location, "name": name, "region": region, "limits": limits}


@routes.add("GET", "/ips")
def list_ips(call: Call) -> Answer:
    """The addresses that deployments were given, filtered by `deployment_id`, `placement_id`, `ipType`, `allocated`."""
    found = []
    for deployment in call.world.all("deployment", call.account):
        for kind, mask in (("v4", 32), ("v6", 128)):
            address = deployment["network"].get(f"ip{kind}")
            if address:
                found.append(_allocation(deployment, address, kind, mask))
    filters = {name: values[0] for name, values in call.query.items()}
    return ok({"ips": [ip for ip in found if _passes(ip, filters)], "filters": filters})


def _allocation(deployment: dict[str, Any], address: str, kind: str, mask: int) -> dict[str, Any]:
    placement = deployment.get("current_placement") or {}
    allocation = {"deploymentID": deployment["id"]} | ({"placementID": placement["id"]} if placement else {})
    return {
        "configuration": {"deploymentId": deployment["id"], "accountId": deployment["account_id"]},
        "allocation": allocation,
        "subnetMask": mask,
        "ip": address,
        "ipType": kind,
    }


def _passes(ip: dict[str, Any], filters: dict[str, str]) -> bool:
    return (
        filters.get("ipType", ip["ipType"]) == ip["ipType"]
        and filters.get("deployment_id", ip["allocation"]["deploymentID"]) == ip["allocation"]["deploymentID"]
        and filters.get("placement_id", "") in ("", ip["allocation"].get("placementID"))
        and filters.get("allocated", "true") == "true"
    )
