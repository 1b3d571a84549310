"""A deployment between the service's form and ours (reference 2.6). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.kinds.deployment.bind import RUN_LABEL
from reconciler.kinds.deployment.table import FIXED
from reconciler.kinds.shared.container import configuration_of, container_attributes
from reconciler.kinds.shared.describing import container_block, logs_block
from reconciler.model.change import Change
from reconciler.model.describing import Described, Known, literal
from reconciler.model.handler import Subject
from reconciler.model.resource import Observed, Pending
from reconciler.model.value import Attributes, Path, Value, at_path

WHAT = "placement"
_MEMBERS = ("environment_variables", "labels", "secrets", "checks")
_EMPTY: dict[str, Value] = {"dns": {}, "command": [], "entrypoint": [], "ssh_public_key_ids": []}
_FAILED = ("failed", "stopped", "unhealthy")
_ENDED = ("failed", "stopped")
PLACEMENT = "placement"
"""What is owed where a container has ended: to be placed anew."""


def create_body(wanted: Attributes, operation: str) -> dict[str, Any]:
    """What POST takes, here and for `recreate`; the operation's id goes along as a label."""
    return {**_configuration(wanted, operation), "location": wanted["location"]}


def modify_body(change: Change, operation: str) -> dict[str, Any]:
    """What PATCH takes: the keys that differ. What it replaces whole keeps the members that others set."""
    assert change.observed is not None
    seen = change.observed
    touched = {path[0] for path in change.paths if path[0] not in FIXED}
    attributes: dict[str, Value] = {}
    for key in touched:
        removed = [path[1:] for path in change.paths if path[0] == key and not _is_set(change.wanted, path)]
        attributes[key] = _merged(key, change.wanted.get(key), seen.attributes.get(key), removed)
    if "labels" in touched:
        operation = operation_of(seen.raw) or operation
    sent = _configuration(attributes, operation if "labels" in touched else "")
    return sent | {"location": attributes["location"]} if "location" in touched else sent


def _configuration(attributes: Attributes, operation: str) -> dict[str, Any]:
    labels = {**(attributes.get("labels") or {}), **({RUN_LABEL: operation} if operation else {})}
    configuration = configuration_of({**attributes, "labels": labels} if labels else attributes)
    if attributes.get("observability") is not None:
        configuration["observability"] = attributes["observability"]
    return configuration


def _is_set(wanted: Attributes, path: Path) -> bool:
    return at_path(wanted, path) is not None


def _merged(key: str, wanted: Value, seen: Value, removed: Iterable[Path]) -> Value:
    if key not in _MEMBERS:
        return _EMPTY.get(key) if wanted is None else wanted
    kept = {name: member for name, member in (seen or {}).items() if (name,) not in removed}
    return {} if wanted is None and () in removed else {**kept, **(wanted or {})}


def observed(document: Mapping[str, Any], subject: Subject | None = None) -> Observed:
    """A deployment in canonical form. What the service does not give back of it is what it was made with."""
    attributes = container_attributes(document)
    labels = {name: value for name, value in attributes.pop("labels", {}).items() if name != RUN_LABEL}
    if labels:
        attributes["labels"] = labels
    location = (document.get("location") or {}).get("name", "")
    enabled = at_path(document, ("observability", "logs", "enabled")) is True
    attributes |= {"location": location, "observability": {"logs": {"enabled": enabled}}}
    known = subject.prior.attributes if subject and subject.prior else {}
    attributes = {**{key: known[key] for key in FIXED if key in known}, **attributes}
    network = document.get("network") or {}
    if is_placed(document) or "network" in known:
        told = known.get("network") or _unassigned(network)
        attributes["network"] = {**told, **attributes.get("network", {})}
    identity = str(document["id"])
    outputs = {"id": identity, "location": location, **{key: network.get(key) for key in ("ipv4", "ipv6")}}
    return Observed(
        identity,
        "",
        attributes,
        outputs,
        freshness=str(document.get("version", "")),
        created_at=str(document.get("created_at", "")),
        unsettled=waiting_for(document, subject) if subject and not is_placed(document) else None,
        owes=(PLACEMENT,)
        if subject and subject.prior and is_placed(document) and has_ended(document)
        else (),
        raw=document,
    )


def described(seen: Observed, known: Known) -> Described:
    """A deployment as a manifest's block would tell it; that it has no address is seen of every one."""
    block, spare = container_block(seen.attributes, known)
    for part, more in zip((block, spare), logs_block(seen.attributes), strict=True):
        part |= more
    network = {key: value for key, value in (block.pop("network", None) or {}).items() if value != "none"}
    if network:
        block["network"] = network
    return Described({"location": literal(seen.attributes["location"]), **block}, spare)


def _unassigned(network: Mapping[str, Any]) -> dict[str, Value]:
    """Whose addresses it has is not given back; that it has none is seen."""
    return {f"assign_{version}": "none" for version in ("ipv4", "ipv6") if not network.get(version)}


def waiting_for(document: Mapping[str, Any], subject: Subject | Change) -> Pending:
    """What the end of its placing is awaited by."""
    return Pending(subject.address, WHAT, {"deployment": document["id"]}, str(document.get("created_at", "")))


def operation_of(document: Mapping[str, Any]) -> str:
    """The id of the operation that made it; "" for one that was made elsewhere."""
    labels = document.get("labels") or ()
    return next((str(one.get("value")) for one in labels if one.get("name") == RUN_LABEL), "")


def is_placed(document: Mapping[str, Any]) -> bool:
    """Whether the scheduler has found it a place, and it has come up or failed there."""
    return health_of(document) not in ("", "placed", "stopping")


def has_failed(document: Mapping[str, Any]) -> bool:
    """Whether it was placed and does not run."""
    return health_of(document) in _FAILED


def has_ended(document: Mapping[str, Any]) -> bool:
    """Whether it was placed and does not run any more; one that is only unhealthy goes on."""
    return health_of(document) in _ENDED


def health_of(document: Mapping[str, Any]) -> str:
    """How its container does where it was placed last; "" until then."""
    placement = document.get("current_placement") or {}
    if at_path(document, ("state", "current")) == "scheduled":
        return ""
    return str(at_path(placement, ("status", "health"), ""))


def why_queued(document: Mapping[str, Any]) -> str:
    """What it waits for: a place, and the resource that is short, or its container."""
    if at_path(document, ("state", "current")) == "placed":
        return "placed, and its container starts"
    queued = at_path(document, ("state", "queued_details")) or {}
    short = [f"{resource}: {reason}" for resource, reason in sorted(queued.items()) if reason]
    return f"waits for a place ({', '.join(short)})" if short else "waits for a place"
