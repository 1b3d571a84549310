from __future__ import annotations

import json
import stat
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import get_args

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import LockHeldError, StateError, StateMismatchError
from reconciler.model.event import Event, OutputsChanged
from reconciler.model.resource import Pending
from reconciler.model.state import State
from reconciler.storage.disk import Disk
from reconciler.storage.identity import Identity
from reconciler.storage.schemas import state_schema
from reconciler.storage.state_file import KEPT_VERSIONS
from reconciler.storage.store import Store
from tests.storage import samples

ROLLOUT = Pending(samples.API, "rollout", {"id": "r1"}, samples.AT)


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in (folder / "state").rglob("*")}


def test_a_local_store_is_a_store(tmp_path: Path) -> None:
    store: Store = samples.store(tmp_path)
    assert store.backend == "local"
    assert store.describe().endswith("state/default.json")


def test_where_nothing_is_there_is_no_state_and_nothing_is_made(tmp_path: Path) -> None:
    store = samples.store(tmp_path)
    assert store.read() is None
    assert store.history() == ()
    assert store.holder() is None
    with pytest.raises(StateError, match="no state"):
        store.pull()
    assert list(tmp_path.iterdir()) == []


def test_a_run_leaves_state_and_history_and_nothing_else(tmp_path: Path) -> None:
    store = samples.store(tmp_path)
    with store.lock("apply"):
        assert store.read() is None
        state = store.begin_run(samples.state(), "run-1")
        assert (state.serial, names(tmp_path)) == (
            0,
            {"state/default.json", "state/default.journal", "state/default.lock"}
            | {"state/default.history", "state/default.history/0.json"},
        )
        for batch in ((samples.begun(1),), (samples.succeeded(1),)):
            store.append(batch)
            state = state.after(batch)
        state = store.commit(state)
    assert state.serial == 1
    assert store.read() == state
    assert names(tmp_path) == {"state/default.json", "state/default.history"} | {
        f"state/default.history/{serial}.json" for serial in (0, 1)
    }


def test_everything_is_private(tmp_path: Path) -> None:
    store = samples.store(tmp_path)
    samples.cut_off_run(store, samples.begun(1))
    with store.lock("look"):
        for path in [tmp_path / "state", *(tmp_path / "state").rglob("*"), *(tmp_path / "marks").rglob("*")]:
            wanted = 0o700 if path.is_dir() else 0o600
            assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_an_environment_has_files_of_its_own(tmp_path: Path) -> None:
    eu = replace(samples.SHOP, environment="eu")
    store = samples.store(tmp_path, eu)
    samples.write(store, samples.state(environment="eu"))
    assert (tmp_path / "state" / "eu.json").exists()
    assert samples.store(tmp_path).read() is None


def test_a_cut_off_run_is_folded_when_read_and_written_by_the_next(tmp_path: Path) -> None:
    store = samples.store(tmp_path)
    samples.cut_off_run(store, samples.begun(1), samples.succeeded(1), samples.begun(2, samples.EDGE))
    state = store.read()
    assert state is not None
    assert (set(state.resources), set(state.intents), state.serial) == ({samples.API}, {"op-2"}, 0)
    with store.lock("apply"):
        state = store.begin_run(store.read() or samples.state(), "run-2")
    assert state.serial == 1
    assert store.read() == state
    assert not (tmp_path / "state" / "default.journal").exists()


def test_an_open_intent_outlives_the_journal(tmp_path: Path) -> None:
    store = samples.store(tmp_path)
    with store.lock("apply"):
        store.read()
        state = store.begin_run(samples.state(), "run-1")
        store.append([samples.begun(1)])
        store.commit(state.after([samples.begun(1)]))
    left = store.read()
    assert left is not None
    assert left.intents["op-1"].begun == samples.begun(1)


@settings(max_examples=25, deadline=None)
@given(run=samples.runs, cuts=st.sets(st.integers(0, 12)))
def test_the_state_after_a_run_is_the_fold_of_its_journal(
    tmp_path_factory: pytest.TempPathFactory, run: tuple[tuple[Event, ...], ...], cuts: set[int]
) -> None:
    store = samples.store(tmp_path_factory.mktemp("it"))
    events = [event for part in run for event in part]
    bounds = [0, *sorted(cut for cut in cuts if cut < len(events)), len(events)]
    with store.lock("apply"):
        store.read()
        state = store.begin_run(samples.state(), "run-1")
        for start, end in pairwise(bounds):
            store.append(events[start:end])
    folded = store.read()
    assert folded == state.after(events)
    with store.lock("apply"):
        written = store.commit(store.read() or state)
    assert replace(written, serial=0) == folded
    assert store.read() == written


@settings(max_examples=40)
@given(run=samples.runs, data=st.data())
def test_events_of_different_resources_fold_in_any_order(
    run: tuple[tuple[Event, ...], ...], data: st.DataObject
) -> None:
    waiting = [list(events) for events in run if events]
    mixed: list[Event] = []
    while waiting:
        chosen = data.draw(st.sampled_from(waiting))
        mixed.append(chosen.pop(0))
        waiting = [events for events in waiting if events]
    one, other = samples.state().after(mixed), samples.state().after(e for events in run for e in events)
    assert (one.resources, one.intents) == (other.resources, other.intents)
    assert set(map(str, one.tombstones)) == set(map(str, other.tombstones))


def test_nothing_new_is_not_written(tmp_path: Path) -> None:
    store = samples.store(tmp_path)
    state = samples.write(store, samples.state(samples.prior()))
    before = (tmp_path / "state" / "default.json").stat()
    with store.lock("apply"):
        assert store.begin_run(store.read() or state, "run-2") == state
        store.append([samples.begun(1)])
        assert store.commit(state) == state
    assert (tmp_path / "state" / "default.json").stat() == before


NEWS = [
    ("resource", lambda it: replace(it, resources={}), 1),
    ("attribute", lambda it: replace(it, resources={samples.API: samples.prior(revision=2)}), 1),
    ("output", lambda it: replace(it, outputs={"a": 1}), 1),
    ("intent", lambda it: it.after([samples.begun(1)]), 1),
    ("rollout ended", lambda it: replace(it, resources={samples.API: samples.prior(freshness="v2")}), 0),
]


@pytest.mark.parametrize(("change", "rise"), [pytest.param(it[1], it[2], id=it[0]) for it in NEWS])
def test_the_serial_rises_with_what_a_plan_rests_on(tmp_path: Path, change: object, rise: int) -> None:
    assert callable(change)
    store = samples.store(tmp_path)
    state = samples.write(store, samples.state(samples.prior(pending=(ROLLOUT,))))
    with store.lock("apply"):
        store.read()
        after = store.commit(change(state))
    assert after.serial == state.serial + rise
    assert store.read() == after
    assert store.history()[0].checksum in (tmp_path / "state" / "default.json").read_text()


def test_several_commits_of_one_run_follow_each_other(tmp_path: Path) -> None:
    store = samples.store(tmp_path)
    with store.lock("apply"):
        store.read()
        state = store.begin_run(samples.state(), "run-1")
        for number in range(3):
            event = OutputsChanged({"n": number})
            store.append([event])
            state = store.commit(state.after([event]))
    assert state.serial == 3
    assert store.read() == state


def test_reading_within_a_run_sees_what_was_appended(tmp_path: Path) -> None:
    store = samples.store(tmp_path)
    with store.lock("apply"):
        store.read()
        state = store.begin_run(samples.state(), "run-1")
        store.append([samples.begun(1)])
        assert store.read() == state.after([samples.begun(1)])
        store.commit(state.after([samples.begun(1)]))


def test_only_so_many_versions_are_kept(tmp_path: Path) -> None:
    store = samples.store(tmp_path)
    for number in range(KEPT_VERSIONS + 5):
        samples.write(store, samples.state(outputs={"n": number}))
    kept = [note.serial for note in store.history()]
    assert kept == list(range(KEPT_VERSIONS + 5, 5, -1))
    assert store.read_version(6).outputs == {"n": 5}
    with pytest.raises(StateError, match="no version with serial 5"):
        store.read_version(5)


def test_the_history_tells_when_and_how_much(tmp_path: Path) -> None:
    store = samples.store(tmp_path)
    samples.write(store, samples.state(samples.prior(), samples.prior(samples.EDGE)))
    (note,) = store.history()
    assert (note.serial, note.written_at, note.resources, note.lineage) == (1, samples.AT, 2, "lineage-1")


def test_what_is_written_fits_the_schema(tmp_path: Path) -> None:
    store = samples.store(tmp_path)
    samples.write(store, samples.rich_state())
    document = json.loads((tmp_path / "state" / "default.json").read_text())
    jsonschema.Draft202012Validator(state_schema()).validate(document)


def test_writing_needs_the_lock_and_a_reading(tmp_path: Path) -> None:
    store = samples.store(tmp_path)
    for write in (store.commit, lambda it: store.begin_run(it, "r"), lambda _: store.append([])):
        with pytest.raises(RuntimeError):
            write(samples.state())
    with store.lock("apply"), pytest.raises(RuntimeError):
        store.commit(samples.state())


def test_anothers_state_is_not_written(tmp_path: Path) -> None:
    store = samples.store(tmp_path)
    with store.lock("apply"):
        store.read()
        with pytest.raises(StateMismatchError, match="environment"):
            store.begin_run(samples.state(environment="eu"), "run-1")
    assert store.read() is None


def test_a_state_that_moved_is_not_overwritten(tmp_path: Path) -> None:
    store = samples.store(tmp_path)
    old = samples.write(store, samples.state())
    samples.write(store, samples.state(samples.prior()))
    with store.lock("apply"):
        store.read()
        for stale in (old, replace(old, serial=2, lineage="another")):
            with pytest.raises(StateMismatchError, match="has moved"):
                store.commit(stale)


def test_a_file_that_somebody_else_wrote_under_our_lock_is_not_overwritten(tmp_path: Path) -> None:
    store = samples.store(tmp_path)
    state = samples.write(store, samples.state())
    with store.lock("apply"):
        state = store.begin_run(store.read() or state, "run-1")
        (tmp_path / "state" / "default.lock").unlink()
        samples.write(samples.store(tmp_path), samples.state(samples.prior()))
        with pytest.raises(StateMismatchError, match="has moved"):
            store.commit(replace(state, outputs={"a": 1}))


def test_the_lock_is_given_back_after_an_error(tmp_path: Path) -> None:
    store = samples.store(tmp_path)

    def fail() -> None:
        with store.lock("apply"):
            store.read()
            store.begin_run(samples.state(), "run-1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.holder() is None
    assert not (tmp_path / "state" / "default.lock").exists()
    assert not (tmp_path / "state" / "default.journal").exists()


def test_a_second_writer_is_told_of_the_first(tmp_path: Path) -> None:
    first, second = samples.store(tmp_path), samples.store(tmp_path)
    with first.lock("apply"):
        holder = second.holder()
        assert holder is not None
        assert holder.command == "apply"
        with pytest.raises(LockHeldError, match='"apply"'), second.lock("destroy"):
            pass
        with pytest.raises(LockHeldError, match="end that process"):
            second.unlock()
    with second.lock("destroy"):
        pass


def test_unlock_clears_what_a_dead_holder_left(tmp_path: Path) -> None:
    store = samples.store(tmp_path)
    assert store.unlock() is None
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "default.lock").write_text(
        '{"user":"bob","host":"b","pid":7,"command":"apply","since":"2026-11-20T10:00:00Z"}'
    )
    left = store.unlock()
    assert left is not None
    assert left.user == "bob"
    assert list((tmp_path / "state").iterdir()) == []


def test_a_thousand_creates_write_little(tmp_path: Path) -> None:
    class Counting(Disk):
        total = fsyncs = 0

        def write(self, descriptor: int, data: bytes, offset: int) -> None:
            self.total += len(data)
            super().write(descriptor, data, offset)

        def fsync(self, descriptor: int) -> None:
            self.fsyncs += 1
            super().fsync(descriptor)

    disk = Counting()
    store = samples.store(tmp_path, Identity(), disk=disk)
    them = [samples.API._replace(key=f"app-{number}") for number in range(1000)]
    opening = [samples.begun(number, address) for number, address in enumerate(them)]
    ending = [samples.succeeded(number, address) for number, address in enumerate(them)]
    with store.lock("apply"):
        store.read()
        state = store.begin_run(State("l"), "run-1")
        for start in range(0, 1000, 250):
            store.append(opening[start : start + 250])
            store.append(ending[start : start + 250])
        store.commit(state.after([*opening, *ending]))
    size = (tmp_path / "state" / "default.json").stat().st_size
    assert disk.total <= 1.5 * 1024 * 1024
    assert disk.total <= 4096 * 1000 + 3 * size
    assert disk.fsyncs <= 20


def test_every_event_that_matters_changes_the_state(tmp_path: Path) -> None:
    assert {type(event) for event in samples.one_of_each()} == set(get_args(Event))
    store = samples.store(tmp_path)
    samples.cut_off_run(store, *samples.one_of_each())
    assert store.read() == samples.state().after(samples.one_of_each())
