"""The process ends, or the disk refuses, at each single call: what lies there afterwards can always be read and gone on from."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

from reconciler.model.state import State
from reconciler.storage.disk import Disk
from reconciler.storage.local_store import LocalStore
from reconciler.storage.lock import LocalLock
from tests.storage import samples

ROOT = Path(__file__).parents[2]
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Killed(BaseException):
    """The process is no more; nothing it still does reaches the disk."""


class MortalDisk(Disk):
    """Ends at its n-th call, a write after half of its bytes; every later call is without effect."""

    def __init__(self, ends_at: int) -> None:
        self.left = ends_at

    def _call(
        self, call: Callable[Arguments, Result], *given: Arguments.args, **named: Arguments.kwargs
    ) -> Result:
        self.left -= 1
        if self.left <= 0:
            raise Killed
        return call(*given, **named)

    def create(self, path: Path) -> int:
        return self._call(super().create, path)

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        if self.left == 1:
            super().write(descriptor, data[: len(data) // 2], offset)
        self._call(super().write, descriptor, data, offset)

    def fsync(self, descriptor: int) -> None:
        self._call(super().fsync, descriptor)

    def rename(self, source: Path, target: Path) -> None:
        self._call(super().rename, source, target)

    def unlink(self, path: Path) -> None:
        self._call(super().unlink, path)

    def make_folder(self, path: Path) -> None:
        self._call(super().make_folder, path)

    def sync_folder(self, path: Path) -> None:
        self._call(super().sync_folder, path)


class MortalLock(LocalLock):
    """Is freed by the kernel when the process ends; the file stays."""

    def __init__(self, path: Path, disk: MortalDisk) -> None:
        super().__init__(path)
        self._disk = disk

    def release(self, *, leave_file: bool = False) -> None:
        super().release(leave_file=leave_file or self._disk.left <= 0)


def mortal_store(root: Path, ends_at: int) -> LocalStore:
    disk = MortalDisk(ends_at)
    store = samples.store(root, disk=disk)
    store._lock = MortalLock(store.paths.lock, disk)
    return store


class Promises:
    """What the store said was durable before the process ended."""

    def __init__(self) -> None:
        self.events = 0
        self.done = False


def run(store: LocalStore, promises: Promises) -> None:
    """A run as the workflow drives it, over whatever an earlier one left."""
    with store.lock("apply"):
        state = store.begin_run(store.read() or samples.state(), "run-1")
        for event in EVENTS:
            store.append([event])
            promises.events += 1
            state = state.after([event])
        store.commit(state)
        promises.done = True


EVENTS = (
    samples.begun(1),
    samples.succeeded(1),
    samples.begun(2, samples.EDGE),
    samples.succeeded(2, samples.EDGE),
    samples.begun(3, samples.EU),
)
FIRST = samples.state(outputs={"first": True})


def content(state: State | None) -> State | None:
    return None if state is None else replace(state, serial=0)


def is_crashing(tmp_path: Path, ends_at: int, first: State | None) -> tuple[bool, State | None, Promises]:
    """Runs over a state until the n-th call, and gives what a later process reads."""
    root, promises = tmp_path / str(ends_at), Promises()
    if first is not None:
        samples.write(samples.store(root), first)
    store = mortal_store(root, ends_at)
    try:
        run(store, promises)
    except Killed:
        return True, samples.store(root).read(), promises
    return False, samples.store(root).read(), promises


@pytest.mark.parametrize("first", [None, FIRST], ids=["first run", "later run"])
def test_a_process_that_ends_anywhere_leaves_what_it_promised(tmp_path: Path, first: State | None) -> None:
    ends_at, crashing = 0, True
    while crashing:
        ends_at += 1
        crashing, found, promises = is_crashing(tmp_path, ends_at, first)
        base = first or samples.state()
        legal = [content(base.after(EVENTS[:count])) for count in range(promises.events, len(EVENTS) + 1)]
        if not promises.events:
            legal.append(content(first))
        assert content(found) in legal, ends_at
        goes_on_to_the_end(tmp_path / str(ends_at))
    assert ends_at > 30


def goes_on_to_the_end(root: Path) -> None:
    """The next run needs nobody's help, and leaves no litter."""
    promises = Promises()
    run(samples.store(root), promises)
    assert promises.done
    left = {path.name for path in (root / "state").iterdir()}
    assert left == {"default.json", "default.history"}
    assert not [path for path in root.rglob("*.tmp") if path.parent.name == "state"]


def test_a_restore_that_ends_anywhere_can_be_repeated(tmp_path: Path) -> None:
    ends_at, crashing = 0, True
    while crashing:
        ends_at += 1
        root = tmp_path / str(ends_at)
        samples.write(samples.store(root), FIRST)
        samples.write(samples.store(root), samples.state(samples.prior()))
        samples.cut_off_run(samples.store(root), samples.begun(9))
        store = mortal_store(root, ends_at)
        try:
            with store.lock("state restore"):
                store.restore(1)
            crashing = False
        except Killed:
            assert store.holder() is None
        found = samples.store(root).read()
        assert found is not None
        assert set(found.intents) == {"op-9"}
        after = samples.store(root)
        with after.lock("state restore"):
            assert after.restore(1).outputs == FIRST.outputs


WRITER = """
import sys
from pathlib import Path
from dataclasses import replace
from tests.storage import samples
store = samples.store(Path(sys.argv[1]))
padding = "x" * 20000
print("ready", flush=True)
while True:
    with store.lock("apply"):
        state = store.begin_run(store.read() or samples.state(), "run")
        number = state.outputs.get("n", 0) + 1
        event = samples.OutputsChanged({"n": number, "padding": padding})
        store.append([event])
        print(number, flush=True)
        store.commit(state.after([event]))
"""


def test_a_writer_killed_again_and_again_loses_nothing_it_promised(tmp_path: Path) -> None:
    chance = random.Random(4711)
    for _ in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
            for _ in range(chance.randrange(1, 12)):
                promised = int(writer.stdout.readline())
            for _ in range(chance.randrange(20_000)):
                pass
            writer.send_signal(signal.SIGKILL)
            rest = writer.stdout.read().split("\n")
        promised = max([promised, *(int(line) for line in rest[:-1])])
        state = samples.store(tmp_path).read()
        assert state is not None
        assert state.outputs["n"] in (promised, promised + 1)
        assert samples.store(tmp_path).holder() is None


RACE = """
import os, sys
from pathlib import Path
from reconciler.errors import LockHeldError
from tests.storage import samples

def count_once():
    store = samples.store(Path(sys.argv[1]))
    while True:
        try:
            with store.lock("race"):
                state = store.begin_run(store.read() or samples.state(), f"run-{os.getpid()}")
                event = samples.OutputsChanged({"n": state.outputs.get("n", 0) + 1})
                store.append([event])
                store.commit(state.after([event]))
            return
        except LockHeldError:
            pass

children = []
for _ in range(50):
    child = os.fork()
    if not child:
        try:
            count_once()
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    children.append(child)
sys.exit(sum(os.waitpid(child, 0)[1] != 0 for child in children))
"""


def test_fifty_racing_writers_lose_no_update(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RACE, str(tmp_path)], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert (done.returncode, done.stderr) == (0, "")
    state = samples.store(tmp_path).read()
    assert state is not None
    assert (state.outputs["n"], state.serial) == (50, 50)
    assert {path.name for path in (tmp_path / "state").iterdir()} == {"default.json", "default.history"}
