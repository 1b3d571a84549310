from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.errors import LockHeldError
from reconciler.storage.lock import Holder, LocalLock, left_by, read_holder
from tests.storage import samples

ROOT = Path(__file__).parents[2]
ALICE = Holder("alice", "build-7", 4711, "apply", samples.AT)

HOLD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from reconciler.storage.lock import LocalLock, this_process
lock = LocalLock(Path(sys.argv[1]))
lock.acquire(this_process("apply", datetime.now(UTC)))
print("held", flush=True)
sys.stdin.read()
"""


def lock_at(path: Path, sleep: Callable[[float], None] = lambda _: None) -> LocalLock:
    return LocalLock(path, now=lambda: samples.NOW + timedelta(minutes=3, seconds=20), sleep=sleep)


@contextmanager
def another_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "held\n"
            yield child
        finally:
            child.kill()


def test_a_lock_taken_can_be_given_back_and_leaves_nothing(tmp_path: Path) -> None:
    lock = lock_at(tmp_path / "l")
    lock.acquire(ALICE)
    assert lock.is_held
    assert stat.S_IMODE((tmp_path / "l").stat().st_mode) == 0o600
    lock.release()
    assert not lock.is_held
    assert list(tmp_path.iterdir()) == []


def test_the_refusal_says_who_holds_it_and_since_when(tmp_path: Path) -> None:
    lock_at(tmp_path / "l").acquire(ALICE)
    with pytest.raises(LockHeldError) as refused:
        lock_at(tmp_path / "l").acquire(ALICE)
    said = 'is held by alice on build-7, process 4711, "apply", since 2026-11-20T10:00:00Z (3 min ago)'
    assert said in str(refused.value)
    assert refused.value.exit_code == 3


@pytest.mark.parametrize(
    ("seconds", "age"), [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (7300, "2 h"), (200000, "2 d")]
)
def test_an_age_is_told_in_one_unit(seconds: int, age: str) -> None:
    assert ALICE.describe(samples.NOW + timedelta(seconds=seconds)).endswith(f"({age} ago)")


def test_two_locks_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    first = lock_at(tmp_path / "l")
    first.acquire(ALICE)
    with pytest.raises(LockHeldError):
        lock_at(tmp_path / "l").acquire(ALICE)
    first.release()
    lock_at(tmp_path / "l").acquire(ALICE)


def test_a_leftover_file_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / "l").write_bytes(b'{"user": "bob", "torn')
    assert read_holder(tmp_path / "l") is None
    lock_at(tmp_path / "l").acquire(ALICE)
    assert left_by(tmp_path / "l") == ALICE


def test_a_moment_of_asking_is_waited_for(tmp_path: Path) -> None:
    asking = lock_at(tmp_path / "l")
    asking.acquire(ALICE)
    lock = lock_at(tmp_path / "l", sleep=lambda _: asking.release())
    lock.acquire(ALICE)
    assert lock.is_held


def test_the_file_may_be_left_as_a_sign(tmp_path: Path) -> None:
    lock = lock_at(tmp_path / "l")
    lock.acquire(ALICE)
    lock.release(leave_file=True)
    assert left_by(tmp_path / "l") == ALICE
    assert read_holder(tmp_path / "l") is None


def test_a_file_that_took_its_place_is_left_alone(tmp_path: Path) -> None:
    first, second = lock_at(tmp_path / "l"), lock_at(tmp_path / "l")
    first.acquire(ALICE)
    (tmp_path / "l").unlink()
    second.acquire(ALICE)
    first.release()
    assert read_holder(tmp_path / "l") == ALICE


def test_only_the_holder_signs(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        lock_at(tmp_path / "l").sign(ALICE)


def test_another_process_excludes_us_until_it_ends(tmp_path: Path) -> None:
    with another_process(tmp_path / "l") as child:
        holder = read_holder(tmp_path / "l")
        assert holder is not None
        assert (holder.pid, holder.command) == (child.pid, "apply")
        with pytest.raises(LockHeldError, match=f"process {child.pid}"):
            lock_at(tmp_path / "l").acquire(ALICE)
        child.communicate("")
    assert read_holder(tmp_path / "l") is None
    lock_at(tmp_path / "l").acquire(ALICE)


def test_a_killed_holder_frees_the_lock_at_once(tmp_path: Path) -> None:
    with another_process(tmp_path / "l") as child:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        assert (tmp_path / "l").exists()
        assert read_holder(tmp_path / "l") is None
        lock_at(tmp_path / "l").acquire(ALICE)


def test_a_stopped_holder_keeps_it(tmp_path: Path) -> None:
    with another_process(tmp_path / "l") as child:
        os.kill(child.pid, signal.SIGSTOP)
        with pytest.raises(LockHeldError):
            lock_at(tmp_path / "l").acquire(ALICE)
