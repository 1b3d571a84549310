"""The table of the kind `deployment`: one row per key of its block, and what references to one may name (interface 1.4)."""

from __future__ import annotations

from typing import Any

from reconciler.kinds.shared.schemas import (
    ANY_TEXT,
    CA_LIST,
    CHECKS,
    DNS,
    FLAG,
    IMAGE,
    KEY_LIST,
    NAMED_TEXTS,
    NETWORK,
    PORTS,
    PROVISIONER,
    SIZE,
    SSH,
    TEXT,
    TEXTS,
    Schema,
    described,
    fields,
    named,
)
from reconciler.kinds.shared.sizes import DEFAULT_TYPE
from reconciler.model.change import Effect
from reconciler.model.kind import Attribute, Kind, Output, Removal, Uniqueness
from reconciler.model.value import Value

NO_LOGS: dict[str, Value] = {"logs": {"enabled": False}}
_OBSERVABILITY = fields(
    {
        "enabled": described(FLAG, "Whether its logs are kept."),
        "logs": fields({"enabled": described(FLAG, "The same; it goes before `enabled`.")}),
    }
)


def _placed(path: str, schema: Schema, description: str, **options: Any) -> Attribute:
    """A row that can be changed; the container is then placed anew, which stops it (reference 2.6)."""
    return Attribute(path, schema, description, effect=Effect.DOWNTIME, **options)


def _fixed(path: str, schema: Schema, description: str, **options: Any) -> Attribute:
    """A row that only a deployment with a new id can have otherwise (reference 2.6)."""
    return _placed(path, schema, description, replaces=True, removal=Removal.REPLACE, **options)


KIND = Kind(
    name="deployment",
    section="deployments",
    description="One container that runs in one location, without a Durable Object in front of it.",
    attributes=(
        _placed("location", TEXT, "Where it runs: one of the account's locations, such as `sfo06`."),
        _placed(
            "image", IMAGE, "What it runs: `${images.<key>}`, or a name by the rules for images.", bare="ref"
        ),
        _placed(
            "instance_type",
            SIZE,
            "A named size, or vCPU, memory and disk; missing numbers come from `lite`.",
            default=DEFAULT_TYPE,
            removal=Removal.RESET,
        ),
        _placed("environment_variables", NAMED_TEXTS, "Variables by name. A list is understood too."),
        _placed("labels", NAMED_TEXTS, "Labels by name. A list is understood too."),
        _placed(
            "secrets",
            {"type": "object", "additionalProperties": ANY_TEXT},
            "Variable to `${secrets.<key>}`, whose value the account keeps.",
            bare="name",
        ),
        _placed("ssh_public_key_ids", TEXTS, "Keys of the account: `${ssh_public_keys.<key>}`.", bare="id"),
        _placed("command", TEXTS, "Arguments, in place of the image's."),
        _placed("entrypoint", TEXTS, "What is started, in place of the image's."),
        _placed("dns", DNS, "Name servers and search domains, in place of the host's."),
        _placed("checks", CHECKS, "Health and readiness checks by name."),
        _placed("observability", _OBSERVABILITY, "Its logs.", default=NO_LOGS, removal=Removal.RESET),
        _fixed("network", NETWORK, "How it is reached from outside."),
        _fixed("ports", PORTS, "Ports by name; without a number the scheduler chooses one.", by_name=True),
        _fixed("ssh", SSH, "SSH through wrangler."),
        _fixed("authorized_keys", named(TEXT, KEY_LIST), "Ed25519 keys that may log in, by name."),
        _fixed("trusted_user_ca_keys", named(TEXT, CA_LIST), "Ed25519 keys of authorities, by name."),
        _fixed("provisioner", PROVISIONER, "How it is set up."),
        _fixed("experimental_flags", TEXTS, "Features the service offers on trial."),
    ),
    outputs=(
        Output("id", "The deployment's id; another one after a replacement."),
        Output("ipv4", "Its address, where `network` asks for one."),
        Output("ipv6", "Its address, where `network` asks for one."),
        Output("location", "Where it runs.", stable=False),
    ),
    uniqueness=Uniqueness.LABELLED,
    named=False,
    exclusive=(),
    # One request makes the new one and ends the old one (`recreate`).
    create_first=True,
    expected_seconds={"create": 10.0, "update": 10.0},
)

FIXED = tuple(row.path for row in KIND.attributes if row.replaces)
