"""The bodies that the Containers API takes, field by field (reference 2, the wider of its two views).

Top-level keys that a body does not know are refused, as in the public description; inside `configuration` unknown
keys are kept, since the service is not closed there and wrangler's `unsafe` relies on it.
"""

from __future__ import annotations

from reconciler.emulator.shapes import Check, anything, flag, list_of, number, one_of, shape, text

INSTANCE_TYPES = ("lite", "dev", "basic", "standard", "standard-1", "standard-2", "standard-3", "standard-4")
REGIONS = ("AFR", "APAC", "EEUR", "ENAM", "WNAM", "ME", "OC", "SAM", "WEUR")
SCALED_POLICIES = ("default", "moon", "gpu", "regional", "fill_metals")
STEP_PERCENTAGES = (5, 10, 20, 25, 50, 100)

_size = text(r"\d+(\.\d+)? ?[KMGT]i?B", "a size with its unit, such as 256MB")
_duration = text(r"(\d+(\.\d+)?(ns|us|µs|ms|s|m|h|d))+", "a duration such as 3d1h3m or 500ms")
_name = text(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", "1 to 63 letters, digits, dashes or underscores")
_words = list_of(text())
_namespace = shape({"namespace_id": text(r"[0-9a-f]{32}", "32 hexadecimal digits")}, closed=True)
_grace_period = number(0, 604800, whole=True)
_count = number(0, whole=True)

_public_key = shape({"public_key": text(r"(?is)ssh-ed25519 .*", "an ssh-ed25519 key")}, {"name": text()})
_ssh = shape(optional={"enabled": flag, "port": number(1, 65535, whole=True)})
_logs = shape(optional={"enabled": flag})
_observability = shape(
    optional={
        "logs": _logs,
        "target_instance_percentage": number(1, 99, whole=True),
        "target_instance_count": number(1, whole=True),
    }
)
_variable = shape({"name": text(r".+", "a name"), "value": text()})
_secret = shape({"name": text(), "type": one_of(["env"]), "secret": text()})
_range = shape({"start": number(1, 65535, whole=True), "end": number(1, 65535, whole=True)})
_port = shape(
    {"name": text(r"(?!.*--)[A-Za-z0-9_-]{1,15}", "1 to 15 letters, digits, dashes or underscores")},
    {"port": number(1, 65535, whole=True), "assign_port": list_of(_range)},
)
_check = shape(
    {
        "type": one_of(["http", "tcp"]),
        "port": text(),
        "interval": _duration,
        "timeout": _duration,
        "kind": one_of(["health", "ready"]),
    },
    {
        "name": text(),
        "tls": flag,
        "http": shape(
            optional={
                "method": one_of(["GET", "POST", "PATCH", "PUT", "OPTIONS", "DELETE", "HEAD"]),
                "body": text(),
                "path": text(),
                "headers": shape(),
            }
        ),
        "attempts_before_failure": number(1, whole=True),
        "grace_period": _duration,
    },
)
_network = shape(
    optional={
        "assign_ipv4": one_of(["none", "predefined", "account"]),
        "assign_ipv6": one_of(["none", "predefined", "account"]),
        "mode": one_of(["public", "public-by-port", "private"]),
    }
)

CONFIGURATION_FIELDS: dict[str, Check] = {
    "image": text(r"\S+", "an image reference"),
    "wrangler_ssh": _ssh,
    "authorized_keys": list_of(_public_key),
    "trusted_user_ca_keys": list_of(_public_key),
    "ssh_public_key_ids": _words,
    "secrets": list_of(_secret),
    "instance_type": one_of(INSTANCE_TYPES),
    "vcpu": number(0.0625),
    "memory": _size,
    "memory_mib": number(1),
    "disk": shape(optional={"size": _size, "size_mb": number(1)}),
    "environment_variables": list_of(_variable),
    "labels": list_of(shape({"name": text(), "value": text()})),
    "network": _network,
    "command": _words,
    "entrypoint": _words,
    "dns": shape(optional={"servers": list_of(text(), 3), "searches": list_of(text(), 6)}),
    "ports": list_of(_port),
    "checks": list_of(_check),
    "provisioner": shape({"type": one_of(["none", "cloudinit"])}),
    "observability": _observability,
    "experimental_flags": _words,
}
_configuration = shape({"image": CONFIGURATION_FIELDS["image"]}, CONFIGURATION_FIELDS)
MODIFIED_CONFIGURATION = shape(optional=CONFIGURATION_FIELDS)
_managed_configuration = shape(
    optional={
        key: CONFIGURATION_FIELDS[key] for key in ("wrangler_ssh", "authorized_keys", "experimental_flags")
    },
    closed=True,
)
_managed_observability = shape(optional={"logs": shape(optional={"enabled": flag}, closed=True)}, closed=True)
_constraints = shape(
    optional={
        "region": one_of(REGIONS),
        "regions": list_of(one_of(REGIONS)),
        "tier": number(whole=True),
        "tiers": list_of(number(whole=True)),
        "cities": _words,
        "pops": _words,
        "jurisdiction": one_of(["eu", "us", "fedramp"]),
    }
)
_settings: dict[str, Check] = {
    "max_instances": _count,
    "constraints": _constraints,
    "affinities": shape(
        optional={
            "colocation": one_of(["datacenter"]),
            "hardware_generation": one_of(["highest-overall-performance"]),
        }
    ),
    "priorities": shape({"default": number()}),
    "observability": _observability,
    "rollout_active_grace_period": _grace_period,
}

CREATE_APPLICATION = shape(
    {
        "name": _name,
        "scheduling_policy": one_of(SCALED_POLICIES),
        "instances": _count,
        "configuration": _configuration,
    },
    {"jobs": flag, "durable_objects": _namespace, **_settings},
    closed=True,
)
CREATE_MANAGED_APPLICATION = shape(
    {"name": _name, "scheduling_policy": one_of(["durable_object"]), "durable_objects": _namespace},
    {"configuration": _managed_configuration, "observability": _managed_observability},
    closed=True,
)
MODIFY_APPLICATION = shape(
    optional={
        "name": _name,
        "instances": _count,
        "scheduling_policy": anything,
        "configuration": MODIFIED_CONFIGURATION,
        **_settings,
    },
    closed=True,
)
MODIFY_MANAGED_APPLICATION = shape(
    optional={"configuration": _managed_configuration, "observability": _managed_observability}, closed=True
)
CREATE_ROLLOUT = shape(
    {
        "description": text(),
        "strategy": one_of(["rolling", "new_instances"]),
        "target_configuration": MODIFIED_CONFIGURATION,
    },
    {
        "kind": one_of(["full_auto", "full_manual"]),
        "step_percentage": one_of(STEP_PERCENTAGES),
        "steps": list_of(
            shape({"step_size": shape({"percentage": number(10, 100, whole=True)}), "description": text()})
        ),
        "percentage": number(0, 100, whole=True),
    },
    closed=True,
)
CREATE_JOB = shape(
    {"entrypoint": _words, "command": _words},
    {
        "image": CONFIGURATION_FIELDS["image"],
        "timeout": number(1),
        "instance_type": one_of(INSTANCE_TYPES),
        "vcpu": number(0.0625),
        "vcpus": number(0.0625),
        "memory": _size,
        "memory_mib": number(1),
        "environment_variables": list_of(_variable),
        "secrets": list_of(shape({"name": text(), "value": text(), "type": one_of(["env"])})),
    },
    closed=True,
)
MODIFY_JOB = shape(optional={"terminate": flag}, closed=True)
CREATE_DEPLOYMENT = shape(
    {"image": CONFIGURATION_FIELDS["image"], "location": text()}, CONFIGURATION_FIELDS, closed=True
)
_FIXED_IN_DEPLOYMENTS = (
    "network",
    "ports",
    "provisioner",
    "wrangler_ssh",
    "authorized_keys",
    "trusted_user_ca_keys",
    "experimental_flags",
)
MODIFY_DEPLOYMENT = shape(
    optional={
        "location": text(),
        **{key: check for key, check in CONFIGURATION_FIELDS.items() if key not in _FIXED_IN_DEPLOYMENTS},
    },
    closed=True,
)
_secret_name = text(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,127}", "letters, digits, dashes and underscores")
CREATE_SECRET = shape({"name": _secret_name, "value": text()}, closed=True)
MODIFY_SECRET = shape({"value": text()}, closed=True)
# wrangler sends its whole parsed command line along, so this one is open (wrangler-traffic, "Other commands").
CREATE_SSH_KEY = shape({"name": text(r".+", "a name"), "public_key": text()})
_domain = text(r"[A-Za-z0-9.:-]{3,253}", "a host name without scheme and path")
CREATE_REGISTRY = shape(
    {"domain": _domain},
    {
        "is_public": flag,
        "kind": one_of(["ECR", "DockerHub", "GAR"]),
        "auth": shape(
            {
                "public_credential": text(),
                "private_credential": shape({"store_id": text(), "secret_name": text()}),
            },
            closed=True,
        ),
    },
    closed=True,
)
PROTOCOL = shape(
    {
        "proto": text(r"[a-z0-9][a-z0-9+._-]*", "the name of a protocol"),
        "domains": list_of(shape({"domain": _domain}, {"path": text()})),
    },
    closed=True,
)
CREDENTIALS = shape(
    {
        "permissions": list_of(one_of(["pull", "push", "list", "library_push"])),
        "expiration_minutes": number(1, 60 * 24 * 365),
    }
)
MODIFY_ACCOUNT = shape(
    optional={
        "defaults": shape(
            optional={
                "vcpus": number(0.0625),
                "memory_mib": number(1),
                "memory": _size,
                "disk_mb": number(1),
            },
            closed=True,
        )
    },
    closed=True,
)
PREPARE_IMAGE = shape({"image": text()}, closed=True)
