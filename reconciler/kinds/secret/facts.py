"""The table of the kind `secret`, and how its block is read (interface 1.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.kinds.shared.schemas import described
from reconciler.model.change import Effect
from reconciler.model.handler import BindContext, Bound
from reconciler.model.kind import Attribute, Kind, Output, Slot, Uniqueness
from reconciler.model.value import Value

INLINE = "S101"
ONE_SOURCE = "S102"

ACCOUNT = "account"
SOURCES = ("env", "file", "command", "prompt", "onepassword", "sops")

_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}

# Exactly one source is demanded by `bind`: its message names them, and repeats nothing that may be a secret.
_FROM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "env": described(_TEXT, "An environment variable."),
        "file": described(_TEXT, "A file, relative to the manifest; `~` is the home folder."),
        "command": described(
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "What a program prints, run without a shell.",
        ),
        "prompt": described(
            {"anyOf": [{"const": True}, _TEXT]},
            "Asked for on the terminal by `apply`; a text is the question.",
        ),
        "onepassword": described(
            {"type": "string", "pattern": "^op://"}, "A reference for 1Password's `op`."
        ),
        "sops": {
            "type": "object",
            "properties": {
                "file": described(_TEXT, "A file that `sops` decrypts."),
                "key": described(_TEXT, "Where in that file, as in `database.password`."),
            },
            "required": ["file", "key"],
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}

KIND = Kind(
    name="secret",
    section="secrets",
    description="Where a value comes from that is never shown; where it is used says where it goes.",
    attributes=(
        Attribute("name", _TEXT, "Name of the account secret.", replaces=True),
        Attribute("from", _FROM, "Its one source.", effect=Effect.NONE, write_only=True),
        Attribute(
            "targets",
            {"type": "array", "items": {"enum": [ACCOUNT, "worker"]}},
            "Where it goes besides where it is used.",
            effect=Effect.NONE,
            write_only=True,
        ),
        Attribute("value", {"type": "string"}, "The value.", write_only=True, secret=True, computed=True),
        Attribute(
            "as_sent",
            {"type": "boolean"},
            "Whether nobody else has changed it since it was sent.",
            computed=True,
        ),
    ),
    outputs=(
        Output("name", "Name of the account secret."),
        Output("version", "Rises by one whenever a value is sent.", stable=False),
        Output(
            "value", "The value itself; what a reference without attribute means.", stable=False, secret=True
        ),
    ),
    slots=(Slot("targets", many=True),),
    one_of=(tuple(f"from.{source}" for source in SOURCES),),
    uniqueness=Uniqueness.CONFLICT,
    # An application names its secrets, so the new one is there before the old one goes.
    create_first=True,
    name_pattern=r"[A-Za-z_][A-Za-z0-9_-]{0,62}",
)


def read_block(block: Mapping[str, Value], context: BindContext) -> Bound:
    """Takes a block apart; no finding repeats what may be the secret itself."""
    attributes: dict[str, Value] = {}
    source = block.get("from")
    if isinstance(source, str):
        context.report(
            ("from",),
            INLINE,
            "a secret does not stand in the manifest",
            "name where its value comes from, as in `from: {env: DB_PASSWORD}`",
        )
    elif isinstance(source, Mapping):
        attributes["from"] = _one_source(source, context)
    elif not context.external:
        known = ", ".join(f"`{name}`" for name in SOURCES)
        context.report(
            (), ONE_SOURCE, "nothing says where its value comes from", f"say `from` with one of {known}"
        )
    targets = block.get("targets")
    if isinstance(targets, list | tuple) and targets:
        attributes["targets"] = {str(target): True for target in targets}
    return Bound(attributes)


def _one_source(source: Mapping[str, Value], context: BindContext) -> dict[str, Value]:
    given = {name: source[name] for name in SOURCES if source.get(name) is not None}
    if not given:
        known = ", ".join(f"`{name}`" for name in SOURCES)
        context.report(("from",), ONE_SOURCE, "`from` names no source", f"say one of {known}")
    elif len(given) > 1:
        listed = " and ".join(f"`{name}`" for name in given)
        context.report(("from",), ONE_SOURCE, f"{listed} exclude each other", "keep one of them")
    if given.get("prompt") is True:
        # Each secret has a question of its own.
        given["prompt"] = f"value of {context.address}"
    return given


def needs_account_secret(attributes: Mapping[str, Value]) -> bool:
    """Whether somebody takes it from the account rather than by value."""
    targets = attributes.get("targets")
    return isinstance(targets, Mapping) and ACCOUNT in targets
