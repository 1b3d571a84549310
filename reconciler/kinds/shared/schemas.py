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


def named(inner: Schema, item: Schema) -> Schema:
    """A map by name; the API's list of named objects is understood too."""
    return {"type": ["object", "array"], "additionalProperties": inner, "items": item}


def alternatives(*schemas: Schema) -> Schema:
    """A value that fits one of these."""
    return {"anyOf": list(schemas)}


IMAGE = alternatives(TEXT, fields({"name": TEXT, "tag": TEXT, "digest": TEXT}, "name"))
SIZE = alternatives(
    {"enum": [*TYPES, *ALIASES]},
    {
        **fields(
            {
                "vcpu": {"type": "number", "minimum": 0.0625},
                "memory_mib": {"type": "integer", "minimum": 1},
                "disk_mb": {"type": "integer", "minimum": 1},
            }
        ),
        "minProperties": 1,
    },
)
SSH = fields({"enabled": FLAG, "port": {"type": "integer", "minimum": 1, "maximum": 65535}}, "enabled")
KEY_LIST = fields({"name": TEXT, "public_key": TEXT}, "name", "public_key")
CA_LIST = fields({"name": TEXT, "public_key": TEXT}, "public_key")
NAMED_TEXTS = named(ANY_TEXT, fields({"name": TEXT, "value": ANY_TEXT}, "name", "value"))
_RANGE = fields({"start": {"type": "integer"}, "end": {"type": "integer"}}, "start", "end")
_PORT_FIELDS: dict[str, Schema] = {
    "port": {"type": "integer", "minimum": 1, "maximum": 65535},
    "assign_port": {"type": "array", "items": _RANGE},
}
_PORT_NAME: Schema = {"type": "string", "pattern": "^(?!.*--)[A-Za-z0-9_-]{1,15}$"}
PORTS = {
    **named(fields(_PORT_FIELDS), fields({"name": _PORT_NAME, **_PORT_FIELDS}, "name")),
    "propertyNames": _PORT_NAME,
}
_HTTP = fields(
    {
        "method": {"enum": ["GET", "POST", "PATCH", "PUT", "OPTIONS", "DELETE", "HEAD"]},
        "body": ANY_TEXT,
        "path": ANY_TEXT,
        "headers": {"type": "object"},
    }
)
_CHECK_FIELDS: dict[str, Schema] = {
    "type": {"enum": ["http", "tcp"]},
    "tls": FLAG,
    "port": TEXT,
    "http": _HTTP,
    "interval": DURATION,
    "timeout": DURATION,
    "attempts_before_failure": {"type": "integer", "minimum": 1},
    "kind": {"enum": ["health", "ready"]},
    "grace_period": DURATION,
}
_CHECK_NEEDS = ("type", "port", "interval", "timeout", "kind")
CHECKS = named(fields(_CHECK_FIELDS, *_CHECK_NEEDS), fields({"name": TEXT, **_CHECK_FIELDS}, *_CHECK_NEEDS))
NETWORK = fields(
    {
        "mode": {"enum": ["public", "public-by-port", "private"]},
        "assign_ipv4": {"enum": ["none", "predefined", "account"]},
        "assign_ipv6": {"enum": ["none", "predefined", "account"]},
    }
)
DNS = fields({"servers": {**TEXTS, "maxItems": 3}, "searches": {**TEXTS, "maxItems": 6}})
