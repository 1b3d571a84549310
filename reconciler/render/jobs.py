"""Runs of jobs for people: how the last one of each stands, and what happened to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reconciler.frozen import frozen
from reconciler.render.happenings import Happening, happenings_text, last_told
from reconciler.render.harmless import harmless
from reconciler.render.table import WIDTH, indented, table
from reconciler.render.values import Wording

OVER = ("Stopped", "")
_WORDING = Wording()


@frozen
class JobRun:
    """The last run of a job; `status` is the service's word, "" where it knows of none. `problem`: why it did not end well."""

    address: str
    id: str
    application_id: str
    status: str
    exit_code: int | None
    problem: str
    image: str
    began_at: str
    events: tuple[Happening, ...]

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in OVER

    @property
    def told(self) -> str:
        """How it stands, in a word or two."""
        if not self.id:
            return "never ran"
        if not self.status:
            return "gone"
        if self.status != "Stopped":
            return self.status.lower()
        return "stopped" if self.exit_code is None else f"ended with {self.exit_code}"


@frozen
class Queue:
    """What the scheduler of an application with jobs says; its words are not documented (reference 2.3)."""

    application: str
    scheduler: Mapping[str, Any]


@frozen
class JobsReport:
    """Runs, and the queues in which runs of the same applications wait."""

    jobs: tuple[JobRun, ...]
    queues: tuple[Queue, ...]


def jobs_text(
    report: JobsReport, age: Callable[[str], str], width: int = WIDTH, *, with_events: bool = False
) -> str:
    """A line for each job, with the last that happened; for one job, all that did."""
    if not report.jobs:
        return "there are no jobs in the state\n"
    rows = [(one.address, one.told, age(one.began_at), _last(one)) for one in report.jobs]
    text = table(("JOB", "STANDING", "BEGAN", "LAST EVENT"), rows, width)
    if with_events:
        text += "".join(_events(one, width) for one in report.jobs)
    return text + _queues(report.queues)


def _last(one: JobRun) -> str:
    return one.problem or last_told(one.events)


def _events(one: JobRun, width: int) -> str:
    if not one.id:
        return ""
    image = f"\n  image {_WORDING.shown(one.image)}" if one.image else ""
    return f"\nrun {harmless(one.id)}{image}\n{indented(happenings_text(one.events, width - 2))}"


def _queues(queues: Sequence[Queue]) -> str:
    lines = []
    for queue in queues:
        words = ", ".join(f"{key} {value}" for key, value in sorted(queue.scheduler.items()))
        lines.append(harmless(f"{queue.application}: {words}") + "\n")
    return ("\n" + "".join(lines)) if lines else ""
