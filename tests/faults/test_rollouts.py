"""A rollout that never ends, or that the platform takes back: apply ends in time, the state knows, and the next run goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import Record
from tests.faults.forks import Forks, Ran, forks
from tests.faults.trials import begin, begun, ran
from tests.harness import Project

NEVER = 1e9  # seconds that a step takes
MINUTES = 10
RESUMED = {"application.api": "resume"}


def manifest(version: str) -> dict[str, Any]:
    api = {
        "image": "${images.one}",
        "instances": 2,
        "environment_variables": {"VERSION": version},
        "rollout": {"timeout": f"{MINUTES}m"},
    }
    return {
        "version": 1,
        "project": "rolling",
        "images": {"one": {"archive": "image-1"}},
        "applications": {"api": api},
    }


@pytest.fixture(scope="module")
def server() -> Iterator[Forks]:
    with forks() as made:
        yield made


@pytest.fixture
def rolling(tmp_path: Path, server: Forks) -> Iterator[Project]:
    """A project with one version applied and another one wanted, where no step of a rollout ends any more."""
    with begun(begin(tmp_path / "start", manifest("one")), tmp_path / "run", server.rate) as project:
        assert ran(server, project, "apply", "--yes").code == 0
        project.write(json.dumps(manifest("two")))
        project.settings(rollout_step_seconds=NEVER)
        yield project


def run_out_of_time(server: Forks, project: Project) -> None:
    """Applies, which ends when nothing has moved for too long."""
    ended = ran(server, project, "apply", "--yes")
    assert (ended.code, "its rollout is still under way" in ended.said) == (4, True), ended.said


def minutes_of_watching(project: Project) -> float:
    """By the world's time, from the only start of a rollout to the last question about it."""
    ledger = project.page("ledger")
    [begun_at] = [
        one["time"] for one in ledger if one["method"] == "POST" and one["path"].endswith("/rollouts")
    ]
    minutes: float = (ledger[-1]["time"] - begun_at) / 60
    return minutes


def takes_back(project: Project) -> None:
    """The platform reverts what is under way, as soon as something is."""
    while not (id_of_rollout := under_way(project)):
        time.sleep(0.005)
    [application] = project.world("application")
    path = f"containers/applications/{application['id']}/rollouts/{id_of_rollout}"
    project.by_hand("POST", path, {"action": "revert"})


def under_way(project: Project) -> str:
    [application] = project.world("application")
    return str(application.get("active_rollout_id", ""))


def is_taken_back(ended: Ran, server: Forks, project: Project) -> None:
    """What an apply says of it, and that the next ones begin it again and bring it to its end."""
    assert (ended.code, "it was reverted" in ended.said) == (4, True), ended.said
    assert project.actions() == {"application.api": "update"}
    project.settings(rollout_step_seconds=1)
    goes_on_to_its_end(server, project)


def goes_on_to_its_end(server: Forks, project: Project) -> None:
    ended = ran(server, project, "apply", "--yes")
    assert ended.code == 0, ended.said
    looked = ran(server, project, "plan", "--detailed-exitcode")
    assert looked.code == 0, looked.said
    [application] = project.world("application")
    assert {one["version"] for one in application["running"]} == {application["version"]}


def test_one_that_never_ends_and_then_does(server: Forks, rolling: Project, record: Record) -> None:
    run_out_of_time(server, rolling)
    took = minutes_of_watching(rolling)
    assert MINUTES - 1 <= took <= 2 * MINUTES
    assert rolling.actions() == RESUMED
    run_out_of_time(server, rolling)
    assert minutes_of_watching(rolling) > took
    rolling.clock(advance=3 * NEVER)
    goes_on_to_its_end(server, rolling)
    what = f"a rollout that never moves, with a timeout of {MINUTES} minutes; which then ends after all"
    outcome = (
        "left after {:.0f} minutes with exit 4, `resume` in the next plan, nothing left after one more apply"
    )
    record(28, what, 2, outcome, worst=took)


def test_one_that_is_taken_back_after_it_was_left(server: Forks, rolling: Project, record: Record) -> None:
    run_out_of_time(server, rolling)
    takes_back(rolling)
    assert rolling.actions() == RESUMED
    is_taken_back(ran(server, rolling, "apply", "--yes"), server, rolling)
    record(28, "a rollout left under way, and taken back by the platform", 1, OUTCOME)


def test_one_that_is_taken_back_while_it_is_watched(server: Forks, rolling: Project, record: Record) -> None:
    with ThreadPoolExecutor(1) as pool:
        taking = pool.submit(takes_back, rolling)
        ended = ran(server, rolling, "apply", "--yes")
        taking.result()
    is_taken_back(ended, server, rolling)
    record(28, "a rollout taken back by the platform while apply watches it", 1, OUTCOME)


OUTCOME = "exit 4, told as what it is; the next apply begins it anew, after which nothing is left"
