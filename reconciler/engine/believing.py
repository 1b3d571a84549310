"""Looks until what is shown cannot be older than what we did: reads may be half a minute behind (failure-modes, row 9)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

from reconciler.engine.diff import drifted
from reconciler.engine.reasons import listed
from reconciler.engine.recover import FIRST_PAUSE, LOOKING_AGAIN, STALENESS_WINDOW, Time
from reconciler.model.handler import Handler, Sighting
from reconciler.model.resource import Prior
from reconciler.model.state import State

Sightings = dict[str, Sighting]


def seen_for_certain(
    look: Callable[[], Sightings], state: State, handlers: Mapping[str, Handler], clock: Time
) -> Sightings:
    """What a look shows; looks again while it misses or contradicts what we did less than half a minute ago.

    Whatever contradicts it still when that time is over has been done by somebody else.
    """
    pause = FIRST_PAUSE
    while True:
        began = time.monotonic()
        sightings = look()
        took = time.monotonic() - began
        doubtful = [
            str(prior.address)
            for prior in _contradicted(state, sightings, handlers)
            if clock.seconds_since(prior.applied_at) - took <= STALENESS_WINDOW
        ]
        if doubtful and pause == FIRST_PAUSE:
            clock.on_wait(f"not yet seen as the last apply left it: {listed(doubtful)}; {LOOKING_AGAIN}")
        if not doubtful or clock.sleep(pause):
            return sightings
        pause = min(2 * pause, STALENESS_WINDOW / 2)


def _contradicted(state: State, sightings: Sightings, handlers: Mapping[str, Handler]) -> Iterator[Prior]:
    """What we did and is missed or contradicted."""
    for address, prior in state.resources.items():
        sighting, handler = sightings.get(address.kind), handlers[address.kind]
        if sighting is None or not prior.identity or not prior.applied_at:
            continue
        if prior.deletion:
            continue
        seen = sighting.by_identity.get(address)
        if seen is None or drifted(handler.kind, prior, seen, None):
            yield prior
