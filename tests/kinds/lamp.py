"""A kind in one file: lamps, which hang in a dict. Whoever writes the next kind may begin with a copy."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from reconciler.model.change import Change, Effect
from reconciler.model.handler import BindContext, Bound, Handler, Look, Result, Sighting, Work
from reconciler.model.kind import Attribute, Kind, Output, Removal
from reconciler.model.resource import Observed, Pending
from reconciler.model.value import Attributes, Value

KIND = Kind(
    name="lamp",
    section="lamps",
    description="Something that gives light.",
    attributes=(
        Attribute("name", {"type": "string"}, replaces=True, removal=Removal.REPLACE),
        Attribute(
            "colour",
            {"enum": ["white", "amber"]},
            "Its light.",
            effect=Effect.HOT,
            default="white",
            removal=Removal.RESET,
        ),
        Attribute("watts", {"type": "integer", "minimum": 1}, "Its strength.", effect=Effect.ROLLOUT),
        Attribute("socket", {"type": "string"}, "What it fits.", effect=Effect.DOWNTIME, replaces=True),
    ),
    outputs=(Output("id", "Its number."), Output("name", "What it is called.", textual=True)),
)


@dataclass(slots=True)
class Room:
    """The lamps that hang."""

    lamps: dict[str, dict[str, Value]] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))


class LampHandler(Handler):
    """Knows lamps."""

    kind = KIND

    def __init__(self, room: Room) -> None:
        self._room = room

    def bind(self, block: Attributes, context: BindContext) -> Bound:
        """A lamp is white unless it says otherwise; no socket takes a million watts."""
        if int(block.get("watts") or 0) > 1_000_000:
            context.report(("watts",), "X101", "no socket takes that", "hang several lamps")
        return Bound({"colour": "white", **block})

    def observe(self, look: Look) -> Sighting:
        """Lamps by number, and by name."""
        hanging = {number: self._seen(number) for number in self._room.lamps}
        return Sighting(
            {one.address: hanging[one.identity] for one in look.subjects if one.identity in hanging},
            {
                one.address: tuple(seen for seen in hanging.values() if seen.name == one.name)
                for one in look.subjects
            },
        )

    def _seen(self, number: str) -> Observed:
        lamp = self._room.lamps[number]
        name = str(lamp["name"])
        return Observed(number, name, lamp, {"id": number, "name": name})

    def create(self, change: Change, work: Work) -> Result:
        """Hangs a lamp."""
        number = f"lamp-{next(self._room.numbers)}"
        self._room.lamps[number] = {**change.wanted, "name": change.name}
        return Result(self._seen(number))

    def update(self, change: Change, work: Work) -> Result:
        """Changes the bulb."""
        assert change.observed is not None
        self._room.lamps[change.observed.identity] = {**change.wanted, "name": change.name}
        return Result(self._seen(change.observed.identity))

    def delete(self, change: Change, work: Work) -> Pending | None:
        """Takes it down."""
        assert change.observed is not None
        del self._room.lamps[change.observed.identity]
        return None
