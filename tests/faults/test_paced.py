"""The real budget, 1,200 requests in five minutes and then a block, is never overdrawn by the tool itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.conftest import Record
from tests.faults.forks import forks
from tests.faults.trials import begin, begun, ran
from tests.harness import Project

LONG = bool(os.environ.get("RECONCILER_LONG"))
RESOURCES, QUOTA, WINDOW = (5000, 1200, 300) if LONG else (300, 72, 18)
RATE = 30.0
_ACCOUNT = {"from": {"env": "ONE"}, "targets": ["account"]}


def many(count: int) -> dict[str, object]:
    return {"version": 1, "project": "many", "secrets": {f"s{n}": _ACCOUNT for n in range(count)}}


def times(project: Project) -> list[float]:
    return [one["time"] for one in project.page("ledger")]


@pytest.mark.timeout(900)
def test_the_budget_is_never_overdrawn(tmp_path: Path, record: Record) -> None:
    start = begin(tmp_path / "start", many(RESOURCES))
    with forks(RATE) as server, begun(start, tmp_path / "run", RATE) as project:
        project.settings(rate_limit={"requests": QUOTA, "window": WINDOW, "block": WINDOW})
        ended = ran(server, project, "apply", "--yes")
        assert ended.code == 0, ended.said
        ledger = project.page("ledger")
        assert [one["path"] for one in ledger if one["status"] == 429] == []
        assert len(project.world("secret")) == RESOURCES
        took, least = times(project)[-1] - times(project)[0], (len(ledger) - 1) // QUOTA * WINDOW
    ratio = took / least
    what = f"{RESOURCES:,} resources created on {QUOTA:,} requests in {WINDOW} s, then a block"
    record(13, what, len(ledger), "0 × 429, in {:.2f} times the least possible time", worst=ratio)
    assert ratio <= (1.1 if LONG else 2)  # rounding to seconds weighs more in short windows


def test_a_refusal_is_waited_out_to_the_second_and_nothing_is_lost(tmp_path: Path, record: Record) -> None:
    start = begin(tmp_path / "start", many(20))
    refusal = {"status": 429, "headers": {"Retry-After": "90"}, "body": {}}
    with forks(RATE) as server, begun(start, tmp_path / "run", RATE) as project:
        project.faults({"method": "POST", "path": "/secrets$", "after": 7, "fault": refusal})
        ended = ran(server, project, "apply", "--yes")
        assert ended.code == 0, ended.said
        assert len(project.world("secret")) == 20
        [refused] = [one["time"] for one in project.page("ledger") if one["status"] == 429]
        # What was under way already arrives a little later.
        pause = min(at for at in times(project) if at > refused + 45) - refused
    assert 90 <= pause <= 100
    what = "429 with `Retry-After: 90` in the middle of an apply"
    record(13, what, 1, "the next request {:.0f} s later, nothing lost", worst=pause)
