from __future__ import annotations

import pytest

from reconciler.render.happenings import Happening
from reconciler.render.jobs import JobRun, JobsReport, Queue, jobs_text

EVENTS = (Happening("10:00", "Info", "ContainerStarted", ""),)


def run(identity: str = "j", status: str = "Stopped", code: int | None = 0, problem: str = "") -> JobRun:
    return JobRun("job.a", identity, "a", status, code, problem, "host/a:1", "2026-11-20T10:00:00Z", EVENTS)


@pytest.mark.parametrize(
    ("one", "told", "is_over"),
    [
        (run(""), "never ran", True),
        (run(status=""), "gone", True),
        (run(status="Running"), "running", False),
        (run(status="Queued"), "queued", False),
        (run(), "ended with 0", True),
        (run(code=None), "stopped", True),
    ],
)
def test_how_a_run_stands(one: JobRun, told: str, is_over: bool) -> None:
    assert one.told == told
    assert one.is_over is is_over


def test_a_problem_comes_before_the_last_event() -> None:
    report = JobsReport(
        (run(), run(code=3, problem="it ended with 3")), (Queue("application.a", {"running": 1}),)
    )
    _, good, bad, _, queue = jobs_text(report, lambda _since: "3 d").splitlines()
    assert good == "job.a  ended with 0  3 d    ContainerStarted"
    assert bad == "job.a  ended with 3  3 d    it ended with 3"
    assert queue == "application.a: running 1"


def test_events_are_shown_below() -> None:
    text = jobs_text(JobsReport((run(), run("")), ()), lambda _since: "-", with_events=True)
    assert text.endswith("\nrun j\n  image host/a:1\n  10:00  ContainerStarted\n")
    assert text.count("image") == 1
