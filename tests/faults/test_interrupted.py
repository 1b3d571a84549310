"""Ctrl-C and SIGTERM wherever they can strike: what is under way is finished and recorded, and the next run goes on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random

import pytest

from tests.faults.conftest import Record
from tests.faults.trials import Bench, bench

LONG = bool(os.environ.get("RECONCILER_LONG"))
STORIES = ("create", "change", "destroy") if LONG else ("change",)
PARTS = 20
OUTCOME = "exit 130 (0 where all was done) after {:.1f} s at most, the state whole; then as row 1"


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("trials")) as made:
        yield made


@pytest.fixture(scope="module")
def real_time(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Where every wait takes as long as it does for a user."""
    with bench(tmp_path_factory.mktemp("real"), rate=1.0 if LONG else 10.0) as made:
        yield made


def interrupted(bench: Bench, story: str, act: str, boundaries: Iterator[int] | range) -> list[float]:
    """Interrupts at each of the boundaries; gives how long each took to end."""
    took = []
    for at in boundaries:
        first, _ = bench.trial(story, {"at": at, "act": act})
        if first.after_signal >= 0:
            # The last moments are those in which there is nothing left to interrupt.
            was_done = first.code == 0 and "\nApplied: " in first.said
            assert first.code == 130 or was_done, f"{story} at {at} ended with {first.code}:\n{first.said}"
            took.append(first.after_signal)
    return took


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS if LONG else 1))
@pytest.mark.parametrize("act", ["int", "term", "twice"])
@pytest.mark.parametrize("story", STORIES)
def test_interrupted_at_a_boundary(trials: Bench, story: str, act: str, part: int, record: Record) -> None:
    step = PARTS if LONG else trials.stories[story].boundaries * 3 // 4
    took = interrupted(trials, story, act, range(1 + part, trials.stories[story].boundaries + 1, step))
    assert max(took, default=0) <= (1 if act == "twice" else 5)
    what = {"int": "SIGINT", "term": "SIGTERM", "twice": "SIGINT twice"}[act]
    record(
        15, f"{what} at a request or durable write: {story}", len(took), OUTCOME, worst=max(took, default=0)
    )


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(10 if LONG else 1))
def test_interrupted_in_real_time(real_time: Bench, part: int, record: Record) -> None:
    random = Random(part)
    story = STORIES[part % len(STORIES)]
    some = (random.randint(5, real_time.stories[story].boundaries) for _ in range(3 if LONG else 1))
    took = interrupted(real_time, story, "int", some)
    assert max(took, default=0) <= 5
    what = "SIGINT at a boundary, with every wait as long as it really is"
    record(15, what, len(took), OUTCOME, worst=max(took, default=0))
