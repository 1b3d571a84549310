"""An application between the service's form and ours, and the bodies that create, change and roll it out (reference 2.1).

What the API replaces whole is sent as it was observed, overlaid with what is wanted, minus what is no longer set. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.kinds.shared.container import (
    CARRIED,
    KEYS,
    configuration_of,
    container_attributes,
)
from reconciler.model.value import Attributes, Path, Value, at_path

MANAGED = "durable_object"
"""The policy under which the Durable Object manages the container: no scaling, no rollouts."""
DEFAULT_TIERS = (1, 2)
NO_LOGS: dict[str, Value] = {"logs": {"enabled": False}}

_LISTS = (
    "authorized_keys",
    "trusted_user_ca_keys",
    "ssh_public_key_ids",
    "secrets",
    "environment_variables",
    "labels",
    "ports",
    "checks",
    "experimental_flags",
)
_ATOMIC = {"instance_type"}
_ATOMIC_MEMBERS = {"ports"}
_PLACES = ("regions", "cities", "pops")
_TARGETS = ("target_instance_percentage", "target_instance_count")


def application_attributes(application: Mapping[str, Any]) -> dict[str, Value]:
    """An application of the service in canonical form; what only the service sets is left out."""
    configuration = application.get("configuration") or {}
    attributes = container_attributes(configuration) if configuration else {}
    attributes["name"] = application.get("name", "")
    policy = attributes["scheduling_policy"] = application.get("scheduling_policy", "default")
    link = application.get("durable_objects")
    if link:
        attributes["namespace"] = link.get("namespace_id")
    attributes["observability"] = _observability(application.get("observability"), configuration)
    if policy == MANAGED:
        return attributes
    attributes["constraints"] = canonical_constraints(application.get("constraints") or {})
    attributes["rollout_active_grace_period"] = application.get("rollout_active_grace_period") or 0
    for key in ("instances", "max_instances", "affinities", "priorities", "jobs"):
        value = application.get(key)
        if value is not None and value != {}:
            attributes[key] = value
    return attributes


def canonical_constraints(constraints: Mapping[str, Any]) -> dict[str, Value]:
    """Constraints as sorted sets, the old single forms folded into them. No tiers: every tier."""
    tier, tiers, region = constraints.get("tier"), constraints.get("tiers"), constraints.get("region")
    if tiers is None:
        tiers = () if tier is None or tier == -1 else (tier,)
    canonical: dict[str, Value] = {"tiers": sorted(tiers)}
    if region:
        canonical["regions"] = [region]
    for key in _PLACES:
        if places := constraints.get(key):
            canonical[key] = sorted(places)
    if jurisdiction := constraints.get("jurisdiction"):
        canonical["jurisdiction"] = jurisdiction
    return canonical


def has_legacy_logs(application: Mapping[str, Any]) -> bool:
    """Whether logs are switched on where they used to be: there they are changed too (reference 6.2)."""
    configuration = application.get("configuration") or {}
    return at_path(configuration, ("observability", "logs", "enabled")) is True


def _observability(top: Mapping[str, Any] | None, configuration: Mapping[str, Any]) -> dict[str, Value]:
    legacy = configuration.get("observability")
    if top is None and legacy is None:
        return NO_LOGS
    enabled = any(at_path(place, ("logs", "enabled")) is True for place in (top, legacy))
    canonical: dict[str, Value] = {"logs": {"enabled": enabled}}
    for key in _TARGETS:
        if top and top.get(key) is not None:
            canonical[key] = top[key]
    return canonical


def overlaid(observed: Attributes, wanted: Attributes, removed: Iterable[Path] = ()) -> dict[str, Value]:
    """What is there, overlaid with what is wanted, without what the manifest no longer sets."""
    merged = _overlaid(observed, wanted, _ATOMIC)
    for key in _ATOMIC_MEMBERS & wanted.keys():
        merged[key] = {**observed.get(key, {}), **wanted[key]}
    for path in removed:
        merged = _without(merged, path)
    return merged


def _overlaid(below: Attributes, above: Attributes, atomic: Iterable[str] = ()) -> dict[str, Value]:
    merged = dict(below)
    for key, value in above.items():
        there = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(there, Mapping) and key not in atomic
        merged[key] = _overlaid(there, value) if both else value  # type: ignore[arg-type]
    return merged


def _without(holder: Attributes, path: Path) -> dict[str, Value]:
    copy = dict(holder)
    if len(path) > 1 and isinstance(copy.get(path[0]), Mapping):
        copy[path[0]] = _without(copy[path[0]], path[1:])
    elif path[0] in _LISTS and path[0] in copy:
        copy[path[0]] = [] if isinstance(copy.get(path[0]), list) else {}
    else:
        copy.pop(path[0], None)
    return copy


def create_body(wanted: Attributes) -> dict[str, Any]:
    """What POST /applications takes (reference 2.1.1, 6.2)."""
    body: dict[str, Any] = {"name": wanted["name"], "scheduling_policy": wanted["scheduling_policy"]}
    link = wanted.get("namespace")
    if wanted["scheduling_policy"] == MANAGED:
        body |= _managed_fields(wanted)
    else:
        body["configuration"] = configuration(wanted)
        body["instances"] = wanted.get("instances", 0)
        if wanted.get("jobs") is not None:
            body["jobs"] = wanted["jobs"]
        body |= _scaling(wanted)
    if link is not None:
        body["durable_objects"] = {"namespace_id": link}
    logs = wanted.get("observability")
    if logs is not None and logs != NO_LOGS:
        body["observability"] = logs
    return merged_deep(body, wanted.get("unsafe") or {})


def modify_body(
    merged: Attributes, application: Mapping[str, Any], *, with_configuration: bool = True
) -> dict[str, Any]:
    """What PATCH takes: the full set, since its objects are replaced whole; never name or namespace.

    A configuration that does not change is left out: sent again it could count as another one, which no instance runs.
    """
    body: dict[str, Any] = {}
    if merged["scheduling_policy"] == MANAGED:
        # What is replaced whole has to be sent even where nothing is left of it.
        body = {"configuration": {}} if application.get("configuration") else {}
        body |= _managed_fields(merged)
    else:
        if with_configuration:
            body["configuration"] = kept_logs(configuration(merged, application), application)
        if merged.get("namespace") is None:
            body["instances"] = merged.get("instances", 0)
        body |= _scaling(merged)
        body["scheduling_policy"] = merged["scheduling_policy"]
    logs = merged.get("observability", NO_LOGS)
    if not has_legacy_logs(application) and (logs != NO_LOGS or application.get("observability") is not None):
        body["observability"] = logs
    unsafe = merged.get("unsafe") or {}
    return merged_deep(
        body, {key: unsafe[key] for key in unsafe if with_configuration or key != "configuration"}
    )


def kept_logs(fields: Mapping[str, Any], application: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with the logs it has: a PATCH may not change them there, and must not drop them."""
    legacy = (application.get("configuration") or {}).get("observability")
    return {**fields, "observability": legacy} if legacy is not None else dict(fields)


def target_configuration(merged: Attributes, application: Mapping[str, Any]) -> dict[str, Any]:
    """What instances are rolled over to; logs that sit in the configuration are changed here."""
    target = kept_logs(configuration(merged, application), application)
    if has_legacy_logs(application):
        target["observability"] = {"logs": merged.get("observability", NO_LOGS)["logs"]}
    return merged_deep(target, (merged.get("unsafe") or {}).get("configuration") or {})


def put_back(attributes: Attributes, path: Path, before: Value) -> dict[str, Value]:
    """The attributes with what stood at a path before; None: nothing did."""
    if before is None:
        return _without(attributes, path)
    nested = before
    for part in reversed(path[1:]):
        nested = {part: nested}
    copy = dict(attributes)
    there = copy.get(path[0])
    merges = len(path) > 1 and isinstance(there, Mapping)
    copy[path[0]] = _overlaid(there, nested) if merges else nested  # type: ignore[arg-type]
    return copy


def configuration(attributes: Attributes, application: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The configuration of an application, its generation among the variables."""
    fields = configuration_of(_with_generation(attributes))
    seen = (application or {}).get("configuration") or {}
    return fields | {key: seen[key] for key in CARRIED if key in seen}


def merged_deep(body: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """A body with `unsafe` merged in: objects by key, lists and scalars replaced (reference 6.1)."""
    return _overlaid(body, extra) if extra else dict(body)


def _with_generation(attributes: Attributes) -> Attributes:
    variable, generation = attributes.get("generation_variable"), attributes.get("generation")
    if not variable or generation is None:
        return attributes
    variables = {**attributes.get("environment_variables", {}), variable["name"]: str(generation)}
    return {**attributes, "environment_variables": variables}


def _scaling(attributes: Attributes) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if attributes.get("max_instances") is not None:
        fields["max_instances"] = attributes["max_instances"]
    constraints = attributes.get("constraints") or {}
    fields["constraints"] = {key: value for key, value in constraints.items() if value != []}
    for key in ("affinities", "priorities"):
        if attributes.get(key) is not None:
            fields[key] = attributes[key]
    fields["rollout_active_grace_period"] = attributes.get("rollout_active_grace_period", 0)
    return fields


def _managed_fields(attributes: Attributes) -> dict[str, Any]:
    keys = ("ssh", "authorized_keys")
    fields = configuration_of({key: attributes[key] for key in keys if key in attributes})
    return {"configuration": fields} if fields else {}


def lives_in_configuration(path: Path) -> bool:
    """Whether an attribute is part of the configuration, which a revert puts back."""
    return path[0] in KEYS or path[0] in ("generation", "unsafe")
