from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.rolling_shop import BROKEN, manifest, versions
from tests.harness import Project
from tests.kinds.application_bench import HEAD, sent, shop

MANAGED = """
images: {one: {archive: one}}
workers: {edge: {main: worker.js, compatibility_date: "2026-10-01"}}
applications:
  api: {scheduling_policy: durable_object, class_name: Api, worker: edge, images: {main: "${images.one}"}}
"""


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Project]:
    with shop(tmp_path) as project:
        yield project


def since(made: Project) -> set[str]:
    """When the instances started."""
    (application,) = made.world("application")
    return {run["since"] for run in application["running"]}


def test_every_instance_starts_anew_and_nothing_else_changes(made: Project) -> None:
    versions(made, manifest("one", "1"))
    before, started = configuration(made), since(made)
    made.write(BROKEN)
    ended = made.run("restart", "api", "--yes")
    assert ended.code == 0, ended.err
    assert configuration(made) == before
    assert not since(made) & started
    assert sent(made, "PATCH", made.world("application")[0]["id"]) == []
    made.write(manifest("one", "1"))
    assert made.actions() == {}


def configuration(made: Project) -> Any:
    return made.world("application")[0]["configuration"]


def test_it_takes_the_steps_of_the_last_apply(made: Project) -> None:
    versions(made, manifest("one", rollout_step_percentage="[25, 50, 100]"))
    made.write(manifest("two", rollout_step_percentage="[25, 50, 100]"))
    made.apply()
    made.run("restart", "api")
    first, second = sent(made, "POST", "/rollouts")
    assert first["steps"] == second["steps"]


def test_two_in_a_row_are_two(made: Project) -> None:
    versions(made, manifest("one"))
    for count in (1, 2):
        assert made.run("restart", "api").code == 0
        assert len(made.world("rollout")) == count


def test_a_rollout_under_way_is_not_disturbed(made: Project) -> None:
    versions(made, manifest("one"))
    made.clock(rate=0.001)
    made.write(manifest("two"))
    made.apply("--no-wait")
    ended = made.run("restart", "api")
    assert ended.code == 3
    assert "a rollout of application.api is under way" in ended.err
    assert "rollout revert application.api" in ended.err


def test_a_generation_rises(made: Project) -> None:
    versions(made, manifest("one", generation_variable="GEN"))
    assert made.run("restart", "api").code == 0
    variables = configuration(made)["environment_variables"]
    assert variables == [{"name": "GEN", "value": "2"}]
    assert made.actions() == {}


@pytest.mark.parametrize("drop", ["before", "after"])
def test_a_lost_answer_is_one_restart(made: Project, drop: str) -> None:
    versions(made, manifest("one"))
    made.faults({"method": "POST", "path": "/rollouts$", "fault": {"drop": drop}})
    ended = made.run("restart", "api")
    assert ended.code == 0, ended.err
    assert len(made.world("rollout")) == 1


def test_instances_that_take_changes_up_by_themselves_restart_all_the_same(made: Project) -> None:
    versions(made, manifest("one", rollout_kind="none"))
    started = since(made)
    assert made.run("restart", "api").code == 0
    assert not since(made) & started


@pytest.mark.parametrize("command", ["restart", "rollback"])
def test_what_its_durable_object_manages_has_no_rollouts(made: Project, command: str) -> None:
    versions(made, HEAD + MANAGED)
    ended = made.run(command, "api")
    assert ended.code == 3
    assert "is managed by its Durable Object" in ended.err


def test_one_that_is_gone_is_said_to_be(made: Project) -> None:
    versions(made, manifest("one"))
    (application,) = made.world("application")
    made.by_hand("DELETE", f"containers/applications/{application['id']}")
    made.clock(advance=60)
    ended = made.run("restart", "api")
    assert ended.code == 1
    assert "is gone: somebody deleted it; `apply` makes it anew" in ended.err.replace("\n", " ")
