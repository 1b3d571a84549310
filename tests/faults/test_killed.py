"""SIGKILL wherever it can strike: one more run, and the world is that of a run which nothing disturbed.

Three stories: everything is created; created, updated, replaced and deleted; destroyed (tests/faults/everything.py).
Compared are the worlds, up to ids, times and numbers of versions, and what was ever made, by the ledger.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random

import pytest

from tests.faults.conftest import Record
from tests.faults.trials import Bench, bench

LONG = bool(os.environ.get("RECONCILER_LONG"))
STORIES = ("create", "change", "destroy")
PARTS = 20
OUTCOME = "after one more run 0 orphans, 0 duplicates, nothing lost, nothing left to do, nobody asked"


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("trials")) as made:
        yield made


def some(bench: Bench, story: str, part: int, parts: int = PARTS) -> range:
    """A part of the boundaries of a story: every so manieth; in a short run, a few of them."""
    step = parts if LONG else bench.stories[story].boundaries // 4
    return range(1 + part, bench.stories[story].boundaries + 1, step)


def test_the_stories_are_long_enough(trials: Bench) -> None:
    assert sum(one.boundaries for one in trials.stories.values()) >= 600
    assert trials.stories["change"].boundaries >= 200


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS if LONG else 1))
@pytest.mark.parametrize("story", STORIES)
def test_killed_at_a_boundary(trials: Bench, story: str, part: int, record: Record) -> None:
    runs = [trials.trial(story, {"at": at}) for at in some(trials, story, part)]
    killed = sum(first.code == -9 for first, _ in runs)
    record(1, f"SIGKILL at a request or durable write: {story}", killed, OUTCOME)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS if LONG else 1))
def test_killed_at_any_time(trials: Bench, part: int, record: Record) -> None:
    random, killed, wanted = Random(part), 0, 50 if LONG else 6
    for number in range(2 * wanted):  # some end before they are struck
        story = trials.stories[STORIES[number % 3]]
        moment = random.uniform(0.01, story.seconds)
        first, _ = trials.trial(story.name, {"kill_after": moment})
        killed += first.code == -9
        if killed == wanted:
            break
    assert killed == wanted
    record(1, "SIGKILL at random times", killed, OUTCOME)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(10 if LONG else 1))
def test_killed_again_while_it_recovers(trials: Bench, part: int, record: Record) -> None:
    random, killed = Random(part), 0
    for number in range(20 if LONG else 3):
        story = trials.stories[STORIES[number % 3]]
        cuts = [{"at": random.randint(1, story.boundaries)}, {"at": random.randint(1, story.boundaries // 3)}]
        first, second, _ = trials.trial(story.name, *cuts)
        killed += first.code == second.code == -9
    record(1, "SIGKILL twice, the second one while the first is recovered from", killed, OUTCOME)
