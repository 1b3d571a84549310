"""What has to happen to one resource, why, and what it does to what runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from reconciler.frozen import frozen
from reconciler.model.address import ResourceAddress
from reconciler.model.diagnostic import Source
from reconciler.model.resource import Desired, Observed, Pending, Prior
from reconciler.model.value import Attributes, Path, Secret, Unknown, Value


class Action(StrEnum):
    """What a plan says about a resource (interface 4)."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    ADOPT = "adopt"
    FORGET = "forget"
    MOVE = "move"
    RUN = "run"
    RESUME = "resume"
    REFUSED = "refused"
    NO_OP = "no_op"

    @property
    def symbol(self) -> str:
        """The sign in front of the resource in every text."""
        return _SYMBOLS[self]

    @property
    def is_destructive(self) -> bool:
        """Whether something that exists ends."""
        return self in (Action.DELETE, Action.REPLACE)

    @property
    def is_idle(self) -> bool:
        """Whether nothing happens in the cloud."""
        return self in (Action.NO_OP, Action.FORGET, Action.MOVE, Action.REFUSED)

    @property
    def keeps_identity(self) -> bool:
        """Whether the object afterwards is the one that was there before."""
        return self not in (Action.CREATE, Action.REPLACE, Action.DELETE)


_SYMBOLS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.REPLACE: "±",
    Action.DELETE: "-",
    Action.ADOPT: "^",
    Action.FORGET: "×",
    Action.MOVE: ">",
    Action.RUN: "*",
    Action.RESUME: "»",
    Action.REFUSED: "!",
    Action.NO_OP: " ",
}


class Effect(StrEnum):
    """What a change does to what runs, from nothing to the worst."""

    NONE = "none"
    HOT = "hot"
    ROLLOUT = "rollout"
    DOWNTIME = "downtime"

    def rank(self) -> int:
        """Order of badness."""
        return list(Effect).index(self)


BLOCKED = "blocked"
SHOWN = "shown"


@dataclass(frozen=True, slots=True, order=True)
class Hazard:
    """A named danger of a change; a `blocked` one must be allowed, a `shown` one is only said."""

    code: str
    severity: str
    message: str


@frozen
class AttributeChange:
    """One path that differs. `forces_replacement` None: only apply can know, since `after` is unknown."""

    path: Path
    before: Value
    after: Value
    forces_replacement: bool | None = False
    source: Source = Source()
    note: str = ""
    state_only: bool = (
        False  # only what is remembered changes: a guard, an edge, a value the service will not unset
    )

    @property
    def sensitive(self) -> bool:
        """Whether the value must never be shown."""
        return isinstance(self.before, Secret) or isinstance(self.after, Secret)

    @property
    def unknown(self) -> bool:
        """Whether the value after is not known yet."""
        return isinstance(self.after, Unknown)


@frozen
class Change:
    """A resource's three views and what follows from them. A verb's `wanted` holds plain values and Secrets only."""

    address: ResourceAddress
    action: Action
    desired: Desired | None = None
    prior: Prior | None = None
    observed: Observed | None = None
    wanted: Attributes = field(default_factory=dict)  # desired.attributes, resolved
    attributes: tuple[AttributeChange, ...] = ()
    effect: Effect = Effect.NONE
    hazards: tuple[Hazard, ...] = ()
    reason: str = ""
    notes: tuple[str, ...] = ()
    moved_from: ResourceAddress | None = None
    pending: Pending | None = None  # of a resume
    state_only: bool = False  # only what is remembered changes (`--refresh-only`)

    @property
    def ends_deletion(self) -> bool:
        """Whether the end of a deletion that an earlier run began is part of it."""
        deletion = self.prior.deletion if self.prior else None
        return deletion is not None and deletion == self.pending

    @property
    def paths(self) -> frozenset[Path]:
        """The paths that differ."""
        return frozenset(change.path for change in self.attributes)

    @property
    def in_memory_only(self) -> bool:
        """Whether nothing is sent: only what is remembered changes."""
        if self.state_only:
            return True
        return (
            self.action is Action.UPDATE
            and bool(self.attributes)
            and all(one.state_only for one in self.attributes)
        )

    def touches(self, *prefixes: str) -> bool:
        """Whether any differing path begins with one of these dotted prefixes."""
        wanted = [tuple(prefix.split(".")) for prefix in prefixes]
        return any(path[: len(prefix)] == prefix for path in self.paths for prefix in wanted)

    @property
    def name(self) -> str:
        """The remote name, from whichever view has one."""
        for view in (self.desired, self.observed, self.prior):
            if view is not None and view.name:
                return view.name
        return ""


class StepKey(NamedTuple):
    """Names one step of a plan: a replacement has two, `delete` and `create`."""

    address: ResourceAddress
    operation: str


@frozen
class Step:
    """One operation of a change and what it waits for. `after` only orders: its failure skips nothing."""

    key: StepKey
    requires: tuple[StepKey, ...] = ()
    after: tuple[StepKey, ...] = ()
    wave: int = 1
    seconds: float = 1.0  # expected, for the longest-path order
    lane: str = ""
