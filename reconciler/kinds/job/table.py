"""The table of the kind `job`: one row per key of its block, and what references to one may name (interface 1.7)."""

from __future__ import annotations

from typing import Any

from reconciler.kinds.shared.schemas import (
    ANY_TEXT,
    DURATION,
    IMAGE,
    NAMED_TEXTS,
    TEXT,
    TEXTS,
    alternatives,
    described,
    fields,
)
from reconciler.kinds.shared.sizes import ALIASES, TYPES
from reconciler.model.change import Effect
from reconciler.model.kind import Attribute, Kind, Output, Uniqueness

_SIZE = alternatives(
    {"enum": [*TYPES, *ALIASES]},
    {
        **fields(
            {
                "vcpu": described({"type": "number", "minimum": 0.0625}, "Processors."),
                "memory_mib": described({"type": "integer", "minimum": 1}, "Memory in MiB."),
            }
        ),
        "minProperties": 1,
    },
)
_TIMEOUT = alternatives({"type": "number", "minimum": 1}, DURATION)


def _input(path: str, schema: dict[str, Any], description: str, **options: Any) -> Attribute:
    """A row that the run is given: another value is another run. A run's inputs cannot be read back as they were sent."""
    return Attribute(path, schema, description, effect=Effect.NONE, write_only=True, **options)


KIND = Kind(
    name="job",
    section="jobs",
    looks=0,
    description="A run to completion; what depends on it starts once it has ended with 0.",
    attributes=(
        _input("application", TEXT, "The application it runs in, one with `jobs: true`.", bare="id"),
        _input("image", IMAGE, "What it runs; by default the application's image.", bare="ref"),
        _input("entrypoint", TEXTS, "What is started, in place of the image's."),
        _input("command", TEXTS, "Arguments, in place of the image's."),
        _input("timeout", _TIMEOUT, "How long it may take: seconds, or a duration such as `10m`."),
        _input("instance_type", _SIZE, "A named size, or vCPU and memory; by default the application's."),
        _input(
            "environment_variables",
            NAMED_TEXTS,
            "Variables by name, over the application's. A list of name and value is understood too.",
        ),
        _input(
            "secrets",
            {"type": "object", "additionalProperties": ANY_TEXT},
            "Variables by name that hold `${secrets.<key>}`, or a text with one inside.",
            secret=True,
            secret_template=True,
        ),
        Attribute(
            "run",
            {"enum": ["on_change", "always", "once"], "default": "on_change"},
            "When it runs: with other inputs than the last good run, with every apply, or until it has ended with 0.",
            effect=Effect.NONE,
            write_only=True,
            rides_along=True,
        ),
        Attribute(
            "on_lost",
            {"enum": ["rerun", "stop"], "default": "rerun"},
            "What happens when nobody can say whether a run was started.",
            effect=Effect.NONE,
            write_only=True,
            rides_along=True,
        ),
    ),
    outputs=(
        Output("id", "Id of the last run.", stable=False),
        Output("status", "How the service calls its standing.", stable=False),
        Output("exit_code", "What the last run ended with.", stable=False),
    ),
    uniqueness=Uniqueness.UNKNOWABLE,
    runs=True,
    deletable=False,
    named=False,
    exclusive=(),
    expected_seconds={"run": 30.0},
)
