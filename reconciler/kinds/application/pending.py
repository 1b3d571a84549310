"""What is remembered of a rollout or deletion under way, as plain JSON, so that any later process can go on with it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from reconciler.kinds.application import rollout_options
from reconciler.kinds.application.forms import application_attributes
from reconciler.model.address import ResourceAddress
from reconciler.model.resource import Pending
from reconciler.model.value import Path, Value, at_path

ROLLOUT = "rollout"
DELETION = "deletion"

_DEFAULTS: Mapping[str, Value] = rollout_options.DEFAULTS["rollout"]


def iso(seconds: float) -> str:
    """A time as the service writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_between(earlier: Value, later: Value) -> float:
    """Seconds from one time of the service to another; 0 where one is not told."""
    try:
        return (datetime.fromisoformat(str(later)) - datetime.fromisoformat(str(earlier))).total_seconds()
    except ValueError:
        return 0.0


def pending_rollout(
    address: ResourceAddress,
    application: Mapping[str, Any],
    rollout: Mapping[str, Any],
    options: Mapping[str, Value] | None,
    previous: list[list[Value]],
    since: str,
) -> Pending:
    """A rollout that was just started.

    `previous` holds the changed paths of the configuration with what stood there before; nothing else of the old
    configuration is written down, since it may hold what somebody else put there.
    """
    chosen = options or _DEFAULTS
    token = {
        "application": application["id"],
        "name": application.get("name", ""),
        "rollout": rollout["id"],
        "target_version": rollout.get("target_version"),
        "kind": rollout.get("kind", ""),
        "grace_seconds": application.get("rollout_active_grace_period") or 0,
        "previous": previous,
        "wait": chosen["wait"],
        "timeout": chosen["timeout"],
        "on_failure": chosen["on_failure"],
        "gate": dict(chosen["gate"]),
    }
    return Pending(address, ROLLOUT, token, since)


def rollout_in_flight(address: ResourceAddress, application: Mapping[str, Any]) -> Pending | None:
    """A rollout that was seen and not begun here; of its options nothing is known."""
    active = application.get("active_rollout_id")
    if not active:
        return None
    target = (application.get("scheduling_hint") or {}).get("target") or {}
    rollout = {"id": active, "target_version": target.get("version", application.get("version"))}
    since = str(application.get("updated_at", ""))
    return pending_rollout(address, application, rollout, None, [], since)


def pending_deletion(address: ResourceAddress, identity: str, since: str) -> Pending:
    """A deletion that the service has said yes to."""
    return Pending(address, DELETION, {"application": identity}, since)


def previous_of(application: Mapping[str, Any], paths: Iterable[Path]) -> list[list[Value]]:
    """Paths of a configuration, each with what stands there now."""
    attributes = application_attributes(application)
    return [[list(path), at_path(attributes, path)] for path in paths]
