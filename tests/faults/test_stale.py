"""What was just made, changed or deleted is not seen for half a minute: believed is what we did, not what is shown."""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random

import pytest

from tests.faults.conftest import Record
from tests.faults.trials import Bench, bench

LONG = bool(os.environ.get("RECONCILER_LONG"))
EVERY_READ = ({"method": "GET", "path": "/client/v4/", "times": 0, "fault": {"stale": 30}},)
OUTCOME = "0 false re-creates, 0 orphans, 0 duplicates, nothing left to do"


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Where half a minute of the service lasts long enough to be run into: a second."""
    with bench(tmp_path_factory.mktemp("trials"), rate=30.0) as made:
        yield made


@pytest.mark.parametrize("story", ["create", "change", "destroy"])
def test_an_apply_whose_every_read_is_stale(trials: Bench, story: str, record: Record) -> None:
    first, again = trials.trial(story, {}, faults=EVERY_READ)
    assert first.code == 0, first.said
    assert "nothing to do" in again.said.lower() or "no changes" in again.said.lower(), again.said
    record(9, "an apply, and the next one at once, whose every read is 30 s old", 1, OUTCOME)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(10 if LONG else 1))
def test_killed_while_every_read_is_stale(trials: Bench, part: int, record: Record) -> None:
    random, killed = Random(part), 0
    for number in range(9 if LONG else 2):
        story = trials.stories[("create", "change", "change")[number % 3]]
        first, _ = trials.trial(story.name, {"at": random.randint(1, story.boundaries)}, faults=EVERY_READ)
        killed += first.code == -9
    what = "SIGKILL while every read is 30 s old, also for the run that recovers"
    record(9, what, killed, OUTCOME)
