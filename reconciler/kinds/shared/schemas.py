"""What may stand in the keys that are about one container, as JSON Schema (interface 1.4)."""

from __future__ import annotations

from typing import Any

from reconciler.kinds.shared.durations import PATTERN
from reconciler.kinds.shared.sizes import ALIASES, TYPES

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
ANY_TEXT: Schema = {"type": "string"}
TEXTS: Schema = {"type": "array", "items": ANY_TEXT}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
DURATION: Schema = {"type": "string", "pattern": PATTERN}
PERCENTAGE: Schema = {"type": "integer", "minimum": 1, "maximum": 100}


def fields(properties: dict[str, Schema], *required: str) -> Schema:
    """An object of these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        **({"required": list(required)} if required else {}),
        "additionalProperties": False,
    }


def described(schema: Schema, text: str) -> Schema:
    """The schema, and what a value that fits it means."""
    return {**schema, "description": text}


def named(inner: Schema, item: Schema) -> Schema:
    """A map by name; the API's list of named objects is understood too."""
    return {"type": ["object", "array"], "additionalProperties": inner, "items": item}


def alternatives(*schemas: Schema) -> Schema:
    """A value that fits one of these."""
    return {"anyOf": list(schemas)}


IMAGE = alternatives(
    TEXT,
    fields(
        {
            "name": described(TEXT, "The name without tag and digest."),
            "tag": described(TEXT, "Its tag, looked up at every plan."),
            "digest": described(TEXT, "Its digest: `sha256:` and 64 hexadecimal digits."),
        },
        "name",
    ),
)
SIZE = alternatives(
    {"enum": [*TYPES, *ALIASES]},
    {
        **fields(
            {
                "vcpu": described(
                    {"type": "number", "minimum": 0.0625}, "Processors; a size of your own has 1 or more."
                ),
                "memory_mib": described(
                    {"type": "integer", "minimum": 1}, "Memory in MiB, 3072 or more for each vCPU."
                ),
                "disk_mb": described({"type": "integer", "minimum": 1}, "Disk in MB."),
            }
        ),
        "minProperties": 1,
    },
)
_PORT_NUMBER: Schema = {"type": "integer", "minimum": 1, "maximum": 65535}
SSH = fields(
    {
        "enabled": described(FLAG, "Whether it can be reached; it takes a key to log in."),
        "port": described(
            _PORT_NUMBER, "The port on which the container listens for it; the service's own is 22."
        ),
    },
    "enabled",
)
_KEY_NAME, _KEY = (
    described(TEXT, "What the key is called."),
    described(TEXT, "The key: `ssh-ed25519 AAAA...`."),
)
KEY_LIST = fields({"name": _KEY_NAME, "public_key": _KEY}, "name", "public_key")
CA_LIST = fields({"name": _KEY_NAME, "public_key": _KEY}, "public_key")
NAMED_TEXTS = named(
    ANY_TEXT,
    fields(
        {"name": described(TEXT, "Its name."), "value": described(ANY_TEXT, "Its value.")}, "name", "value"
    ),
)
_RANGE = fields(
    {
        "start": described({"type": "integer"}, "The first port of a range."),
        "end": described({"type": "integer"}, "The last port of the range, inclusive."),
    },
    "start",
    "end",
)
_PORT_FIELDS: dict[str, Schema] = {
    "port": described(_PORT_NUMBER, "The number, where it is fixed."),
    "assign_port": described(
        {"type": "array", "items": _RANGE}, "Ranges to choose from, in the place of `port`."
    ),
}
_PORT_NAME: Schema = {"type": "string", "pattern": "^(?!.*--)[A-Za-z0-9_-]{1,15}$"}
PORTS = {
    **named(
        fields(_PORT_FIELDS),
        fields(
            {"name": described(_PORT_NAME, "What checks and the container call it."), **_PORT_FIELDS}, "name"
        ),
    ),
    "propertyNames": _PORT_NAME,
}
_HTTP = fields(
    {
        "method": described(
            {"enum": ["GET", "POST", "PATCH", "PUT", "OPTIONS", "DELETE", "HEAD"]}, "How it is asked."
        ),
        "body": described(ANY_TEXT, "What is sent; needed for POST, PATCH and PUT."),
        "path": described(ANY_TEXT, "What is asked for."),
        "headers": described({"type": "object"}, "Headers by name."),
    }
)
_CHECK_FIELDS: dict[str, Schema] = {
    "type": described({"enum": ["http", "tcp"]}, "`tcp` connects; `http` wants an answer of 200 to 299."),
    "tls": described(FLAG, "Whether it speaks TLS."),
    "port": described(TEXT, "The port that is asked, by its name under `ports`."),
    "http": _HTTP,
    "interval": described(DURATION, "How long between two checks, such as `30s`."),
    "timeout": described(DURATION, "How long an answer may take."),
    "attempts_before_failure": described(
        {"type": "integer", "minimum": 1}, "How many have to fail in a row."
    ),
    "kind": described({"enum": ["health", "ready"]}, "Whether it runs well, or is ready for requests."),
    "grace_period": described(DURATION, "How long after a start failures do not count."),
}
_CHECK_NEEDS = ("type", "port", "interval", "timeout", "kind")
CHECKS = named(
    fields(_CHECK_FIELDS, *_CHECK_NEEDS),
    fields({"name": described(TEXT, "What it is called."), **_CHECK_FIELDS}, *_CHECK_NEEDS),
)
NETWORK = fields(
    {
        "mode": described(
            {"enum": ["public", "public-by-port", "private"]},
            "Reachable, reachable at its `ports` only, or only able to reach others.",
        ),
        "assign_ipv4": described(
            {"enum": ["none", "predefined", "account"]},
            "Whether it has an IPv4 address, and whose; with `public`.",
        ),
        "assign_ipv6": described(
            {"enum": ["none", "predefined", "account"]},
            "Whose IPv6 address it has; with `public` it always has one.",
        ),
    }
)
DNS = fields(
    {
        "servers": described({**TEXTS, "maxItems": 3}, "Addresses of name servers."),
        "searches": described({**TEXTS, "maxItems": 6}, "Domains in which short names are looked for."),
    }
)
PROVISIONER = fields(
    {"type": described({"enum": ["none", "cloudinit"]}, "By nobody, or by cloud-init.")}, "type"
)
