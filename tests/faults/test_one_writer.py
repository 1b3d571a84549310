"""One writer at a time, wherever the state lies: fifty at once, holders that are killed, holders that are paused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import LockHeldError
from reconciler.storage.store import Store
from tests.faults.conftest import Record
from tests.faults.contender import store_of
from tests.storage.conftest import bucket_url, database, lying_bucket_url, state_server
from tests.storage.places import BUCKET, KEYS

__all__ = ["bucket_url", "database", "lying_bucket_url", "state_server"]

ROUNDS = 200 if os.environ.get("RECONCILER_LONG") else 2
PROCESSES = 50
LEASE = 3.0
Told = dict[str, Any]


def told_of(backend: str, request: pytest.FixtureRequest, folder: Path) -> Told:
    """A place as a process of its own is told of it."""
    settings: dict[str, str] = {}
    if backend == "s3":
        url = request.getfixturevalue("bucket_url")
        settings = {"bucket": BUCKET, "endpoint": url, "prefix": folder.name}
    elif backend == "postgres":
        settings = {**request.getfixturevalue("database"), "schema": folder.name}
    elif backend == "http":
        settings = {"address": f"{request.getfixturevalue('state_server')}/{folder.name}"}
    return {"backend": backend, "settings": settings, "folder": str(folder / "state")}


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(params=["s3", "postgres", "http"])
def remote(request: pytest.FixtureRequest, tmp_path: Path, keys: None) -> Told:
    return told_of(request.param, request, tmp_path)


@pytest.fixture(params=["local", "s3", "postgres", "http"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path, keys: None) -> Told:
    return told_of(request.param, request, tmp_path)


@contextmanager
def holding(place: Told, where: str = "elsewhere") -> Iterator[subprocess.Popen[str]]:
    """A process that has the lease and has written twice."""
    command = [sys.executable, "-m", "tests.faults.holder", json.dumps(place), str(LEASE), where]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert [process.stdout.readline() for _ in range(2)] == ["0\n", "1\n"]
            yield process
        finally:
            process.kill()


def ours(place: Told) -> Store:
    return store_of(place, seconds=LEASE)


def contend(place: Told, folder: Path, rounds: int) -> dict[str, int]:
    command = [sys.executable, "-m", "tests.faults.contender", json.dumps(place), str(folder)]
    ended = subprocess.run(
        [*command, str(PROCESSES), str(rounds)], capture_output=True, text=True, check=True
    )
    found: dict[str, int] = json.loads(ended.stdout)
    return found


@pytest.mark.timeout(300 * ROUNDS)
def test_fifty_at_once_are_never_two_writers(anywhere: Told, tmp_path: Path, record: Record) -> None:
    total = contend(anywhere, tmp_path, ROUNDS)
    assert set(total) == {"wrote", "refused", "rounds"}, total
    assert total["wrote"] + total["refused"] == PROCESSES * ROUNDS
    assert total["wrote"] >= ROUNDS
    state = ours(anywhere).read()
    assert state is not None
    assert state.outputs == {"n": total["wrote"]}
    what = f"{PROCESSES} processes at once, at a folder, a bucket, PostgreSQL and a state server: rounds"
    record(5, what, ROUNDS, "never two writers, no update lost")


def test_fifty_at_a_bucket_that_lies_all_refuse(
    lying_bucket_url: str, tmp_path: Path, keys: None, record: Record
) -> None:
    settings = {"bucket": BUCKET, "endpoint": lying_bucket_url, "prefix": tmp_path.name}
    total = contend({"backend": "s3", "settings": settings}, tmp_path, 1)
    assert "wrote" not in total or total["wrote"] == 0
    assert total["failed"] == PROCESSES
    assert all("ignores the conditions" in what for what in total if what.startswith("StateError"))
    record(
        5,
        f"{PROCESSES} processes at a bucket that ignores the conditions of a write",
        1,
        "all refuse, nobody writes",
    )


def test_what_a_killed_holder_had_is_free_by_itself(remote: Told, record: Record) -> None:
    with holding(remote) as process:
        process.kill()
        process.wait()
        began = time.monotonic()
        store = ours(remote)
        with store.lock("apply"):
            took = time.monotonic() - began
            state = store.read()
    assert took <= LEASE + 5
    assert state is not None
    assert {"op-0", "op-1"} <= set(state.intents)
    outcome = f"free {{:.1f}} s later at most, where a lease lasts {LEASE:.0f} s (60 s in earnest); what it began is known"
    record(4, "a holder killed on another machine", 1, outcome, worst=round(took, 1))


def test_what_was_killed_on_this_machine_is_free_at_once(remote: Told, record: Record) -> None:
    with holding(remote, "here") as process:
        with pytest.raises(LockHeldError, match=f"process {process.pid}"), ours(remote).lock("apply"):
            pass
        process.kill()
        process.wait()
        assert ours(remote).holder() is None
        with ours(remote).lock("apply"):
            pass
    record(4, "a holder killed on this machine", 1, "free at once; before, the refusal names its process")


def test_a_holder_that_was_paused_past_its_lease_writes_nothing(remote: Told, record: Record) -> None:
    with holding(remote) as process:
        process.send_signal(signal.SIGSTOP)
        store = ours(remote)
        with store.lock("apply"):
            state = store.begin_run(store.read() or pytest.fail("there is no state"), "run-2")
            process.send_signal(signal.SIGCONT)
            said = [line for line in process.stdout or () if not line.strip().isdecimal()]
            state = store.commit(state)
    assert said == [line for line in said if line.startswith("stopped: the lease on")]
    assert len(said) == 1
    assert ours(remote).read() == state
    record(5, "a holder stopped by SIGSTOP past its lease, and continued", 1, "writes nothing, and says why")


def test_a_holder_that_was_paused_and_not_missed_stops_all_the_same(remote: Told) -> None:
    with holding(remote) as process:
        process.send_signal(signal.SIGSTOP)
        before = ours(remote).read()
        time.sleep(LEASE + 0.5)
        process.send_signal(signal.SIGCONT)
        said = [line for line in process.stdout or () if not line.strip().isdecimal()]
    assert len(said) == 1
    assert "was not renewed in time" in said[0]
    assert ours(remote).read() == before


def test_a_holder_that_lives_keeps_its_lease(remote: Told) -> None:
    with holding(remote) as process:
        for _ in range(2):
            with pytest.raises(LockHeldError, match="which is alive"), ours(remote).lock("apply"):
                pass
        process.kill()
