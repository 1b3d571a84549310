from __future__ import annotations

import errno
from pathlib import Path

import pytest

from reconciler.errors import StateError
from reconciler.model.event import Event
from reconciler.model.state import State
from reconciler.storage.journal import is_journal, recovery_record
from reconciler.storage.local_store import LocalStore
from reconciler.storage.notebook import Notebook, UnrecordedError
from reconciler.storage.store import NotCommittedError
from tests.storage import samples
from tests.storage.test_encryption import HEADER
from tests.storage.test_full_disk import Refusing


def refused(
    tmp_path: Path, *events: Event, heals: bool = False, at: int = 1
) -> tuple[StateError, LocalStore, list[str]]:
    """The error that a run ends with whose disk fills up before its event number `at`."""
    disk, stops = Refusing(), list[str]()
    store = samples.store(tmp_path, disk=disk)
    with store.lock("apply"):
        store.read()
        state = store.begin_run(samples.state(), "run-1")
        notebook = Notebook(store, lambda: stops.append("stop"))
        for number, event in enumerate(events):
            disk.code = errno.ENOSPC if number >= at else 0
            notebook.append([event])
        if heals:
            disk.code = 0
        error = notebook.given_up(state.after(events))
    disk.code = 0
    return error, store, stops


WHOLE = (samples.begun(1), samples.succeeded(1))


def test_what_could_not_be_written_is_told_and_can_be_pushed(tmp_path: Path) -> None:
    error, store, stops = refused(tmp_path, *WHOLE)
    assert isinstance(error, UnrecordedError)
    assert (error.exit_code, stops) == (4, ["stop"])
    with store.lock("state push"):
        state = store.push(error.record.encode())
    assert (set(state.resources), set(state.intents)) == ({samples.API}, set())


def test_once_there_is_room_all_of_it_is_recorded(tmp_path: Path) -> None:
    error, store, _ = refused(tmp_path, *WHOLE, heals=True)
    assert (type(error), error.exit_code) == (NotCommittedError, 4)
    assert "recorded by now" in error.message
    state = store.read()
    assert state is not None
    assert set(state.resources) == {samples.API}


@pytest.mark.parametrize("heals", [False, True])
def test_before_anything_was_done_that_is_said(tmp_path: Path, heals: bool) -> None:
    error, _, _ = refused(tmp_path, samples.begun(1), at=0, heals=heals)
    assert error.exit_code == 1
    assert "nothing was done" in error.message


def test_a_state_that_cannot_be_written_after_a_whole_journal_is_found_again(tmp_path: Path) -> None:
    disk = Refusing()
    store = samples.store(tmp_path, disk=disk)
    with store.lock("apply"):
        store.read()
        state = store.begin_run(samples.state(), "run-1")
        store.append(WHOLE)
        disk.code = errno.EIO
        with pytest.raises(NotCommittedError, match="cannot be written") as raised:
            store.commit(state.after(WHOLE))
    assert "run again" in raised.value.fix
    disk.code = 0
    found: State | None = store.read()
    assert found == state.after(WHOLE)


def test_a_record_is_harmless_on_a_terminal() -> None:
    nasty = samples.begun(1, facts={"name": "\x1b[31m\u202e\x7f\x9b🔑\n::error::"})
    record = recovery_record(HEADER, [nasty])
    assert record.replace("\n", "").isprintable()
    assert record.isascii()
    assert is_journal(record.encode())
