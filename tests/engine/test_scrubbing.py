from __future__ import annotations

from dataclasses import fields
from typing import get_args

import pytest

from reconciler.engine.scrubbing import scrubbed
from reconciler.model.address import ResourceAddress
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
from reconciler.model.resource import Pending

API = ResourceAddress("application", "api")
SAID = "sent hunter2"
EVENTS: list[Event] = [
    StepFailed(API, "create", "op", SAID, fix=SAID, output=SAID),
    StepSucceeded(API, "create", "op", None, notes=(SAID,)),
    StepSettled(API, "op", None, notes=(SAID,)),
    StepLeftUnsettled(API, "create", "op", None, Pending(API, "rollout", {}, ""), reason=SAID),
    StepSkipped(API, "create", None, reason=SAID),
    StepProgressed(API, "op", 1, 2, SAID),
    StepRecovered(API, "create", "op", None, how=SAID),
    StepVoided(API, "create", "op", SAID),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_the_words_of_an_event_are_scrubbed_and_nothing_else(event: Event) -> None:
    [found] = scrubbed([event], lambda text: text.replace("hunter2", "(sensitive)"))
    assert "hunter2" not in repr(found)
    assert repr(found) == repr(event).replace("hunter2", "(sensitive)")


def test_every_event_that_tells_something_in_words_is_known() -> None:
    wordy = {"message", "notes", "reason", "note", "how", "why", "output"}
    telling = {one for one in get_args(Event) if wordy & {it.name for it in fields(one)}}
    assert telling == {type(event) for event in EVENTS}
