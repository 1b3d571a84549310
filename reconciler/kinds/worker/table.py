"""The table of the kind `worker`: one row per key of its block, and what references to one may name (interface 1.6)."""

from __future__ import annotations

from typing import Any

from reconciler.kinds.shared.schemas import ANY_TEXT, FLAG, TEXT, Schema, described, fields
from reconciler.model.change import Effect
from reconciler.model.kind import SCRIPTS_WRITE, Attribute, Kind, Output, Removal, Slot, Uniqueness

TEXTS: Schema = {"type": "array", "items": TEXT}
SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}

PRESENT, DELETED = "present", "deleted"
"""What a class is to be."""


_BINDING: Schema = {
    "type": ["string", "object"],
    "properties": {
        "type": described(
            TEXT, "What Cloudflare's own object is, such as `kv_namespace`; the other keys are its."
        )
    },
    "required": ["type"],
    "additionalProperties": True,
}
_CLASS = {
    **fields(
        {
            "renamed_from": described(TEXT, "What it was called; its storage and containers stay."),
            "deleted": described({"const": True}, "Deletes it with its data; it has to be allowed."),
        }
    ),
    "minProperties": 1,
    "maxProperties": 1,
}
_KEPT = {
    "persist": described(FLAG, "Whether Cloudflare keeps them."),
    "destinations": described(TEXTS, "Where else they are sent, by name."),
}
_SAMPLED = described(SHARE, "The share of requests that is recorded, from 0 to 1.")
_LOGS = {
    "enabled": described(FLAG, "Whether there are logs."),
    "head_sampling_rate": _SAMPLED,
    "invocation_logs": described(FLAG, "Whether each request makes an entry by itself."),
    **_KEPT,
}
_TRACES = {"enabled": described(FLAG, "Whether there are traces."), "head_sampling_rate": _SAMPLED, **_KEPT}
_OBSERVABILITY = fields(
    {
        "enabled": described(FLAG, "Whether there are logs."),
        "head_sampling_rate": _SAMPLED,
        "logs": fields(_LOGS),
        "traces": fields(_TRACES),
    }
)
_LIMITS = fields(
    {
        "cpu_ms": described({"type": "integer", "minimum": 1}, "Milliseconds of CPU."),
        "subrequests": described({"type": "integer", "minimum": 1}, "Requests that it may make itself."),
    }
)
_PLACEMENT: Schema = {"type": "object", "additionalProperties": True}
_TAIL: Schema = {
    "type": "array",
    "items": {
        "anyOf": [
            TEXT,
            fields(
                {
                    "service": described(TEXT, "The worker that gets them."),
                    "environment": described(TEXT, "An environment of it, in wrangler's sense."),
                },
                "service",
            ),
        ]
    },
}
_ROUTE = fields(
    {
        "pattern": described(TEXT, "`shop.example/*`, or a host where it is a custom domain."),
        "zone_id": described(TEXT, "The zone that it is in."),
        "zone_name": described(TEXT, "The zone that it is in, by its name."),
        "custom_domain": described(FLAG, "Whether the whole host is the worker's."),
    },
    "pattern",
)
_ROUTES: Schema = {"type": "array", "items": {"anyOf": [TEXT, _ROUTE]}}


def _uploaded(path: str, schema: Schema, description: str, **options: Any) -> Attribute:
    """A row that travels with the upload; a new version is live at once and restarts no container."""
    return Attribute(path, schema, description, effect=Effect.HOT, **options)


def _sent_once(path: str, schema: Schema, description: str, **options: Any) -> Attribute:
    """A row that the service does not give back."""
    return _uploaded(path, schema, description, write_only=True, **options)


def _lent(path: str, description: str, **options: Any) -> Attribute:
    """A row that other resources or the looking fill."""
    return _uploaded(path, {"type": "object"}, description, computed=True, **options)


ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute(
        "name",
        TEXT,
        "The script's name in the account.",
        effect=Effect.DOWNTIME,
        replaces=True,
        removal=Removal.REPLACE,
        computed=True,
    ),
    _sent_once("main", TEXT, "The main module, an ES module; its path is relative to the manifest."),
    _sent_once(
        "modules", TEXTS, "Globs of the other modules; by default what `main` imports by relative path."
    ),
    _uploaded(
        "compatibility_date",
        {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
        "Which behaviour of the runtime it relies on.",
    ),
    _uploaded("compatibility_flags", TEXTS, "Behaviour of the runtime switched on or off."),
    _uploaded("vars", {"type": "object"}, "Plain values by name: text, or JSON.", by_name=True),
    _sent_once(
        "secrets",
        {"type": "object", "additionalProperties": ANY_TEXT},
        "Script secrets by name: `${secrets.<key>}`, or a text with one inside.",
        secret=True,
        secret_template=True,
    ),
    _uploaded(
        "bindings",
        {"type": "object", "additionalProperties": _BINDING},
        "What it can reach, by name: `${applications.<key>}`, `${workers.<key>}`, or Cloudflare's own object.",
    ),
    _uploaded(
        "classes",
        {"type": "object", "additionalProperties": _CLASS},
        "What becomes of a Durable Object class: `renamed_from` another, or `deleted` with its data.",
        removal=Removal.LEAVE,
    ),
    _uploaded(
        "observability",
        _OBSERVABILITY,
        "Logs and traces of the worker, and of its containers unless they say otherwise.",
        default={"enabled": False},
        removal=Removal.RESET,
    ),
    _uploaded("limits", _LIMITS, "CPU time and subrequests of one request."),
    _uploaded("placement", _PLACEMENT, "Where it runs: `{mode: smart}`."),
    _uploaded("logpush", FLAG, "Whether its logs are pushed.", default=False, removal=Removal.RESET),
    _uploaded("tail_consumers", _TAIL, "Workers that get its logs.", default=[], removal=Removal.RESET),
    _uploaded("tags", TEXTS, "Tags of the script.", default=[], removal=Removal.RESET),
    _uploaded(
        "workers_dev",
        FLAG,
        "Whether it answers under workers.dev; at creation true without routes, later left alone unless set.",
        removal=Removal.KEEP,
    ),
    _uploaded(
        "preview_urls", FLAG, "Whether its versions have addresses of their own.", removal=Removal.KEEP
    ),
    _sent_once("routes", _ROUTES, "Patterns of addresses that lead to it.", by_name=True),
    _uploaded(
        "triggers",
        fields({"crons": described(TEXTS, "When, in the form of cron, such as `0 3 * * *`.")}),
        "When it runs by itself.",
        removal=Removal.RESET,
        default={"crons": []},
    ),
    _lent("containers", "Classes that containers run behind, by class.", write_only=True),
    Attribute(
        "container_classes",
        TEXTS,
        "The classes that are switched on for containers.",
        effect=Effect.HOT,
        computed=True,
        write_only=True,
    ),
    _lent("foretold_vars", "Variables that count an application's rollouts.", shown="vars"),
    _lent(
        "prepare_timeouts",
        "How long preparing an image may take, by class.",
        write_only=True,
        rides_along=True,
    ),
    _lent("needs", "What its bindings lead to.", write_only=True, rides_along=True),
)

KIND = Kind(
    name="worker",
    section="workers",
    description="The script that owns the Durable Object classes behind which containers run.",
    attributes=ATTRIBUTES,
    outputs=(
        Output("name", "The script's name.", textual=True),
        Output("version_id", "The version that is live.", stable=False),
        Output("url", "Its address under workers.dev; empty if it has none.", stable=False),
        Output("namespaces", "Ids of its Durable Object namespaces, by class.", stable=False),
    ),
    slots=(
        Slot("containers", many=True),
        Slot("foretold_vars", many=True),
        Slot("prepare_timeouts", many=True),
    ),
    uniqueness=Uniqueness.LABELLED,
    name_pattern=r"[A-Za-z0-9_][A-Za-z0-9_-]{0,62}",
    expected_seconds={"create": 3.0, "update": 3.0, "delete": 1.0},
    permissions=(SCRIPTS_WRITE,),
)
