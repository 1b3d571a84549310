from __future__ import annotations

import signal
from typing import Any

import pytest

from reconciler.model.address import ResourceAddress
from reconciler.model.event import StepBegun, StepCheckpointed
from reconciler.model.state import State
from tests.cli.running_shop import (
    BROKEN,
    MANIFEST,
    PURGE,
    leave_under_way,
    memory,
    record,
    start_by_hand,
)
from tests.harness import Project


def runs(running: Project, command: str = "purge") -> list[Any]:
    return [one for one in running.world("job") if one["command"] == [command]]


def variable(job: Any, name: str = "RECONCILER_RUN") -> str:
    return next(str(one["value"]) for one in job["environment_variables"] if one["name"] == name)


def state(running: Project) -> State:
    found = memory(running).read()
    assert found is not None
    return found


def starts(running: Project, since: int) -> int:
    return sum(path.endswith("/jobs") for method, path in running.requests(since) if method == "POST")


def test_a_job_runs_once_more_with_its_last_inputs(running: Project) -> None:
    before = state(running)
    ended = running.run("jobs", "run", "purge")
    assert ended.code == 0, ended.err
    assert "job.purge  ended with 0  " in ended.out
    first, second = runs(running)
    assert variable(first) != variable(second)
    assert {key: first[key] for key in ("image", "command", "timeout")} == {
        key: second[key] for key in ("image", "command", "timeout")
    }
    assert running.actions() == {}
    now = state(running)
    assert now.serial > before.serial
    assert now.resources[PURGE].outputs["id"] == second["id"]
    assert now.resources[PURGE].depends_on == before.resources[PURGE].depends_on


def test_nothing_else_of_the_memory_changes(running: Project) -> None:
    before = state(running)
    running.run("jobs", "run", "purge")
    now = state(running)
    assert now.outputs == before.outputs
    assert {one: prior for one, prior in now.resources.items() if one != PURGE} == {
        one: prior for one, prior in before.resources.items() if one != PURGE
    }


def test_the_manifest_has_no_say_in_what_runs(running: Project) -> None:
    running.write(MANIFEST.replace("command: [purge]", "command: [purge, --all]"))
    assert running.run("jobs", "run", "job.purge").code == 0
    assert len(runs(running)) == 2
    assert running.actions() == {"job.purge": "run"}


def test_json_is_one_document(running: Project) -> None:
    document = running.run("jobs", "run", "purge", "--json").document
    assert (document["address"], document["status"], document["exit_code"]) == ("job.purge", "Stopped", 0)
    assert [one["name"] for one in document["events"]][-1] == "VMStopped"


def test_a_run_that_fails_exits_as_apply_does(running: Project) -> None:
    running.settings(job_exit=[{"command": ["purge"], "code": 3}])
    ended = running.run("jobs", "run", "purge", "--yes")
    assert ended.code == 4
    assert "error: job.purge: it ended with 3" in ended.err
    assert "job.purge  ended with 3" in ended.out
    assert state(running).resources[PURGE].facts["failed"] is True


def test_a_run_that_cannot_be_started_exits_with_one(running: Project) -> None:
    running.settings(refuse=["jobs"])
    ended = running.run("jobs", "run", "purge")
    assert ended.code == 1
    assert "not open to every account" in ended.err
    assert ended.out == ""


@pytest.mark.parametrize("text", [BROKEN, "", None])
def test_a_broken_manifest_does_not_stop_it(running: Project, text: str | None) -> None:
    running.write(text or "")
    if text is None:
        (running.folder / "containers.yaml").unlink()
    assert running.run("jobs", "run", "purge").code == 0
    assert len(runs(running)) == 2


def test_secrets_come_from_their_source(running: Project) -> None:
    running.environ["DB_PASSWORD"] = "rotated-value"
    ended = running.run("jobs", "run", "migrate")
    assert ended.code == 0, ended.err
    assert [one["secrets"] for one in runs(running, "migrate")][1] == [
        {"name": "DATABASE_URL", "type": "env"}
    ]
    assert "rotated-value" not in ended.out + ended.err + str(state(running))
    assert [one for one in running.actions() if one.startswith("job.")] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BROKEN, "which names their sources, cannot be read: containers.yaml:2:1  a bracket is never closed"),
        (MANIFEST.replace("  migrate:", "  other:"), "no longer names the sources of DATABASE_URL"),
    ],
)
def test_secrets_without_a_source_stop_it_before_anything_is_done(
    running: Project, text: str, said: str
) -> None:
    running.write(text)
    since, before = running.last_request(), state(running)
    ended = running.run("jobs", "run", "migrate")
    assert ended.code == 1
    assert said in ended.err
    assert starts(running, since) == 0
    assert state(running) == before


def test_a_run_whose_answer_is_lost_is_found(running: Project) -> None:
    running.faults({"method": "POST", "path": "/jobs$", "fault": {"drop": "after"}})
    assert running.run("jobs", "run", "purge").code == 0
    assert len(runs(running)) == 2


@pytest.mark.parametrize(("on_lost", "code", "count"), [("rerun", 0, 2), ("stop", 1, 1)])
def test_what_happens_to_a_lost_run_is_what_the_last_apply_said(
    running: Project, on_lost: str, code: int, count: int
) -> None:
    running.write(MANIFEST.replace("command: [purge]", f"command: [purge], on_lost: {on_lost}, timeout: 9"))
    running.apply()
    running.write(BROKEN)
    running.faults({"method": "POST", "path": "/jobs$", "fault": {"drop": "before"}})
    ended = running.run("jobs", "run", "purge")
    assert ended.code == code, ended.err
    assert sum(one["timeout"] == 9 for one in runs(running)) == count
    assert ("its answer lost" in ended.err) is (on_lost == "stop")


def begun(address: ResourceAddress, verb: str = "run") -> StepBegun:
    return StepBegun(address, verb, "op", "2026-11-20T10:00:00Z", run="earlier", uniqueness="unknowable")


def test_a_run_that_was_cut_off_is_taken_over(running: Project) -> None:
    job = start_by_hand(running, "r7")
    reached = StepCheckpointed(PURGE, "op", "began", {"run": "r7"})
    record(running, begun(PURGE), reached, finished=False)
    since = running.last_request()
    assert running.run("jobs", "run", "purge").code == 0
    assert starts(running, since) == 0
    assert state(running).resources[PURGE].outputs["id"] == job["id"]
    assert state(running).intents == {}


def test_what_was_cut_off_elsewhere_is_left_to_apply(running: Project) -> None:
    record(running, begun(ResourceAddress("application", "web"), "update"), finished=False)
    since = running.last_request()
    ended = running.run("jobs", "run", "purge")
    assert ended.code == 3
    assert "was cut off while it worked on application.web; `apply` settles that first" in ended.err
    assert starts(running, since) == 0


def test_a_run_that_was_left_under_way_comes_first(running: Project) -> None:
    left = leave_under_way(running)
    ended = running.run("jobs", "run", "purge")
    assert ended.code == 0, ended.err
    assert f"its run of {left['created_at']} comes first" in ended.err
    assert len(runs(running)) == 3
    assert state(running).resources[PURGE].outputs["id"] != left["id"]
    assert running.actions() == {}


def test_one_writer_at_a_time(running: Project) -> None:
    since = running.last_request()
    with memory(running).lock("apply"):
        ended = running.run("jobs", "run", "purge")
    assert ended.code == 3
    assert starts(running, since) == 0


def test_what_never_ran_has_nothing_to_run_with(running: Project) -> None:
    ended = running.run("jobs", "run", "nightly")
    assert (ended.code, ended.out) == (1, "")
    assert "job.nightly is not in the state" in ended.err


def test_interrupted_it_records_that_the_run_goes_on(running: Project) -> None:
    running.settings(job_seconds=1e9)
    since = running.last_request()
    process = running.process("jobs", "run", "purge")
    running.await_requests(since, 2, process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "job.purge: its run is still under way: interrupted" in said
    assert state(running).resources[PURGE].pending[0].what == "job"
