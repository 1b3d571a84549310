"""Schemas and effects in the words of a table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reconciler.kinds.shared.durations import PATTERN
from tests.kinds.fields.said import Said

Schema = Mapping[str, Any]

EFFECTS = {
    "nothing": "no change by itself",
    "update none": "`none`",
    "update hot": "`hot`",
    "update rollout": "`rollout`",
    "update downtime": "`downtime`",
    "replace hot": "immutable: `replace`",
    "replace downtime": "immutable: `replace`, `downtime`",
    "run none": "another `run`",
}
_PATTERNS = {
    PATTERN: "duration, such as `30s` or `10m`",
    "^op://": "text that begins with `op://`",
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}$": "date, such as `2026-10-01`",
    "^sha256:[0-9a-f]{64}$": "digest",
}
_NOUNS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true` or `false`"}
_SPELLED = ("number", "boolean")  # beside a text, they are taken as they are spelled
_MANY = {"text": "texts", "whole number": "whole numbers", "text or map": "texts or maps"}


def type_of(schema: Schema) -> str:
    """What may stand there."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(type_of(one) for one in schema["anyOf"]))
    if "const" in schema:
        return value_of(schema["const"])
    if "enum" in schema:
        *others, last = map(value_of, schema["enum"])
        return f"{', '.join(others)} or {last}" if others else last
    if schema.get("type") == "array":
        return f"list of {types_of(schema.get('items', {}))}"
    if isinstance(schema.get("type"), list):
        return " or ".join(_NOUNS.get(one, "map") for one in schema["type"] if one not in _SPELLED)
    return _noun(schema) + _bounds(schema)


def types_of(schema: Schema) -> str:
    """What several of them are."""
    noun = type_of(schema) if "type" not in schema or isinstance(schema["type"], list) else _noun(schema)
    return _MANY.get(noun, noun) + _bounds(schema)


def _noun(schema: Schema) -> str:
    return _PATTERNS.get(schema.get("pattern", ""), _NOUNS.get(schema.get("type", ""), "anything"))


def _bounds(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if schema.get("exclusiveMinimum") is not None:
        return f" above {schema['exclusiveMinimum']}"
    if low is not None and high is not None:
        return f", {low} to {high}"
    return f" from {low} on" if low is not None else ""


def value_of(value: Any) -> str:
    """A value as one would write it in a manifest."""
    return f"`{_plain(value)}`"


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_plain(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_plain, value)) + "]"
    return value if isinstance(value, str) else json.dumps(value)


def removal_of(said: Said, otherwise: str) -> str:
    """What becomes of it when the manifest does not say it any more; `otherwise` is what it then goes back to."""
    if said.removed == "refused":
        return ""
    if said.removed == "kept":
        return "stays as it was, which the plan says once"
    if said.removed == "nothing":
        return "stays as it was" if said.changed != "nothing" else ""
    assert said.removed == said.changed, "say what leaving it out does where it is not what a change does"
    return f"goes back to {otherwise}" if otherwise else "goes"
