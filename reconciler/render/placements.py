"""Placements for people: where containers run and ran, how they do there, and what happened to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reconciler.frozen import frozen
from reconciler.render.happenings import Happening, happenings_text, last_told
from reconciler.render.harmless import harmless
from reconciler.render.table import WIDTH, indented, table


@frozen
class Placement:
    """Where one container runs or ran; `address` is the resource that it belongs to."""

    id: str
    address: str
    deployment: str
    version: int | None
    location: str
    state: str
    current: bool
    since: str
    events: tuple[Happening, ...]


def placements_text(
    placements: Sequence[Placement],
    age: Callable[[str], str],
    width: int = WIDTH,
    *,
    with_events: bool = False,
) -> str:
    """A line for each with the last that happened there; with `with_events`, everything that did, below it."""
    if not placements:
        return "nothing is placed anywhere\n"
    if with_events:
        return "\n".join(_told(one, age, width) for one in placements)
    heads = ("OF", "STATE", "VERSION", "LOCATION", "SINCE", "LAST EVENT")
    rows = [
        (one.address, _state(one), _version(one), one.location, age(one.since), last_told(one.events))
        for one in placements
    ]
    return table(heads, rows, width)


def _told(one: Placement, age: Callable[[str], str], width: int) -> str:
    facts = (one.address, _state(one), f"version {_version(one)}", one.location, f"since {age(one.since)}")
    head = harmless("  ".join(filter(None, facts)))
    events = happenings_text(one.events, width - 2) or "no event is known of it\n"
    return f"{head}\n  {harmless(one.id)}\n{indented(events)}"


def _state(one: Placement) -> str:
    return one.state if one.current else f"{one.state} (earlier)"


def _version(one: Placement) -> str:
    return "?" if one.version is None else str(one.version)
