"""Large states: what an apply writes, what a plan asks, how deep a graph may be, and how a loop in one is told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import Record
from tests.faults.forks import forks
from tests.faults.trials import begin, begun, ran

LONG = bool(os.environ.get("RECONCILER_LONG"))
MANY, MOST = (1000, 10_000) if LONG else (60, 300)
_ACCOUNT = {"from": {"env": "ONE"}, "targets": ["account"]}


def secrets(count: int) -> dict[str, Any]:
    return {"version": 1, "project": "large", "secrets": {f"s{n}": _ACCOUNT for n in range(count)}}


def chain(count: int, *, closed: bool = False) -> dict[str, Any]:
    made = secrets(count)
    for n in range(0 if closed else 1, count):
        made["secrets"][f"s{n}"] = {**_ACCOUNT, "depends_on": [f"secret.s{(n - 1) % count}"]}
    return made


def over(seconds: float, bar: float) -> str:
    """Why a bar is not met."""
    return "" if seconds <= bar else f"{bar:.0f} s are the bar"


def test_what_an_apply_writes(tmp_path: Path, record: Record) -> None:
    with (
        forks() as server,
        begun(begin(tmp_path / "start", secrets(MANY)), tmp_path / "run", server.rate) as project,
    ):
        project.settings(limits=False)
        ended = ran(server, project, "apply", "--yes")
        assert ended.code == 0, ended.said
        [state] = (project.folder / "state").glob("*.json")
        size, written = state.stat().st_size, ended.written
    assert written <= 4096 * MANY + 3 * size
    what = f"an apply of {MANY:,} creates: bytes written over what is allowed"
    record(3, what, MANY, "{:.2f} of it", worst=written / (4096 * MANY + 3 * size))
    record(3, "the same: CPU time", MANY, "{:.1f} s", worst=ended.cpu, missed=over(ended.cpu, 3))


@pytest.mark.timeout(600)
def test_what_a_plan_asks(tmp_path: Path, record: Record) -> None:
    manifest = {
        "version": 1,
        "project": "large",
        "images": {"one": {"archive": "image-1"}},
        "applications": {f"a{n}": {"image": "${images.one}", "instances": 1} for n in range(MOST)},
    }
    with (
        forks() as server,
        begun(begin(tmp_path / "start", manifest), tmp_path / "run", server.rate) as project,
    ):
        project.settings(limits=False)
        ended = ran(server, project, "apply", "--yes")
        assert ended.code == 0, ended.said[-2000:]
        since = project.last_request()
        assert ran(server, project, "plan", "--detailed-exitcode").code == 0
        asked = [path for _, path in project.requests(since) if path.startswith("/client/")]
    assert len(asked) <= 20
    what = f"a plan of {MOST:,} applications that finds nothing to do: requests to the API"
    record(14, what, 1, "{:.0f}", worst=len(asked))


def test_a_deep_chain(tmp_path: Path, record: Record) -> None:
    start = begin(tmp_path / "start", chain(MOST))
    with forks() as server, begun(start, tmp_path / "run", server.rate) as project:
        ended = ran(server, project, "plan", "--format=summary")
        assert ended.code == 0, ended.said[-2000:]
    what = f"a plan of a chain of {MOST:,}: CPU time"
    record(17, what, 1, "{:.1f} s", worst=ended.cpu, missed=over(ended.cpu, 3))


def test_a_loop_in_a_large_graph(tmp_path: Path, record: Record) -> None:
    start = begin(tmp_path / "start", chain(MOST, closed=True))
    with forks() as server, begun(start, tmp_path / "run", server.rate) as project:
        ended = ran(server, project, "plan")
    assert ended.code == 1
    assert "s1" in ended.said
    assert "Traceback" not in ended.said
    what = f"a loop of {MOST:,}: CPU time, reading the manifest and printing each line included"
    record(16, what, 1, "{:.1f} s", worst=ended.cpu, missed=over(ended.cpu, 1))


def test_a_loop_is_told_before_anything_is_fetched(tmp_path: Path) -> None:
    asking = {"from": {"command": ["touch", "asked"]}, "targets": ["account"]}
    loop = {
        "one": {**asking, "depends_on": ["secret.other"]},
        "other": {**asking, "depends_on": ["secret.one"]},
    }
    start = begin(tmp_path / "start", {"version": 1, "project": "large", "secrets": loop})
    with forks() as server, begun(start, tmp_path / "run", server.rate) as project:
        ended = ran(server, project, "plan")
        assert (ended.code, "wait for each other" in ended.said) == (1, True), ended.said
        assert not (project.folder / "asked").exists()
