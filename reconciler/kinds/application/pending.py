"""What is remembered of a rollout or deletion under way, as plain JSON, so that any later process can go on with it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from reconciler.kinds.application import rollout_options
from reconciler.kinds.application.forms import application_attributes
from reconciler.model.address import ResourceAddress
from reconciler.model.resource import Pending, Prior
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
    *,
    forgets: bool = True,
) -> Pending:
    """A rollout that was just started.

    `previous` holds the changed paths of the configuration with what stood there before; nothing else of the old
    configuration is written down, since it may hold what somebody else put there. `forgets`: once it has ended well,
    what went wrong before is no longer worth telling.
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
        "forgets": forgets,
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


def under_way(prior: Prior, application: Mapping[str, Any]) -> Pending | None:
    """The rollout that is under way: as it is remembered, else as it is seen."""
    active = application.get("active_rollout_id")
    known = (one for one in prior.pending if one.what == ROLLOUT and one.token.get("rollout") == active)
    return next(known, None) or _knowing(prior, rollout_in_flight(prior.address, application))


def _knowing(prior: Prior, pending: Pending | None) -> Pending | None:
    """A rollout that failed before, with the configuration before it."""
    failed = prior.facts.get("failed") or {}
    if pending is None or failed.get("rollout") != pending.token["rollout"]:
        return pending
    return replace(pending, token={**pending.token, "previous": failed.get("previous") or []})


def last_rollout(
    prior: Prior, application: Mapping[str, Any], rollouts: Iterable[Mapping[str, Any]]
) -> Pending | None:
    """The rollout that brought the present version, with what is remembered of the configuration before."""
    version = application.get("version")
    newest = next((one for one in newest_first(rollouts) if one.get("target_version") == version), None)
    if newest is None:
        return None
    known = (one for one in prior.pending if one.token.get("rollout") == newest["id"])
    since = str(newest.get("created_at", ""))
    seen = pending_rollout(prior.address, application, newest, None, [], since)
    return next(known, None) or _knowing(prior, seen)


def undoing(pending: Pending) -> Pending:
    """The same rollout, to be taken back by whoever comes upon it."""
    return replace(pending, token={**pending.token, "undoing": True})


def cut_off(prior: Prior) -> Pending | None:
    """A rollout that somebody began to take back, and was cut off."""
    return next((one for one in prior.pending if one.token.get("undoing")), None)


def at_once(pending: Pending) -> Pending:
    """The same rollout, whose next step is nobody's but a person's, and asked for as soon as the last one is done."""
    gate = {**pending.token["gate"], "for": 0, "drives": False}
    return replace(pending, token={**pending.token, "gate": gate})


def newest_first(rollouts: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Rollouts by the time of their creation."""
    return sorted(rollouts, key=lambda one: str(one.get("created_at", "")), reverse=True)


def pending_deletion(address: ResourceAddress, identity: str, since: str) -> Pending:
    """A deletion that the service has said yes to."""
    return Pending(address, DELETION, {"application": identity}, since)


def previous_of(application: Mapping[str, Any], paths: Iterable[Path]) -> list[list[Value]]:
    """Paths of a configuration, each with what stands there now."""
    attributes = application_attributes(application)
    return [[list(path), at_path(attributes, path)] for path in paths]
