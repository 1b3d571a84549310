"""Looks until what is shown cannot be older than what we did: reads may be half a minute behind (failure-modes, row 9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from reconciler.engine.diff import drifted
from reconciler.engine.recover import FIRST_PAUSE, STALENESS_WINDOW, Time
from reconciler.model.handler import Handler, Sighting
from reconciler.model.resource import Observed, Prior
from reconciler.model.state import State

Sightings = dict[str, Sighting]


def seen_for_certain(
    look: Callable[[], Sightings], state: State, handlers: Mapping[str, Handler], clock: Time
) -> Sightings:
    """What a look shows; looks again while it misses or contradicts what we did less than half a minute ago.

    Whatever contradicts it still when that time is over has been done by somebody else.
    """
    pause = FIRST_PAUSE
    sightings = look()
    while any(_doubtful(state, sightings, handlers, clock)) and not clock.sleep(pause):
        pause = min(2 * pause, STALENESS_WINDOW / 2)
        sightings = look()
    return sightings


def _doubtful(
    state: State, sightings: Sightings, handlers: Mapping[str, Handler], clock: Time
) -> Iterator[bool]:
    for address, prior in state.resources.items():
        sighting, handler = sightings.get(address.kind), handlers[address.kind]
        if sighting is None or not prior.identity or any(one.what == "deletion" for one in prior.pending):
            continue
        if _contradicts(handler, prior, sighting.by_identity.get(address)):
            yield bool(prior.applied_at) and clock.seconds_since(prior.applied_at) <= STALENESS_WINDOW


def _contradicts(handler: Handler, prior: Prior, seen: Observed | None) -> bool:
    return seen is None or bool(drifted(handler.kind, prior, seen, None))
