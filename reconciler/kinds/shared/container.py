"""One container's configuration, between the service's form and ours: lists of named objects become dicts by name.

Twins of a field (`memory` beside `memory_mib`) and fields nobody may set are dropped on reading. Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from reconciler.kinds.shared.durations import spelled
from reconciler.kinds.shared.sizes import observed_size, size_fields
from reconciler.model.value import Attributes, Value

CHECK_DURATIONS = ("interval", "timeout", "grace_period")
CARRIED = ("lifecycle", "metadata_service")
"""Fields that no key of ours stands for, but that somebody may have set: sent back as they were seen."""


def key_name(key: Mapping[str, Value]) -> str:
    """What a public key is called; one without a name is called after its text."""
    name = key.get("name")
    return (
        str(name) if name else f"key-{hashlib.sha256(str(key.get('public_key')).encode()).hexdigest()[:12]}"
    )


def check_name(check: Mapping[str, Value]) -> str:
    """What a check is called; one without a name after what it does."""
    name = check.get("name")
    return str(name) if name else f"{check.get('kind')}-{check.get('type')}-{check.get('port')}"


def canonical_check(check: Mapping[str, Value]) -> dict[str, Value]:
    """A check without its name, its durations in one spelling."""
    return {
        key: spelled(value) if key in CHECK_DURATIONS and isinstance(value, str) else value
        for key, value in check.items()
        if key != "name" and value is not None
    }


def container_attributes(configuration: Mapping[str, Any]) -> dict[str, Value]:
    """A configuration of the service in canonical form."""
    attributes: dict[str, Value] = {}
    for field, value in configuration.items():
        reading = _READINGS.get(field)
        if reading is not None and value is not None:
            attributes[reading[0]] = reading[1](value)
    size = observed_size(configuration)
    if size is not None:
        attributes["instance_type"] = size
    return attributes


def configuration_of(attributes: Attributes) -> dict[str, Any]:
    """A configuration as the service takes it, from canonical attributes."""
    configuration: dict[str, Any] = {}
    if attributes.get("image") is not None:
        configuration["image"] = attributes["image"]
    configuration |= size_fields(attributes.get("instance_type"))
    for key, (field, write) in _WRITINGS.items():
        value = attributes.get(key)
        if value is not None:
            configuration[field] = write(value)
    return configuration


def _by_name(field: str) -> Callable[[Iterable[Mapping[str, Any]]], dict[str, Value]]:
    return lambda items: {item.get("name", ""): item.get(field) for item in items}


def _only(*fields: str) -> Callable[[Mapping[str, Any]], dict[str, Value]]:
    return lambda value: {field: value[field] for field in fields if value.get(field) is not None}


def _keys(keys: Iterable[Mapping[str, Any]]) -> dict[str, Value]:
    return {key_name(key): str(key.get("public_key", "")).strip() for key in keys}


def _ports(ports: Iterable[Mapping[str, Any]]) -> dict[str, Value]:
    return {port.get("name", ""): _PORT(port) for port in ports}


def _checks(checks: Iterable[Mapping[str, Any]]) -> dict[str, Value]:
    return {check_name(check): canonical_check(_CHECK(check)) for check in checks}


_PORT = _only("port", "assign_port")
_CHECK = _only(
    "type", "tls", "port", "http", "interval", "timeout", "attempts_before_failure", "kind", "grace_period"
)

_READINGS: dict[str, tuple[str, Callable[[Any], Value]]] = {
    "image": ("image", str),
    "wrangler_ssh": ("ssh", _only("enabled", "port")),
    "authorized_keys": ("authorized_keys", _keys),
    "trusted_user_ca_keys": ("trusted_user_ca_keys", _keys),
    "ssh_public_key_ids": ("ssh_public_key_ids", list),
    "secrets": ("secrets", _by_name("secret")),
    "environment_variables": ("environment_variables", _by_name("value")),
    "labels": ("labels", _by_name("value")),
    "network": ("network", _only("mode", "assign_ipv4", "assign_ipv6")),
    "command": ("command", list),
    "entrypoint": ("entrypoint", list),
    "dns": ("dns", _only("servers", "searches")),
    "ports": ("ports", _ports),
    "checks": ("checks", _checks),
    "provisioner": ("provisioner", _only("type")),
    "experimental_flags": ("experimental_flags", sorted),
}


def _named(field: str, **constant: str) -> Callable[[Attributes], list[dict[str, Value]]]:
    return lambda members: [{"name": name, **constant, field: value} for name, value in members.items()]


def _members(members: Attributes) -> list[dict[str, Value]]:
    return [{"name": name, **member} for name, member in members.items()]


def _checks_field(checks: Attributes) -> list[dict[str, Value]]:
    """A check that became `tcp` leaves its `http` part behind, which the service would not take."""
    return [
        {field: value for field, value in check.items() if field != "http" or check.get("type") != "tcp"}
        for check in _members(checks)
    ]


_WRITINGS: dict[str, tuple[str, Callable[[Any], Value]]] = {
    "ssh": ("wrangler_ssh", dict),
    "authorized_keys": ("authorized_keys", _named("public_key")),
    "trusted_user_ca_keys": ("trusted_user_ca_keys", _named("public_key")),
    "ssh_public_key_ids": ("ssh_public_key_ids", list),
    "secrets": ("secrets", _named("secret", type="env")),
    "environment_variables": ("environment_variables", _named("value")),
    "labels": ("labels", _named("value")),
    "network": ("network", dict),
    "command": ("command", list),
    "entrypoint": ("entrypoint", list),
    "dns": ("dns", dict),
    "ports": ("ports", _members),
    "checks": ("checks", _checks_field),
    "provisioner": ("provisioner", dict),
    "experimental_flags": ("experimental_flags", list),
}
KEYS = ("image", "instance_type", *_WRITINGS)
"""The attributes that live in a configuration."""
