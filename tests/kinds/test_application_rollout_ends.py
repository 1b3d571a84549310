"""How a rollout may end while an apply watches it, or after it, and what is remembered and said of each end."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from tests.cli.rolling_shop import configured, fails, manifest, notes, running, versions
from tests.harness import Ended, Project
from tests.kinds.application_bench import applied_cleanly, change_in, sent, shop

MANUAL = {"rollout_kind": "full_manual", "rollout_step_percentage": "[50, 100]"}
LONG_AGO = 60


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Project]:
    with shop(tmp_path) as project:
        versions(project, manifest("one", "1"))
        yield project


def rolls_out(made: Project, *args: str, **options: Any) -> Ended:
    """Applies the second version."""
    made.write(manifest("two", "2", **options))
    return made.run("apply", "--yes", *args)


def pendings(made: Project) -> list[Any]:
    """What the state remembers as still under way."""
    state = json.loads((made.folder / "state" / "default.json").read_text())
    known = state["resources"]
    entries = known.values() if isinstance(known, dict) else known
    return [one for entry in entries for one in entry.get("pending", ())]


def act(made: Project, action: str) -> None:
    """Somebody else takes a step of the rollout under way, or takes it back."""
    (application,) = made.world("application")
    path = f"containers/applications/{application['id']}/rollouts/{application['active_rollout_id']}"
    made.by_hand("POST", path, {"action": action})


def other_rollout(made: Project, variable: str) -> None:
    """Somebody else starts a rollout of their own."""
    (application,) = made.world("application")
    wish = {**application["configuration"], "environment_variables": [{"name": "A", "value": variable}]}
    body = {
        "description": "theirs",
        "strategy": "rolling",
        "step_percentage": 100,
        "target_configuration": wish,
    }
    made.by_hand("POST", f"containers/applications/{application['id']}/rollouts", body)


# a broken gate


def test_a_revert_is_waited_for_and_remembered_as_it_is(made: Project) -> None:
    before = running(made)
    fails(made, "two")
    ended = rolls_out(made, rollout="{on_failure: revert}")
    assert ended.code == 4
    assert (running(made), {configured(made)}) == (before, before)
    assert pendings(made) == []
    plan = made.plan()
    assert plan["drift"] == []
    assert "version 2 was reverted at" in notes(made)
    made.write(manifest("one", "1"))
    assert change_in(made.plan())["effect"] == "none"


def test_one_that_ended_before_it_was_seen_to_fail_is_sent_back_by_another(made: Project) -> None:
    before = running(made)
    made.clock(rate=0.001)
    rolls_out(made, "--no-wait", rollout="{on_failure: revert}")
    made.clock(advance=LONG_AGO)
    made.clock(rate=1000)
    fails(made, "two")
    ended = made.run("apply", "--yes")
    assert ended.code == 4, ended.err
    assert (running(made), {configured(made)}) == (before, before)
    assert pendings(made) == []
    assert all("active_rollout_id" not in one for one in made.world("application"))


def test_paused_it_stays_where_it_is_and_can_be_gone_on_with(made: Project) -> None:
    fails(made, "two")
    ended = rolls_out(made, rollout="{on_failure: pause, gate: {for: 1ms}}", **MANUAL)
    assert ended.code == 4
    assert "go on all the same with `reconciler rollout next application.api`, or undo it with" in ended.err
    assert len(running(made)) == 2
    assert [one["what"] for one in pendings(made)] == ["rollout"]
    made.settings(unhealthy=[])
    assert change_in(made.plan())["action"] == "resume"
    applied_cleanly(made)
    assert len(running(made)) == 1


# somebody else


def choices(made: Project) -> list[str]:
    """What was chosen of rollouts, in order."""
    said = [one for one in made.page("ledger") if one["method"] == "POST" and "/rollouts/" in one["path"]]
    return [one["body"]["action"] for one in said]


GATED = {**MANUAL, "rollout_step_percentage": "[25, 50, 100]"}


@pytest.mark.parametrize(
    ("on_failure", "taken", "images", "next_action"),
    [("continue", 1, 2, "resume"), ("pause", 1, 2, "resume"), ("revert", 1, 1, "update")],
)
def test_a_gate_that_is_broken_takes_no_further_step(
    made: Project, on_failure: str, taken: int, images: int, next_action: str
) -> None:
    fails(made, "two")
    ended = rolls_out(
        made, rollout=f"{{on_failure: {on_failure}, gate: {{max_failed: 0, for: 1ms}}}}", **GATED
    )
    assert ended.code == 4, ended.err
    assert "of the new version failed at step" in ended.err
    assert choices(made).count("next") == taken
    assert len(running(made)) == images
    assert made.actions() == {"application.api": next_action}


def test_a_gate_that_is_met_takes_every_step_and_waits_in_between(made: Project) -> None:
    ended = rolls_out(made, rollout="{gate: {max_failed: 0, for: 50ms}}", **GATED)
    assert ended.code == 0, ended.err
    assert choices(made) == ["next"] * 3
    assert "step 1 of 3 is done and watched for 0.05 s" in ended.err
    assert running(made) == {configured(made)}
    assert made.actions() == {}


def test_reverted_by_somebody_else(made: Project) -> None:
    rolls_out(made, **MANUAL)
    act(made, "revert")
    assert change_in(made.plan())["action"] == "resume"
    ended = made.run("apply", "--yes")
    assert ended.code == 4
    assert "the rollout went wrong: it was reverted at step 1 of 2" in ended.err
    assert "put its configuration back, too, with `reconciler rollout revert application.api`" in ended.err
    assert "version 2 was reverted at" in notes(made)


def test_reverted_by_somebody_else_the_configuration_goes_back_where_that_is_wished(made: Project) -> None:
    before = running(made)
    rolls_out(made, rollout="{on_failure: revert}", **MANUAL)
    act(made, "revert")
    assert made.run("apply", "--yes").code == 4
    assert (running(made), {configured(made)}) == (before, before)


def test_replaced_by_somebody_else(made: Project) -> None:
    made.clock(rate=0.001)
    rolls_out(made, "--no-wait")
    other_rollout(made, "9")
    made.clock(rate=1000)
    made.write(manifest("two", "9"))
    ended = made.run("apply", "--yes")
    assert ended.code == 4
    assert "the rollout was given up: another rollout" in ended.err
    assert "`reconciler rollout status application.api` shows what goes on" in ended.err
    applied_cleanly(made)


# left under way


def test_one_left_under_way_is_plain_data_that_the_next_run_goes_on_with(made: Project) -> None:
    made.clock(rate=0.001)
    assert rolls_out(made, "--no-wait", rollout="{timeout: 10m, on_failure: revert}").code == 0
    (pending,) = pendings(made)
    token = pending["token"]
    assert (token["timeout"], token["on_failure"], token["target_version"]) == (600, "revert", 2)
    assert [path for path, _ in token["previous"]] == [["environment_variables", "A"], ["image"]]
    assert made.actions() == {"application.api": "resume"}
    made.clock(rate=1000)
    since = made.last_request()
    made.apply()
    assert {method for method, _ in made.requests(since)} == {"GET"}
    assert pendings(made) == []


def test_out_of_time_is_no_failure(made: Project) -> None:
    made.clock(rate=0.001)
    ended = rolls_out(made, rollout="{timeout: 10ms}")
    assert ended.code == 4
    assert "its rollout is still under way: nothing has moved for 10ms and the grace period" in ended.err
    assert made.actions() == {"application.api": "resume"}
    made.clock(rate=1000)
    applied_cleanly(made)


# what runs


def test_stragglers_are_named_at_the_end(made: Project) -> None:
    straggling = {"path": "/dash/applications/.*/instances", "times": 0}
    late = [{"id": "1-2", "app_version": 1, "name": "old-one"}]
    body = {
        "success": True,
        "errors": [],
        "messages": [],
        "result": {"instances": late, "durable_objects": []},
    }
    made.faults({**straggling, "fault": {"status": 200, "body": body}})
    ended = rolls_out(made)
    assert ended.code == 0, ended.err
    assert "the rollout is complete, but old-one still runs another version" in ended.err
    assert "it is as it was meant" not in ended.err


# by hand


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("answers", "code", "images"), [("next\nnext\n", 0, 1), ("next\nstop\n", 0, 2), ("next\nrevert\n", 4, 1)]
)
def test_on_a_terminal_each_step_is_asked_for(
    made: Project, answers: str, code: int, images: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = running(made)
    monkeypatch.setattr("reconciler.kinds.application.rollout_options._GOOD_FOR", "1ms")
    asked: list[str] = []
    given = iter(answers.split())

    def prompt(question: str, **_options: Any) -> str:
        asked.append(question)
        return next(given)

    monkeypatch.setattr("click.prompt", prompt)
    with mock.patch("tests.harness.io.StringIO", side_effect=[io.StringIO(), io.StringIO(), Terminal()]):
        ended = rolls_out(made, **MANUAL)
    assert ended.code == code, ended.err
    assert len(asked) == 2
    assert "take step 2 of 2, to 100 % of the instances?" in asked[1]
    assert len(running(made)) == images
    assert (running(made) == before) == ("revert" in answers)


def test_a_person_who_takes_it_back_gets_the_configuration_back_too(
    made: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = running(made)
    monkeypatch.setattr("click.prompt", lambda *_args, **_options: "revert")
    with mock.patch("tests.harness.io.StringIO", side_effect=[io.StringIO(), io.StringIO(), Terminal()]):
        ended = rolls_out(made, **MANUAL)
    assert ended.code == 4
    assert "it was taken back, as was answered" in ended.err
    assert {configured(made)} == before
    assert len(sent(made, "POST", "/rollouts")) == 1
    assert "version 2 was taken back at" in notes(made)
