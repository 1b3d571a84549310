"""The disk refuses: at first nothing is done, later nothing that was begun is forgotten."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from reconciler.errors import StateError, StateMismatchError
from reconciler.model.state import State
from reconciler.storage.disk import Disk
from reconciler.storage.journal import NotDurableError
from reconciler.storage.local_store import LocalStore
from tests.storage import samples


class Refusing(Disk):
    """Refuses everything from a moment on."""

    code = 0

    def create(self, path: Path) -> int:
        self._refuse()
        return super().create(path)

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        self._refuse()
        super().write(descriptor, data, offset)

    def _refuse(self) -> None:
        if self.code:
            raise OSError(self.code, errno.errorcode[self.code])


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES])
def test_what_cannot_be_written_is_said_before_anything_is_done(tmp_path: Path, code: int) -> None:
    disk = Refusing()
    store = samples.store(tmp_path, disk=disk)
    store.check_writable()
    assert list((tmp_path / "state").iterdir()) == []
    disk.code = code
    with pytest.raises(StateError, match="cannot be written") as refused:
        store.check_writable()
    assert refused.value.exit_code == 1
    with store.lock("apply"):
        store.read()
        with pytest.raises(StateError, match="cannot be written"):
            store.begin_run(samples.state(), "run-1")
    assert store.read() is None
    assert list((tmp_path / "state").iterdir()) == []


def test_a_file_in_the_folders_place_is_said(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    store = samples.store(tmp_path)
    with pytest.raises(StateError, match="cannot be written"):
        store.check_writable()
    with pytest.raises(StateError, match="cannot be written"), store.lock("apply"):
        pass


def full_in_the_middle(tmp_path: Path) -> tuple[LocalStore, NotDurableError, State]:
    """A run whose disk fills up after its first batch."""
    disk = Refusing()
    store = samples.store(tmp_path, disk=disk)
    with store.lock("apply"):
        store.read()
        state = store.begin_run(samples.state(), "run-1")
        store.append([samples.begun(1), samples.begun(2, samples.EDGE)])
        disk.code = errno.ENOSPC
        with pytest.raises(NotDurableError) as refused:
            store.append([samples.succeeded(1)])
        with pytest.raises(StateError, match="make room"):
            store.commit(
                state.after([samples.begun(1), samples.begun(2, samples.EDGE), samples.succeeded(1)])
            )
    disk.code = 0
    return store, refused.value, state


def test_a_disk_that_fills_up_loses_no_intent(tmp_path: Path) -> None:
    store, refusal, _ = full_in_the_middle(tmp_path)
    assert refusal.events == (samples.succeeded(1),)
    state = store.read()
    assert state is not None
    assert set(state.intents) == {"op-1", "op-2"}


def test_a_recovery_record_can_be_pushed(tmp_path: Path) -> None:
    store, refusal, _ = full_in_the_middle(tmp_path)
    with store.lock("state push"):
        state = store.push(refusal.record.encode())
    assert (set(state.resources), set(state.intents)) == ({samples.API}, {"op-2"})
    assert store.read() == state
    with store.lock("state push"), pytest.raises(StateMismatchError, match="no longer needed"):
        store.push(refusal.record.encode())


def test_once_there_is_room_the_same_run_goes_on(tmp_path: Path) -> None:
    disk = Refusing()
    store = samples.store(tmp_path, disk=disk)
    with store.lock("apply"):
        store.read()
        state = store.begin_run(samples.state(), "run-1")
        disk.code = errno.ENOSPC
        with pytest.raises(NotDurableError):
            store.append([samples.begun(1)])
        disk.code = 0
        store.append([samples.succeeded(1)])
    assert store.read() == state.after([samples.begun(1), samples.succeeded(1)])
