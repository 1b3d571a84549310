"""The JSON Schemas of the files that storage writes, made from the very types that read and write them."""

from __future__ import annotations

from typing import Any

import msgspec

from reconciler.model.plan import Plan
from reconciler.storage.codec import STATE_FORMAT, state_document

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_STAMPS = {
    "checksum": {"pattern": "^[0-9a-f]{64}$", "description": "SHA-256 of every byte of the file after it."},
    "format_version": {"const": STATE_FORMAT, "description": "Version of this format."},
    "written_at": {"description": "When this version was written, UTC."},
    "folded": {"description": "Id of the journal that went into this version; empty where none did."},
    "lineage": {"description": "Which history this state belongs to."},
    "serial": {"description": "How many times it changed."},
}


def plan_schema() -> dict[str, Any]:
    """The schema of a plan, saved or printed as JSON (interface 4)."""
    return _schema(Plan, "A plan of reconciler", "What will be done, in which order, resting on what.")


def state_schema() -> dict[str, Any]:
    """The schema of a state file (interface 2)."""
    schema = _schema(
        state_document(),
        "The state of reconciler",
        "Everything remembered about one environment of one project.",
    )
    for name, more in _STAMPS.items():
        schema["properties"][name] |= more
    return schema


def _schema(of: Any, title: str, description: str) -> dict[str, Any]:
    (reference,), definitions = msgspec.json.schema_components([of], ref_template="#/$defs/{name}")
    top = definitions.pop(reference["$ref"].rpartition("/")[2])
    schema = {"$schema": _DIALECT, **top, "title": title, "description": description, "$defs": definitions}
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(schema))  # defaults come as tuples
    return plain
