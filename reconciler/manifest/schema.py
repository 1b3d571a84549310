"""Assembles the JSON Schema of a manifest from the kinds' tables and the language's own keys.

What a user may write is wider than what a kind's row says: wherever a value may stand, so may `${...}` and `null`, and a text
field takes numbers and booleans as they are spelled. Checking is done in `check.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.manifest.options import OPTIONS
from reconciler.manifest.state_settings import KEYS as STATE_KEYS
from reconciler.manifest.variables import TYPES
from reconciler.model.kind import Kind

Schema = Mapping[str, Any]

KEY = "^[a-z0-9][a-z0-9_-]*$"
PROJECT = "^[a-z0-9][a-z0-9-]*$"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE = r"\$\{"
_CHILDREN = ("properties", "patternProperties")
_BRANCHES = ("anyOf", "oneOf", "allOf")
_PLAIN_TEXT = frozenset({"type", "description", "title", "default", "examples"})
_DEMANDS = frozenset({"required", "minProperties", "dependentRequired"})


def resource_schema(kind: Kind) -> dict[str, Any]:
    """What stands under a resource's key, by the kind's rows (nested by their dotted paths) and the common options."""
    root: dict[str, Any] = {"type": "object", "properties": {}}
    if kind.description:
        root["description"] = kind.description
    rows = [row for row in kind.attributes if not row.computed]
    for row in sorted(rows, key=lambda row: row.path.count(".")):
        *above, last = row.path.split(".")
        holder = root
        for part in above:
            holder = holder["properties"].setdefault(part, {"type": "object", "properties": {}})
            holder.setdefault("properties", {})
        described = {"description": row.description} if row.description else {}
        default = {"default": row.default} if row.default is not None else {}
        holder["properties"][last] = {**row.schema, **described, **default}
        if "properties" in row.schema:
            holder["properties"][last]["properties"] = dict(row.schema["properties"])
    root["properties"] |= {name: dict(option) for name, option in OPTIONS.items()}
    closed: dict[str, Any] = _closed(root)
    return closed


def _closed(schema: Any) -> Any:
    """The schema in which maps with named keys take no others, unless they say so."""
    if isinstance(schema, list | tuple):
        return [_closed(inner) for inner in schema]
    if not isinstance(schema, Mapping):
        return schema
    closed: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in _CHILDREN:
            closed[keyword] = {key: _closed(inner) for key, inner in value.items()}
        elif keyword in ("enum", "const", "default", "examples", "required"):
            closed[keyword] = value
        else:
            closed[keyword] = _closed(value)
    if closed.get("properties") and "patternProperties" not in closed:
        closed.setdefault("additionalProperties", False)
    return closed


def written(schema: Any, *, nullable: bool = True) -> Any:
    """The schema of what may be written where the value is to satisfy `schema`."""
    if not isinstance(schema, Mapping) or not schema:
        return schema
    core = _written_core(schema)
    if schema.get("type") == "string" and schema.keys() <= _PLAIN_TEXT:
        return {**core, "type": [*core["type"], "null"]} if nullable else core
    types = ["string", "null"] if nullable else ["string"]
    notes = {key: core.pop(key) for key in ("description", "title", "default", "examples") if key in core}
    return {**notes, "if": {"type": types, "pattern": _REFERENCE}, "then": True, "else": core}


def _written_core(schema: Mapping[str, Any]) -> dict[str, Any]:
    core = dict(schema)
    if core.get("type") == "string" and "enum" not in core:
        core["type"] = ["string", "number", "boolean"]
    for keyword in _CHILDREN:
        if keyword in core:
            core[keyword] = {key: written(inner) for key, inner in core[keyword].items()}
    if "additionalProperties" in core:
        core["additionalProperties"] = written(core["additionalProperties"])
    if "items" in core:
        core["items"] = written(core["items"], nullable=False)
    for keyword in _BRANCHES:
        if keyword in core:
            core[keyword] = [
                _written_core(branch) if isinstance(branch, Mapping) else branch for branch in core[keyword]
            ]
    return core


def loosened(schema: Any) -> Any:
    """The schema of a part: an overlay need not say everything."""
    if isinstance(schema, list | tuple):
        return [loosened(inner) for inner in schema]
    if not isinstance(schema, Mapping):
        return schema
    loose: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in _CHILDREN:
            loose[keyword] = {key: loosened(inner) for key, inner in value.items()}
        elif keyword == "oneOf":
            loose["anyOf"] = loosened(value)
        elif keyword in ("enum", "const", "default", "examples"):
            loose[keyword] = value
        elif keyword not in _DEMANDS:
            loose[keyword] = loosened(value)
    return loose


def manifest_schema(kinds: Iterable[Kind], *, partial: bool = False, keyed: bool = False) -> dict[str, Any]:
    """The schema of a whole manifest; `partial`: the base may leave to its environments what it lacks.

    `keyed`: as it is read, where sections without keys have been given one.
    """
    kinds = list(kinds)
    definitions: dict[str, Any] = {}
    for kind in kinds:
        whole = definition_of(kind)
        definitions[part_of(kind)] = loosened(whole)
        definitions[kind.name] = definitions[part_of(kind)] if partial else whole
    place = _section if keyed else _written_section
    sections = {kind.section: place(kind, kind.name) for kind in kinds}
    parts = {kind.section: place(kind, part_of(kind)) for kind in kinds}
    defaults = _map_of({kind.section: {"$ref": f"#/$defs/{part_of(kind)}"} for kind in kinds})
    properties = {**_language(), **_shared(defaults), **sections}
    properties["environments"] = _environments({**_shared(defaults), **_of_environment(), **parts})
    return {
        "$schema": _DIALECT,
        "title": "Reconciler manifest (containers.yaml)",
        "type": "object",
        "properties": properties,
        "patternProperties": {"^x-": True},
        "required": ["version", "project"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def definition_of(kind: Kind) -> dict[str, Any]:
    """The schema of what may be written for a resource of a kind."""
    return _nullable(_written_core(resource_schema(kind)))


def part_of(kind: Kind) -> str:
    """The name of the schema of a part of a resource, as an environment or `defaults` has it."""
    return f"{kind.name}_part"


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "type": ["object", "null"]}


def _written_section(kind: Kind, definition: str) -> dict[str, Any]:
    if kind.singleton:
        return {"description": kind.description, "$ref": f"#/$defs/{definition}"}
    return _section(kind, definition)


def _section(kind: Kind, definition: str) -> dict[str, Any]:
    return {
        "description": kind.description,
        "type": ["object", "null"],
        "propertyNames": {"pattern": KEY},
        "additionalProperties": {"$ref": f"#/$defs/{definition}"},
    }


def _map_of(properties: Mapping[str, Any], description: str = "", **more: Any) -> dict[str, Any]:
    noted = {"description": description} if description else {}
    closed = {"additionalProperties": False} if properties else {}
    return {**noted, "type": ["object", "null"], "properties": dict(properties), **closed, **more}


def _text(description: str, **more: Any) -> Any:
    return written({"type": "string", "description": description, **more})


def _language() -> dict[str, Any]:
    """The keys that only the base has."""
    address = {"type": "string", "description": 'An address: `application.api`, `application.w["eu"]`.'}
    return {
        "version": {"const": 1, "description": "Version of this format."},
        "project": {
            "type": ["string", "number"],
            "pattern": PROJECT,
            "maxLength": 63,
            "description": "Lower-case letters, digits and dashes; names the state and, by default, the things made.",
        },
        "variables": {
            "description": "Values that --var or an environment may set; used as ${var.NAME}.",
            "type": ["object", "null"],
            "propertyNames": {"pattern": "^[A-Za-z0-9_-]+$"},
            "additionalProperties": _map_of(
                {"type": {"enum": [*TYPES]}, "default": True, "description": {"type": "string"}}
            ),
        },
        "moved": _list_of(
            {"from": address, "to": address}, "What was known under one address is now known under another."
        ),
        "imports": _list_of({"to": address, "id": _text("")}, "Existing objects to take over, by their ids."),
        "check": _map_of(
            {
                "profile": _text("Rules that count as errors, such as adr-049."),
                "ignore": {"type": "array", "items": {"type": "string"}},
            },
            "What `reconciler check` looks for.",
        ),
        "dev": _map_of(
            {
                "remote": written(
                    {
                        "type": "boolean",
                        "description": "Whether `images build --dev` pushes the images, too.",
                        "default": False,
                    }
                )
            },
            "How images are built while developing.",
        ),
    }


def _list_of(properties: Mapping[str, Any], description: str) -> dict[str, Any]:
    member = {**_map_of(properties), "type": "object", "required": [*properties]}
    return {"description": description, "type": ["array", "null"], "items": member}


def _shared(defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that the base has and an environment may set otherwise."""
    source = {"type": "string", "description": "Where the key comes from."}
    command = {"type": "array", "items": {"type": "string"}}
    key = {
        "type": "object",
        "properties": {"env": source, "file": source, "command": command, "onepassword": source},
        "additionalProperties": False,
    }
    return {
        "account_id": _text("Cloudflare account; by default ${env.CLOUDFLARE_ACCOUNT_ID}."),
        "naming": _text("Template of remote names: {project}, {environment}, {key}, {each}."),
        "state": {
            "description": "Where the state is kept; by default beside the manifest.",
            "type": ["object", "null"],
            "properties": {
                "backend": written({"type": "string", "enum": [*STATE_KEYS]}),
                **{key: _text(text) for keys in STATE_KEYS.values() for key, text in keys.items()},
                "fingerprint_key": written(key),
                "encryption": written(_encryption(key)),
            },
            "additionalProperties": False,
        },
        "outputs": {"description": "Values to publish.", "type": ["object", "null"]},
        "defaults": {
            **defaults,
            "description": "What resources of a section get if they do not say otherwise.",
        },
    }


def _encryption(key: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": "Encrypts the state, its versions and its journal.",
        "type": "object",
        "properties": {
            "key": {**key, "description": "Where the key is: 32 bytes, as hex digits or base64."},
            "old_keys": {
                "description": "Keys that are only read with, until `state rekey` has run.",
                "type": "array",
                "items": key,
            },
        },
        "additionalProperties": False,
    }


def _of_environment() -> dict[str, Any]:
    return {
        "protect": written({"type": "boolean", "description": "Protects every resource of the environment."}),
        "variables": {"description": "Values of variables.", "type": ["object", "null"]},
    }


def _environments(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "description": "What differs between environments; with it, commands that read or write a state need -e NAME.",
        "type": ["object", "null"],
        "propertyNames": {"pattern": KEY, "not": {"const": "default"}},
        "additionalProperties": _map_of(properties),
    }
