"""What a kind declares of itself: its attributes with what a change of each does, its outputs, its places for others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any

from reconciler.frozen import frozen
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Change, Effect
from reconciler.model.value import Path, Unknown, Value


class Removal(StrEnum):
    """What happens when the manifest stops setting an attribute (interface 1.1 "Left out, null, removed")."""

    RESET = "reset"  # the declared default is sent
    OMIT = "omit"  # its parent is sent again without it
    REPLACE = "replace"  # only a new object is without it
    KEEP = "keep"  # the API cannot unset it: the plan says so, once
    LEAVE = "leave"  # it is meant to stay, and the kind says what that means (a class with its data)


@frozen
class Attribute:
    """One row of a kind's table: schema, documentation, comparison and effect all come from here.

    `path` is dotted; a row for `constraints` also speaks for `constraints.regions` unless that has a row.
    """

    path: str
    schema: Mapping[str, Any]  # JSON Schema of the value as it stands in the manifest
    description: str = ""
    effect: Effect = Effect.HOT
    replaces: bool = False  # immutable: a change replaces
    default: Value = None  # certain default of the service; the kind's `bind` writes it into Desired
    removal: Removal = Removal.OMIT
    write_only: bool = False  # never given back by the service: compared with Prior, not with Observed
    secret: bool = False  # takes a Secret; any other attribute that is given one is a diagnostic
    secret_template: bool = False  # a secret may stand inside a text here (interface 1.5)
    rides_along: bool = False  # no difference by itself (a generation number)
    by_name: bool = False  # a map whose members count even where there is nothing in them (a port, a route)
    bare: str = ""  # the output that a bare reference (`${images.x}`) means in this place
    computed: bool = False  # not written by the user: filled by `prepare`, a slot or the engine
    shown: str = ""  # what a plan calls it, where its path is a name of our own making


WATCHED = {
    "rollout_on": Attribute("rollout_on", {}, effect=Effect.ROLLOUT, write_only=True),
    "replace_on": Attribute("replace_on", {}, effect=Effect.DOWNTIME, write_only=True, replaces=True),
}
"""Rows that every kind has: what stands there is watched, and its change rolls out or replaces (interface 1.1)."""


@frozen
class Output:
    """A value that references may name: `${images.api.ref}`.

    `textual`: known from the manifest's own text (a name, a class); a reference to it makes no edge.
    `stable`: an update does not alter it, so it stays known while the resource is updated in place.
    """

    name: str
    description: str = ""
    textual: bool = False
    stable: bool = True
    secret: bool = False


@frozen
class Slot:
    """A place in a resource that others fill, by name: how kinds meet without knowing each other.

    What is lent stands in the attribute of the slot's name; with `many`, in a dict by member, and two lends of one member
    are an error. `chosen_by` names the key of this resource's block that decides between several lenders (`worker`);
    `needed_by` the key that makes an empty slot an error (`class_name`).
    """

    name: str
    many: bool = False
    chosen_by: str = ""
    needed_by: str = ""


@frozen
class LenderOf:
    """Whoever fills this slot of mine."""

    slot: str


@frozen
class Lend:
    """Something put into another resource's slot; `member` is the key it gets in a slot that takes many."""

    to: ResourceAddress | LenderOf
    slot: str
    value: Value
    member: str = ""


class Uniqueness(StrEnum):
    """How a lost create is found again (failure-modes, section 2)."""

    CONFLICT = "conflict"  # a second create is refused and names the owner: repeat it
    CONTENT = "content"  # same bytes, same object: repeat it
    LABELLED = "labelled"  # the operation's id travels with the object
    LISTED = "listed"  # list by natural key, not before the staleness window is over
    UNKNOWABLE = "unknowable"  # none of these: the kind itself looks, and `on_lost` of the resource decides


CONTAINERS_WRITE = "Workers Containers Write"
SCRIPTS_WRITE = "Workers Scripts Write"
"""Permissions of a token, by Cloudflare's names."""


@frozen
class Kind:
    """The facts of a kind."""

    name: str  # `application`
    section: str  # `applications`
    attributes: tuple[Attribute, ...]
    outputs: tuple[Output, ...] = ()
    slots: tuple[Slot, ...] = ()
    uniqueness: Uniqueness = Uniqueness.LISTED
    exclusive: tuple[str, ...] = ("name",)  # attributes that two objects cannot share: the old one goes first
    create_first: bool = False  # order of a replacement; False: delete, wait until gone, create
    deletable: bool = True  # False: leaving the manifest only forgets (image)
    runs: bool = False  # runs to completion instead of lasting: it is not created or changed but run (job)
    harmless: bool = False  # a step may fail without effect (image): goes before what is live at once
    named: bool = True  # has a remote name made from `naming`; False: the name is not of our making
    singleton: bool = (
        False  # its section has no keys: what stands there is the one resource, `account.account`
    )
    name_pattern: str = r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}"
    shared_between_environments: bool = False  # the default name leaves the environment out (image)
    one_of: tuple[
        tuple[str, ...], ...
    ] = ()  # dotted keys of which one may stand: an overlay's drives out the base's
    looks: int = 1  # requests that looking at all of this kind takes
    at_once: int = 0  # parallel steps of this kind; 0: no limit of its own
    expected_seconds: Mapping[str, float] = field(default_factory=dict)  # by verb
    description: str = ""
    permissions: tuple[str, ...] = (CONTAINERS_WRITE,)  # that the token needs to change one (reference 1.3)

    def attribute(self, path: Path) -> Attribute | None:
        """The row that speaks for a path: its own, or the nearest one above it."""
        rows = _rows(self)
        for end in range(len(path), 0, -1):
            if row := rows.get(path[:end]):
                return row
        return WATCHED.get(path[0]) if path else None

    def output(self, name: str) -> Output | None:
        """The output of that name."""
        return next((output for output in self.outputs if output.name == name), None)


_ROWS: dict[int, dict[Path, Attribute]] = {}


def _rows(kind: Kind) -> dict[Path, Attribute]:
    rows = _ROWS.get(id(kind))
    if rows is None:
        rows = _ROWS[id(kind)] = {tuple(row.path.split(".")): row for row in kind.attributes}
    return rows


def worst_effect(kind: Kind, change: Change) -> Effect:
    """The worst effect that the kind declares for the attributes that differ."""
    effects = [
        row.effect
        for attribute in change.attributes
        if (row := kind.attribute(attribute.path)) and not row.rides_along
    ]
    return max(effects, key=Effect.rank, default=Effect.NONE)


def predicted_outputs(kind: Kind, change: Change) -> dict[str, Value]:
    """What each output will be: foreknown, or what it is now if it stays, or Unknown until the step has run."""
    foreknown = change.desired.outputs if change.desired else {}
    known = change.observed.outputs if change.observed and change.action.keeps_identity else {}
    idle = change.action.is_idle
    if kind.named and change.desired and change.desired.name:
        foreknown = {"name": change.desired.name, **foreknown}
    return {
        output.name: foreknown[output.name]
        if output.name in foreknown
        else known[output.name]
        if output.name in known and (output.stable or idle)
        else Unknown(change.address)
        for output in kind.outputs
    }
