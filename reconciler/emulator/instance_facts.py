"""The ids, places, placements and events of instances: worked out from application, number and start, never stored. Pure.

An instance's id keeps the beginning of its application's id, so that it leads back to it.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

LOCATIONS: tuple[tuple[str, str, str], ...] = (
    ("ams02", "Amsterdam, Netherlands", "WEUR"),
    ("waw01", "Warsaw, Poland", "EEUR"),
    ("iad05", "Ashburn, US East", "ENAM"),
    ("sfo06", "San Francisco, US West", "WNAM"),
    ("gru01", "São Paulo, Brazil", "SAM"),
    ("sin02", "Singapore", "APAC"),
    ("syd03", "Sydney, Australia", "OC"),
    ("dxb01", "Dubai, United Arab Emirates", "ME"),
    ("jnb01", "Johannesburg, South Africa", "AFR"),
)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_OWNED = 23  # the characters of a UUID before its last group

Record = dict[str, Any]


def is_uuid(text: str) -> bool:
    """Whether it looks like an id of the Containers service (reference 1.9)."""
    return _UUID.fullmatch(text) is not None


def instance_id(application_id: str, index: int) -> str:
    """The deployment id of an application's instance."""
    return f"{application_id[:_OWNED]}-{index:012x}"


def placement_id(deployment_id: str, since: str) -> str:
    """The id of where a deployment runs since then; another start is another placement."""
    digest = hashlib.sha256(f"{deployment_id}/{since}".encode()).hexdigest()
    return f"{deployment_id[:_OWNED]}-{deployment_id[-6:]}{digest[:6]}"


def index_of(instance: str) -> int:
    """The number of an instance, from its id."""
    return int(instance[_OWNED + 1 :], 16)


def index_of_placement(placement: str) -> int:
    """The number of the instance that a placement would be of."""
    return int(placement[_OWNED + 1 : -6], 16)


def owner_prefix(identity: str) -> str:
    """What an instance's or placement's id shares with its application's."""
    return identity[: _OWNED + 1]


def actor_id(application_id: str, index: int) -> str:
    """The id of the Durable Object that an instance serves (64 hex, reference 1.9)."""
    return hashlib.sha256(f"{application_id}/{index}".encode()).hexdigest()


def location_of(constraints: Record, index: int) -> tuple[str, str, str]:
    """Where an instance runs: the allowed locations take turns."""
    regions = [*constraints.get("regions", []), *([constraints["region"]] if "region" in constraints else [])]
    allowed = [place for place in LOCATIONS if not regions or place[2] in regions] or list(LOCATIONS)
    return allowed[index % len(allowed)]


def placement(deployment_id: str, version: int, since: str, failed: bool, actor: str | None = None) -> Record:
    """Where a container runs, and how it does (reference 2.9)."""
    state = "failed" if failed else "running"
    status: Record = {"health": state, "ready": not failed, "container_status": state}
    if actor:
        status["durable_object"] = "disconnected" if failed else "connected"
    found = {
        "id": placement_id(deployment_id, since),
        "created_at": since,
        "deployment_id": deployment_id,
        "deployment_version": version,
        "terminate": False,
        "status": status,
        "last_update": since,
    }
    return found | ({"durable_object_actor_id": actor} if actor else {})


def events(placement: Record) -> list[Record]:
    """What led to the present status, in the order of reference 2.9."""
    names = ["SchedulerPlaced", "NetworkingIPAssigned", "ImagePulled", "VMStarted"]
    if placement["status"]["health"] == "failed":
        names.append("RuntimeStartFailed")
    else:
        names += [
            "ContainerStarted",
            *(["DurableObjectConnected"] if "durable_object_actor_id" in placement else []),
        ]
    return [
        event(placement["id"], number, name, placement["created_at"]) for number, name in enumerate(names)
    ]


def event(placement: str, number: int, name: str, time: str) -> Record:
    """One event of a placement."""
    failed = name == "RuntimeStartFailed"
    return {
        "id": f"{placement}-{number}",
        "time": time,
        "type": "UserError" if failed else "Info",
        "name": name,
        "message": "the container exited with code 1" if failed else name,
        "details": {"exit_code": 1} if failed else {},
        "statusChange": {"health": "failed"} if failed else {},
    }


def failure_event(application_id: str, index: int, since: str) -> Record:
    """The event by which an unhealthy instance shows in its application's health."""
    return event(placement_id(instance_id(application_id, index), since), 4, "RuntimeStartFailed", since)
