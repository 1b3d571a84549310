"""SIGKILL at pairs of boundaries: in a run that makes one thing, and in the run that recovers it; then one run more.

The second run must not forget what the first had begun before it has begun it anew itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import product
from random import Random
from typing import Any

import pytest

from tests.faults.conftest import Record
from tests.faults.everything import FIRST, HEAD
from tests.faults.forks import forks
from tests.faults.test_killed import OUTCOME
from tests.faults.trials import Bench, Story, begin, begun, goes_on, ran, told

LONG = bool(os.environ.get("RECONCILER_LONG"))
LAST, SAMPLE = 3, 4
THERE: dict[str, Any] = {
    **HEAD,
    "images": {"kept": FIRST["images"]["kept"]},
    "secrets": {"plain": FIRST["secrets"]["plain"]},
    "applications": {"tasks": FIRST["applications"]["tasks"]},
}
COMING: Mapping[str, Mapping[str, Any]] = {
    "job": {"jobs": {"kept": FIRST["jobs"]["kept"]}},
    "registry": {"registries": {"kept": FIRST["registries"]["kept"]}},
    "account": {"account": FIRST["account"]},
    "ssh_public_key": {"ssh_public_keys": {"kept": FIRST["ssh_public_keys"]["kept"]}},
    "deployment": {"deployments": {"kept": FIRST["deployments"]["gone"]}},
    "application": {"applications": {**THERE["applications"], "alone": FIRST["applications"]["alone"]}},
    "worker": {"workers": {"kept": FIRST["workers"]["gone"]}},
}


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("twice")
    with forks(1000.0) as server:
        told(
            server,
            "there",
            ("apply", "--yes"),
            begin(folder / "start", THERE),
            folder / "run",
            folder / "there",
        )
        bench = Bench({}, server, folder)
        yield bench


def story(bench: Bench, kind: str) -> Story:
    """One thing more than there is."""
    folder = bench.folder
    start = goes_on(folder / "there", {**THERE, **COMING[kind]}).rename(folder / kind)
    return told(bench.forks, kind, ("apply", "--yes"), start, folder / "run", folder / f"{kind}-ended")


def begun_at(bench: Bench, story: Story) -> list[int]:
    """The boundaries at which a run that is killed leaves something that was begun."""
    found = []
    for at in range(1, story.boundaries + 1):
        with begun(story.start, bench.folder / "trial", bench.forks.rate) as project:
            ran(bench.forks, project, *story.args, at=at)
            if project.run("state", "pull").document["intents"]:
                found.append(at)
    return found


def pairs(bench: Bench, story: Story) -> list[tuple[int, int]]:
    """Killed last with something begun, and then anywhere; in a short run, a few pairs about there."""
    everywhere = range(1, story.boundaries + 1)
    if LONG:
        return list(product(begun_at(bench, story)[-LAST:], everywhere))
    random, middle = Random(story.name), story.boundaries // 2
    return [(random.randint(middle - 6, middle), random.choice(everywhere)) for _ in range(SAMPLE)]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", COMING)
def test_killed_again_before_it_is_begun_anew(trials: Bench, kind: str, record: Record) -> None:
    made = story(trials, kind)
    bench, killed = Bench({kind: made}, trials.forks, trials.folder), 0
    for first, second in pairs(bench, made):
        runs = bench.trial(kind, {"at": first}, {"at": second})
        killed += runs[0].code == runs[1].code == -9
    what = "SIGKILL twice: with one thing begun, and at every boundary of the run that recovers it"
    record(1, what, killed, OUTCOME)
