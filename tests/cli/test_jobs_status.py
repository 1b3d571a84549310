from __future__ import annotations

import pytest

from tests.cli.running_shop import BROKEN, leave_under_way, lines
from tests.harness import Project


def test_every_job_is_listed_with_its_last_run(running: Project) -> None:
    heads, migrate, purge, _, queue = lines(running.run("jobs", "status").out)
    assert heads == ["JOB", "STANDING", "BEGAN", "LAST", "EVENT"]
    assert [migrate[0], *migrate[1:4], migrate[-1]] == ["job.migrate", "ended", "with", "0", "VMStopped"]
    assert purge[0] == "job.purge"
    assert queue == ["application.tasks:", "queued", "0,", "running", "0"]


def test_one_job_is_shown_with_its_events(running: Project) -> None:
    ended = running.run("jobs", "status", "job.purge")
    document = running.run("jobs", "status", "purge", "--json").document
    [run] = document["jobs"]
    assert f"run {run['id']}\n  image shop-api@sha256:" in ended.out
    assert run["events"][0]["name"] == "SchedulerPlaced"
    assert document["queues"] == [
        {"application": "application.tasks", "scheduler": {"queued": 0, "running": 0}}
    ]


def test_a_failed_run_says_why(running: Project) -> None:
    running.settings(job_exit=[{"command": ["purge"], "code": 3}])
    running.run("jobs", "run", "purge")
    out = running.run("jobs", "status", "purge").out
    assert "job.purge  ended with 3  " in out
    assert "  it ended with 3: VMFailed\n" in out


def test_a_run_that_the_service_has_forgotten_is_gone(running: Project) -> None:
    running.faults({"path": "/jobs/", "fault": {"status": 404}, "times": 0})
    assert lines(running.run("jobs", "status", "purge").out)[1][:2] == ["job.purge", "gone"]


@pytest.mark.parametrize("text", [None, BROKEN])
def test_a_run_under_way_is_shown_as_such(running: Project, text: str | None) -> None:
    running.settings(job_seconds=1e9)
    leave_under_way(running)
    if text:
        running.write(text)
    assert lines(running.run("jobs", "status", "purge").out)[1][1] in ("queued", "running")


def test_watching_ends_when_no_run_is_under_way(running: Project) -> None:
    ended = running.run("jobs", "status", "--watch")
    assert (ended.code, ended.out.count("JOB")) == (0, 1)


def test_a_project_without_jobs_says_so(two_environments: Project) -> None:
    two_environments.apply("-e", "staging")
    assert two_environments.run("jobs", "status", "-e", "staging").out == "there are no jobs in the state\n"
