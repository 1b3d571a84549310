from __future__ import annotations

import pytest

from reconciler.cli import jobs_cancel
from tests.cli.running_shop import BROKEN, leave_under_way, memory
from tests.harness import Project


@pytest.fixture
def under_way(running: Project) -> Project:
    """A project with a run that would go on for ever."""
    running.settings(job_seconds=1e9)
    leave_under_way(running)
    return running


def test_a_run_under_way_is_stopped(under_way: Project) -> None:
    ended = under_way.run("jobs", "cancel", "purge", "--yes")
    assert (ended.code, ended.out) == (0, "job.purge was stopped: ended with 143\n")
    assert [one["terminate"] for one in under_way.world("job")].count(True) == 1


def test_it_writes_no_state_and_needs_neither_lock_nor_manifest(under_way: Project) -> None:
    under_way.write(BROKEN)
    before = memory(under_way).read()
    with memory(under_way).lock("apply"):
        document = under_way.run("jobs", "cancel", "purge", "--json").document
    assert (document["status"], document["exit_code"]) == ("Stopped", 143)
    assert memory(under_way).read() == before


def test_the_next_apply_tells_how_it_ended(under_way: Project) -> None:
    under_way.run("jobs", "cancel", "purge")
    ended = under_way.run("apply", "--yes")
    assert ended.code == 4
    assert "job.purge: it ended with 143" in ended.err


def test_a_run_that_is_over_is_left_alone(running: Project) -> None:
    since = running.last_request()
    ended = running.run("jobs", "cancel", "purge")
    assert (ended.code, ended.out) == (0, "job.purge is not under way: ended with 0\n")
    assert [method for method, _ in running.requests(since)] == ["GET"]


def test_its_end_is_awaited(under_way: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(jobs_cancel, "pause", waited.append)
    stopping = {"echo": {"status": {"health": "Running"}}}
    under_way.faults({"path": "/jobs/", "fault": stopping, "times": 3})
    assert under_way.run("jobs", "cancel", "purge").out == "job.purge was stopped: ended with 143\n"
    assert len(waited) == 2


def test_patience_has_an_end(under_way: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs_cancel, "pause", lambda _seconds: None)
    monkeypatch.setattr(jobs_cancel, "_PATIENCE", 3)
    under_way.faults({"path": "/jobs/", "fault": {"echo": {"status": {"health": "Running"}}}, "times": 0})
    ended = under_way.run("jobs", "cancel", "purge")
    assert ended.code == 1
    assert "was told to stop and still runs" in ended.err
