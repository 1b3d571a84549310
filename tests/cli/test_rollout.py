from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from tests.cli.rolling_shop import BROKEN, configured, fails, manifest, notes, running, versions
from tests.harness import Project
from tests.kinds.application_bench import applied_cleanly, change_in, sent, shop

MANUAL = {"rollout_kind": "full_manual", "rollout_step_percentage": "[25, 50, 100]"}


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Project]:
    with shop(tmp_path) as project:
        yield project


def statuses(made: Project) -> list[str]:
    report = made.run("rollout", "status", "api", "--json").document
    return [step["status"] for step in report["rollout"]["steps"]]


def started_by_hand(made: Project) -> None:
    """A manual rollout that waits for its first step; the manifest is broken from then on."""
    versions(made, manifest("one"))
    made.write(manifest("two", **MANUAL))
    assert made.run("apply", "--yes").code == 0
    made.write(BROKEN)


# status


def test_status_shows_what_there_never_was(made: Project) -> None:
    versions(made, manifest("one"))
    ended = made.run("rollout", "status", "api")
    assert (ended.code, ended.err) == (0, "")
    assert "application.api  shop-api  version 1" in ended.out
    assert "there never was one" in ended.out


def test_status_shows_the_steps_and_what_can_be_done(made: Project) -> None:
    started_by_hand(made)
    ended = made.run("rollout", "status", "application.api")
    assert "rollout    pending: 0 of 4 instances moved, full_manual" in ended.out
    assert "> reconciler rollout next application.api" in ended.out
    assert "> reconciler rollout revert application.api" in ended.out
    report = made.run("rollout", "status", "api", "--json").document
    assert [step["percentage"] for step in report["rollout"]["steps"]] == [25, 50, 100]
    assert (report["rollout"]["from_version"], report["rollout"]["target_version"]) == (1, 2)


def test_status_watches_until_the_end(made: Project) -> None:
    versions(made, manifest("one"))
    made.clock(rate=0.001)
    made.write(manifest("two"))
    made.apply("--no-wait")
    with mock.patch("reconciler.cli.watching.pause", side_effect=lambda _seconds: made.clock(advance=1.1)):
        ended = made.run("rollout", "status", "api", "--watch")
    assert ended.code == 0, ended.err
    assert ended.out.index("progressing: 0 of 4") < ended.out.index("completed: 4 of 4")


def test_watching_one_that_is_reverted_ends_with_4(made: Project) -> None:
    started_by_hand(made)
    act(made, "revert")
    assert made.run("rollout", "status", "api", "--watch").code == 4


def act(made: Project, action: str) -> None:
    """Somebody else takes a step of the rollout under way, or takes it back."""
    (application,) = made.world("application")
    path = f"containers/applications/{application['id']}/rollouts/{application['active_rollout_id']}"
    made.by_hand("POST", path, {"action": action})


# next and previous


def test_steps_are_taken_one_by_one(made: Project) -> None:
    started_by_hand(made)
    for expected in (["completed", "pending", "pending"], ["completed", "completed", "pending"]):
        ended = made.run("rollout", "next", "api", "--yes")
        assert ended.code == 0, ended.err
        assert statuses(made) == expected
    assert made.run("rollout", "previous", "api").code == 0
    assert statuses(made) == ["completed", "reverted", "pending"]
    assert made.run("rollout", "next", "api").code == 0
    ended = made.run("rollout", "next", "api")
    assert ended.code == 0, ended.err
    assert "completed: 4 of 4 instances moved" in ended.out
    made.write(manifest("two", **MANUAL))
    assert made.actions() == {}


def test_a_gate_of_the_manifest_does_not_run_away_with_it(made: Project) -> None:
    versions(made, manifest("one"))
    made.write(manifest("two", rollout="{gate: {for: 1h}}", **MANUAL))
    made.clock(rate=0.001)
    made.apply("--no-wait")
    made.clock(rate=1000)
    assert made.run("rollout", "next", "api").code == 0
    assert statuses(made) == ["completed", "pending", "pending"]
    assert change_in(made.plan())["action"] == "resume"


def test_what_the_service_does_not_take_is_an_error(made: Project) -> None:
    started_by_hand(made)
    ended = made.run("rollout", "previous", "api")
    assert ended.code == 1
    assert "the rollout does not take `previous` now: no step is completed" in ended.err
    assert made.run("rollout", "next", "api").code == 0


@pytest.mark.parametrize("choice", ["next", "previous", "revert"])
def test_where_nothing_is_under_way_there_is_nothing_to_choose(made: Project, choice: str) -> None:
    versions(made, manifest("one"), manifest("two"))
    since = made.last_request()
    ended = made.run("rollout", choice, "api")
    assert ended.code == 3
    assert "no rollout of application.api is under way" in ended.err
    assert {method for method, _ in made.requests(since)} == {"GET"}


@pytest.mark.parametrize("drop", ["before", "after"])
def test_a_step_whose_answer_is_lost_is_taken_once(made: Project, drop: str) -> None:
    started_by_hand(made)
    made.faults({"method": "POST", "path": "/rollouts/", "fault": {"drop": drop}})
    ended = made.run("rollout", "next", "api")
    assert ended.code == 0, ended.err
    assert statuses(made) == ["completed", "pending", "pending"]


def test_a_step_that_fails_ends_with_4_and_the_way_back(made: Project) -> None:
    started_by_hand(made)
    fails(made, "two")
    ended = made.run("rollout", "next", "api")
    assert ended.code == 4
    assert "undo it with `reconciler rollout revert application.api`" in ended.err


# revert


def test_a_rollout_under_way_is_taken_back_with_its_configuration(made: Project) -> None:
    versions(made, manifest("one", "1"))
    before = running(made)
    made.write(manifest("two", "2", **MANUAL))
    made.run("apply", "--yes")
    made.run("rollout", "next", "api")
    ended = made.run("rollout", "revert", "api")
    assert ended.code == 0, ended.err
    assert (running(made), {configured(made)}) == (before, before)
    plan = made.plan()
    assert plan["drift"] == []
    assert "version 2 was taken back at" in notes(made)
    assert made.run("rollout", "revert", "api").code == 3


def test_one_that_failed_and_was_left_is_taken_back_with_the_command_that_apply_named(made: Project) -> None:
    versions(made, manifest("one", "1"))
    before = running(made)
    made.write(manifest("two", "2"))
    fails(made, "two")
    ended = made.run("apply", "--yes")
    assert ended.code == 4
    assert "reconciler rollout revert application.api" in ended.err
    made.clock(advance=60)
    made.write(BROKEN)
    ended = made.run("rollout", "revert", "api")
    assert ended.code == 0, ended.err
    assert (running(made), {configured(made)}) == (before, before)
    made.write(manifest("one", "1"))
    assert change_in(made.plan())["effect"] == "none"


def test_what_somebody_else_reverted_gets_its_configuration_back(made: Project) -> None:
    versions(made, manifest("one", "1"))
    before = running(made)
    made.write(manifest("two", "2", **MANUAL))
    made.run("apply", "--yes")
    act(made, "revert")
    ended = made.run("apply", "--yes")
    assert ended.code == 4
    assert "it was reverted" in ended.err
    assert configured(made) != next(iter(before))
    assert made.run("rollout", "revert", "api").code == 0
    assert (running(made), {configured(made)}) == (before, before)


def test_a_rollout_nobody_remembers_is_taken_back_too(made: Project) -> None:
    versions(made, manifest("one", "1"))
    (application,) = made.world("application")
    wish = {**application["configuration"], "environment_variables": [{"name": "A", "value": "9"}]}
    body = {"description": "by hand", "strategy": "rolling", "step_percentage": 50, "kind": "full_manual"}
    body["target_configuration"] = wish
    made.by_hand("POST", f"containers/applications/{application['id']}/rollouts", body)
    assert made.run("rollout", "revert", "api").code == 0
    assert configured(made)[1] == "1"
    applied_cleanly(made)
    assert len(sent(made, "POST", "/rollouts")) == 1
