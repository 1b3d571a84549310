"""When a state counts as another one: what moves the serial, and which state may follow which."""

from __future__ import annotations

from dataclasses import replace

from reconciler.model.resource import Prior
from reconciler.model.state import State
from reconciler.storage.reading import Reading


def goes_on_from(state: State, reading: Reading | None) -> bool:
    """Whether a state goes on from the version that was read; where there was none, anything does."""
    if reading is None:
        return True
    read = reading.version.state
    return (state.lineage, state.serial) == (read.lineage, read.serial)


def is_news(before: State, after: State) -> bool:
    """Whether a saved plan that rests on one does not rest on the other: not by a rollout that merely ended."""
    if replace(before, resources={}, tombstones=()) != replace(after, resources={}, tombstones=()):
        return True
    if before.resources.keys() != after.resources.keys():
        return True
    return any(_differs(before.resources[address], prior) for address, prior in after.resources.items())


def _differs(before: Prior, after: Prior) -> bool:
    return before is not after and _managed(before) != _managed(after)


def _managed(prior: Prior) -> Prior:
    return replace(prior, pending=(), freshness="")
