"""Takes secrets out of what events tell, before it is written down or shown: a service may repeat what it was sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from reconciler.model.event import (
    Event,
    StepFailed,
    StepLeftUnsettled,
    StepProgressed,
    StepRecovered,
    StepSettled,
    StepSkipped,
    StepSucceeded,
    StepVoided,
)

Scrub = Callable[[str], str]


def scrubbed(events: Iterable[Event], scrub: Scrub) -> tuple[Event, ...]:
    """The events with their words scrubbed; what they remember holds no secret as it is."""
    return tuple(_scrubbed(event, scrub) for event in events)


def _scrubbed(event: Event, scrub: Scrub) -> Event:
    match event:
        case StepFailed():
            return replace(
                event, message=scrub(event.message), fix=scrub(event.fix), output=scrub(event.output)
            )
        case StepSucceeded() | StepSettled() if event.notes:
            return replace(event, notes=tuple(map(scrub, event.notes)))
        case StepLeftUnsettled() | StepSkipped() if event.reason:
            return replace(event, reason=scrub(event.reason))
        case StepProgressed() if event.note:
            return replace(event, note=scrub(event.note))
        case StepRecovered() if event.how:
            return replace(event, how=scrub(event.how))
        case StepVoided() if event.why:
            return replace(event, why=scrub(event.why))
        case _:
            return event
