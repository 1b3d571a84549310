"""The table of the kind `application`: one row per key of its block, and what references to one may name (interface 1.4)."""

from __future__ import annotations

from typing import Any

from reconciler.kinds.application.forms import DEFAULT_TIERS, NO_LOGS
from reconciler.kinds.shared.schemas import (
    CA_LIST,
    CHECKS,
    COUNT,
    DNS,
    DURATION,
    FLAG,
    IMAGE,
    KEY_LIST,
    NAMED_TEXTS,
    NETWORK,
    PERCENTAGE,
    PORTS,
    PROVISIONER,
    SIZE,
    SSH,
    TEXT,
    TEXTS,
    Schema,
    alternatives,
    described,
    fields,
    named,
)
from reconciler.model.change import Effect
from reconciler.model.kind import Attribute, Kind, Output, Removal, Slot, Uniqueness

_TIERS: Schema = {"type": "array", "items": {"type": "integer"}, "default": list(DEFAULT_TIERS)}
_CONSTRAINTS = fields(
    {
        "regions": described(TEXTS, "Regions, such as `WEUR`; AFR, ME and OC not by themselves."),
        "jurisdiction": described(
            {"type": "string", "pattern": "^(?:[eE][uU]|[uU][sS]|[fF][eE][dD][rR][aA][mM][pP])$"},
            "`eu`, `us` or `fedramp`.",
        ),
        "cities": described(TEXTS, "Cities, by the code of an airport."),
        "pops": described(TEXTS, "Single locations; the account has to be entitled to that."),
        "tiers": _TIERS,
        "tier": described({"type": "integer"}, "One tier: the old form of `tiers`."),
    }
)
_OBSERVABILITY = fields(
    {
        "enabled": described(FLAG, "Whether logs are kept."),
        "logs": fields({"enabled": described(FLAG, "The same; it goes before `enabled`.")}),
        "target_instance_percentage": described(
            {"type": "integer", "minimum": 1, "maximum": 99}, "Of so many percent of the instances only."
        ),
        "target_instance_count": described({"type": "integer", "minimum": 1}, "Of so many instances only."),
    }
)
_AFFINITIES = fields(
    {
        "colocation": described({"enum": ["datacenter"]}, "Instances near each other."),
        "hardware_generation": described({"enum": ["highest-overall-performance"]}, "The fastest machines."),
    }
)
_ROLLOUT = fields(
    {
        "wait": described({**FLAG, "default": True}, "Whether apply waits for its end."),
        "timeout": described(
            {**DURATION, "default": "60m"},
            "How long without any progress, until apply leaves it to the next run.",
        ),
        "on_failure": described(
            {"enum": ["continue", "revert", "pause"], "default": "continue"},
            "What happens when instances fail; `pause` with `full_manual` only.",
        ),
        "gate": fields(
            {
                "max_failed": described(
                    {**COUNT, "default": 0}, "How many instances of the new version may fail."
                ),
                "for": described(
                    {**DURATION, "default": "60s"},
                    "For how long a step has to be good before the next, with `full_manual`.",
                ),
            }
        ),
    }
)
_STEPS = alternatives({"enum": [5, 10, 20, 25, 50, 100]}, {"type": "array", "items": PERCENTAGE})
_GENERATION = alternatives(
    TEXT,
    fields(
        {
            "name": described(TEXT, "The variable's name."),
            "vars": described(FLAG, "Whether the worker gets it among its `vars`, too."),
        },
        "name",
    ),
)
_POLICIES = ["default", "moon", "gpu", "regional", "fill_metals", "durable_object"]


def _hot(path: str, schema: Schema, description: str, **options: Any) -> Attribute:
    """A row whose change restarts nothing."""
    return Attribute(path, schema, description, effect=Effect.HOT, **options)


def _inside(path: str, schema: Schema, description: str, **options: Any) -> Attribute:
    """A row of the configuration: running instances take it up by a rollout."""
    return Attribute(path, schema, description, effect=Effect.ROLLOUT, **options)


def _fixed(path: str, schema: Schema, description: str, **options: Any) -> Attribute:
    """A row that only a new application can have otherwise (reference 2.1.9)."""
    options = {"removal": Removal.REPLACE, **options}
    return Attribute(path, schema, description, effect=Effect.DOWNTIME, replaces=True, **options)


def _manner(path: str, schema: Schema, description: str, **options: Any) -> Attribute:
    """A row that says how to go about it; by itself it is no change."""
    return Attribute(path, schema, description, effect=Effect.NONE, **options)


ATTRIBUTES: tuple[Attribute, ...] = (
    _fixed("name", TEXT, "The application's name in the account.", computed=True),
    _fixed("namespace", TEXT, "Id of the Durable Object namespace it runs behind.", computed=True),
    _fixed(
        "class_name",
        TEXT,
        "The Durable Object class that starts its instances; without one it runs by itself.",
    ),
    _fixed("worker", TEXT, "The worker that owns the class; needed where several bind it."),
    _fixed("scheduling_policy", {"enum": _POLICIES}, "Who places the instances.", default="default"),
    _fixed("jobs", FLAG, "Runs jobs instead of lasting instances; only at creation."),
    _inside(
        "image", IMAGE, "The image to run: `${images.<key>}`, or a name by the rules for images.", bare="ref"
    ),
    _manner(
        "image_disk_mb",
        COUNT,
        "MB of disk that the image needs.",
        computed=True,
        write_only=True,
        rides_along=True,
    ),
    _inside(
        "instance_type",
        SIZE,
        "A named size, or vCPU, memory and disk; missing numbers come from `lite`.",
        default="lite",
        removal=Removal.RESET,
    ),
    _hot(
        "max_instances",
        COUNT,
        "How many instances may run at most. Lowering it stops instances.",
        default=20,
        removal=Removal.RESET,
    ),
    _hot("instances", COUNT, "How many instances run, of an application without a class (default 1)."),
    _hot("constraints", _CONSTRAINTS, "Where instances may run."),
    _hot(
        "constraints.tiers",
        _TIERS,
        "Tiers of locations; an empty list, or `tier: -1`, means every one.",
        default=list(DEFAULT_TIERS),
        removal=Removal.RESET,
    ),
    _hot("affinities", _AFFINITIES, "Experimental wishes about hardware.", removal=Removal.KEEP),
    _hot(
        "priorities",
        fields(
            {"default": described({"type": "number"}, "Who goes first when there is little room.")}, "default"
        ),
        "Experimental; for the policy `gpu` only.",
        removal=Removal.KEEP,
    ),
    _hot("ssh", SSH, "SSH through wrangler."),
    _hot(
        "authorized_keys",
        named(TEXT, KEY_LIST),
        "Ed25519 keys that may log in, by name. A list is understood too.",
    ),
    _inside(
        "trusted_user_ca_keys", named(TEXT, CA_LIST), "Ed25519 keys of authorities whose users may log in."
    ),
    _inside("ssh_public_key_ids", TEXTS, "Keys of the account: `${ssh_public_keys.<key>}`.", bare="id"),
    _hot(
        "observability",
        _OBSERVABILITY,
        "Logs of the instances; the worker's setting where it has none of its own.",
        default=NO_LOGS,
        removal=Removal.RESET,
    ),
    _inside(
        "environment_variables",
        NAMED_TEXTS,
        "Variables by name. A list of name and value is understood too.",
    ),
    _inside("labels", NAMED_TEXTS, "Labels by name. A list of name and value is understood too."),
    _inside(
        "secrets",
        {"type": "object", "additionalProperties": TEXT},
        "Variable to `${secrets.<key>}`, whose value the account keeps.",
        bare="name",
    ),
    _inside("command", TEXTS, "Arguments, in place of the image's."),
    _inside(
        "entrypoint", TEXTS, "What is started, in place of the image's; its own arguments are then dropped."
    ),
    _inside("network", NETWORK, "How instances are reached from outside."),
    _inside("ports", PORTS, "Ports by name; without a number the scheduler chooses one.", by_name=True),
    _inside("checks", CHECKS, "Health and readiness checks by name."),
    _inside("dns", DNS, "Name servers and search domains, in place of the host's."),
    _inside("provisioner", PROVISIONER, "How an instance is set up."),
    _inside("experimental_flags", TEXTS, "Features the service offers on trial."),
    _manner(
        "images",
        {"type": "object", "additionalProperties": TEXT},
        "Named images of a managed application, uploaded with its worker.",
        bare="ref",
    ),
    _manner("prepare_timeout", {**DURATION, "default": "30m"}, "How long preparing a named image may take."),
    Attribute(
        "unsafe",
        {"type": "object"},
        "Merged into what is sent to create, change and roll out, unchecked.",
        effect=Effect.ROLLOUT,
        removal=Removal.KEEP,
        write_only=True,
    ),
    _hot(
        "rollout_active_grace_period",
        {"type": "integer", "minimum": 0, "maximum": 604800},
        "Seconds for which a busy instance is spared by a rollout.",
        default=0,
        removal=Removal.RESET,
    ),
    _manner(
        "rollout_step_percentage", _STEPS, "How far each step goes, cumulative; by default 10, then 100."
    ),
    _manner(
        "rollout_kind",
        {"enum": ["full_auto", "full_manual", "none"]},
        "Who takes the next step; `none` leaves running instances as they are.",
        default="full_auto",
    ),
    _manner("rollout", _ROLLOUT, "Whether to wait, how long, and what to do when it goes wrong."),
    _manner(
        "generation_variable",
        _GENERATION,
        "A variable that counts the rollouts; with `vars: true` the worker gets it too.",
        write_only=True,
        rides_along=True,
    ),
    _manner("generation", COUNT, "The number in that variable.", computed=True, rides_along=True),
)

MANAGED_KEYS = frozenset(
    {
        "scheduling_policy",
        "class_name",
        "worker",
        "images",
        "prepare_timeout",
        "ssh",
        "authorized_keys",
        "observability",
    }
)
"""What may stand beside `scheduling_policy: durable_object`."""

KIND = Kind(
    name="application",
    section="applications",
    description="A container application: its image, its size, its scaling, where it runs and how it is rolled out.",
    attributes=ATTRIBUTES,
    outputs=(
        Output("id", "The application's id."),
        Output("name", "Its name in the account.", textual=True),
        Output("version", "Rises with every change of the configuration.", stable=False),
        Output("namespace_id", "The Durable Object namespace it runs behind."),
        Output("image", "The image it runs, pinned by digest.", stable=False),
        Output("instances", "How many instances it is told to run; 0 behind a class.", stable=False),
    ),
    slots=(Slot("namespace", chosen_by="worker", needed_by="class_name"),),
    uniqueness=Uniqueness.CONFLICT,
    exclusive=("name", "namespace"),
    one_of=(("constraints.tier", "constraints.tiers"),),
    expected_seconds={"create": 2.0, "update": 30.0, "delete": 5.0},
)
