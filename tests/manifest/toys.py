"""Kinds of the tests' own, a few rows each: the room that reads manifests must know none of the real ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

from reconciler.errors import ManifestError
from reconciler.manifest import read_manifest
from reconciler.model.address import ResourceAddress
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.handler import BindContext, Bound, Handler
from reconciler.model.kind import Attribute, Kind, Lend, LenderOf, Output, Slot
from reconciler.model.manifest import Inputs, Manifest
from reconciler.model.value import Attributes, Ref, TextOf

TEXT: dict[str, Any] = {"type": "string"}
COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
FLAG: dict[str, Any] = {"type": "boolean"}
TEXTS: dict[str, Any] = {"type": "array", "items": TEXT}
MAP: dict[str, Any] = {"type": "object", "additionalProperties": TEXT}

PICTURE = Kind(
    name="picture",
    section="pictures",
    attributes=(
        Attribute("paint", {"type": "object", "properties": {"brush": TEXT, "strokes": COUNT}}),
        Attribute("copy", TEXT, "A picture elsewhere."),
        Attribute("tags", TEXTS),
    ),
    outputs=(Output("ref"), Output("digest"), Output("name", textual=True)),
    shared_between_environments=True,
    one_of=(("paint", "copy"),),
)

WHISPER = Kind(
    name="whisper",
    section="whispers",
    attributes=(
        Attribute(
            "from",
            {
                "type": "object",
                "properties": {"env": TEXT, "file": TEXT},
                "minProperties": 1,
                "maxProperties": 1,
            },
        ),
    ),
    outputs=(Output("name"), Output("version"), Output("value", secret=True)),
)

STAGE = Kind(
    name="stage",
    section="stages",
    attributes=(
        Attribute("main", {"type": "string", "minLength": 1}),
        Attribute("vars", {"type": "object", "additionalProperties": {}}),
        Attribute("whispers", MAP, secret=True, secret_template=True),
        Attribute("bindings", MAP),
        Attribute("players", {}, computed=True),
    ),
    outputs=(Output("name", textual=True), Output("version_id"), Output("halls")),
    slots=(Slot("players", many=True),),
)

PLAY = Kind(
    name="play",
    section="plays",
    description="Something that is shown.",
    attributes=(
        Attribute("picture", TEXT, bare="ref"),
        Attribute("role", TEXT),
        Attribute("motto", TEXT),
        Attribute("stage", TEXT, bare="name"),
        Attribute(
            "size",
            {
                "anyOf": [
                    {"enum": ["small", "large"]},
                    {"type": "object", "properties": {"rows": COUNT, "seats": COUNT}},
                ]
            },
        ),
        Attribute("seats", COUNT, default=20),
        Attribute("price", {"type": "number", "minimum": 0.5, "maximum": 99}),
        Attribute("open", FLAG),
        Attribute("steps", {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]}),
        Attribute("limits", {"type": "object"}),
        Attribute(
            "limits.regions", {"type": "array", "items": {"enum": ["EAST", "WEST"]}, "uniqueItems": True}
        ),
        Attribute("limits.zone", {"type": "string", "pattern": "^z[0-9]+$"}),
        Attribute("environment_variables", MAP),
        Attribute("whispers", MAP, secret=True),
        Attribute("command", TEXTS),
        Attribute("hall", {}, computed=True),
    ),
    outputs=(
        Output("id"),
        Output("name", textual=True),
        Output("role", textual=True),
        Output("seats"),
    ),
    slots=(Slot("hall", chosen_by="stage", needed_by="role"),),
)


class Toy(Handler):
    """Binds a block to itself."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def bind(self, block: Attributes, context: BindContext) -> Bound:
        return Bound(dict(block))


class StageHandler(Toy):
    """Lends its halls to the plays that it binds."""

    def bind(self, block: Attributes, context: BindContext) -> Bound:
        lends = []
        for name, value in block.get("bindings", {}).items():
            if isinstance(value, Ref) and value.address.kind == "play":
                role = context.text_of(value.address, "role")
                lends.append(Lend(value.address, "hall", Ref(context.address, ("halls", str(role)))))
            elif value == "wrong":
                context.report(("bindings", name), "T001", f"{name} is wrong", "make it right")
        bindings = {key: value for key, value in block.get("bindings", {}).items() if isinstance(value, str)}
        return Bound({**block, **({"bindings": bindings} if "bindings" in block else {})}, tuple(lends))


class PlayHandler(Toy):
    """Tells the stage on which it is shown what it is."""

    def bind(self, block: Attributes, context: BindContext) -> Bound:
        role = block.get("role")
        if role is None:
            return Bound(dict(block))
        told = {"name": TextOf(context.address, ("name",)), "role": role}
        return Bound(dict(block), (Lend(LenderOf("hall"), "players", told, str(role)),))


def handlers() -> dict[str, Handler]:
    found: list[Toy] = [Toy(PICTURE), Toy(WHISPER), StageHandler(STAGE), PlayHandler(PLAY)]
    return {handler.kind.name: handler for handler in found}


ACCOUNT = "0123456789abcdef0123456789abcdef"
HEAD = f"version: 1\nproject: shop\naccount_id: {ACCOUNT}\n"


def write(folder: Path, text: str, *, head: str = HEAD) -> Path:
    path = folder / "containers.yaml"
    path.write_text(head + dedent(text), encoding="utf-8")
    return path


def read(
    folder: Path, text: str, environment: str | None = None, *, head: str = HEAD, **inputs: Any
) -> Manifest:
    return read_manifest(write(folder, text, head=head), handlers(), environment, Inputs(**inputs))


def errors(
    folder: Path, text: str, environment: str | None = None, *, head: str = HEAD, **inputs: Any
) -> list[Diagnostic]:
    try:
        read(folder, text, environment, head=head, **inputs)
    except ManifestError as error:
        return [one for one in error.diagnostics if one.severity == "error"]
    return []


def told(
    folder: Path, text: str, environment: str | None = None, *, head: str = HEAD, **inputs: Any
) -> list[str]:
    """Every error as a user reads it, without the folder."""
    return [
        str(one).replace(f"{folder}/", "") for one in errors(folder, text, environment, head=head, **inputs)
    ]


def attributes(manifest: Manifest, address: str) -> Mapping[str, Any]:
    return manifest.resources[ResourceAddress.parse(address)].attributes
