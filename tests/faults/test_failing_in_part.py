"""An apply of which any part fails: all that does not wait for it is done, and the next plan is exactly the rest."""

from __future__ import annotations

import os
from random import Random

from reconciler.model.event import StepSkipped
from reconciler.model.resource import Desired
from tests.engine.toys import Bench, ref, thing
from tests.faults.conftest import Record

SETS = 5000 if os.environ.get("RECONCILER_LONG") else 150
KEYS = [f"t{number}" for number in range(10)]


def network(random: Random) -> dict[str, list[str]]:
    """Who needs whom: each some of those before it."""
    return {key: random.sample(KEYS[:n], min(n, random.choice([0, 0, 1, 2]))) for n, key in enumerate(KEYS)}


def resources(needs: dict[str, list[str]]) -> list[Desired]:
    tags = {key: {other: ref(other) for other in others} for key, others in needs.items()}
    return [thing(key, name=f"toy-{key}", tags=tags[key]) for key in KEYS]


def behind(needs: dict[str, list[str]], failing: set[str]) -> set[str]:
    """What fails, and what waits for it, however far."""
    stopped = set(failing)
    for key in KEYS:
        if stopped & set(needs[key]):
            stopped.add(key)
    return stopped


def test_all_that_is_independent_is_done_and_the_next_plan_is_the_rest(record: Record) -> None:
    random = Random(12)
    for _ in range(SETS):
        needs, failing = network(random), set(random.sample(KEYS, random.randint(1, 4)))
        wanted, stopped, bench = resources(needs), behind(needs, failing), Bench()
        bench.world.failing = {f"create thing.{key}" for key in failing}
        bench.apply(*wanted)
        assert {address.key for address in bench.state.resources} == set(KEYS) - stopped
        skipped = [event for event in bench.events if isinstance(event, StepSkipped)]
        assert {one.address.key for one in skipped} == {key for key in stopped if stopped & set(needs[key])}
        assert all(event.because is not None and event.because.key in failing for event in skipped)
        bench.world.failing = set()
        assert {one.address for one in bench.plan(*wanted).plan.changes} == {
            f"thing.{key}" for key in stopped
        }
        assert len(bench.apply(*wanted)) == len(stopped)
    record(
        12,
        "random sets of failures in random networks of 10",
        SETS,
        "done, skipped and left: exactly as the network says",
    )
