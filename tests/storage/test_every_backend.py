"""What a store promises, wherever it lies. The same suite runs over a folder, a bucket, a database and a state server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.errors import DamagedStateError, LockHeldError, StateError, StateMismatchError
from reconciler.model.event import Event, OutputsChanged
from reconciler.model.resource import Pending
from reconciler.model.state import State
from reconciler.storage.codec import encode_version
from reconciler.storage.identity import Identity
from reconciler.storage.journal import JournalHeader, recovery_record
from reconciler.storage.store import Store
from tests.storage import samples
from tests.storage.places import Place

LIST = "ab" * 32


def write(it: Store, wanted: State) -> State:
    with it.lock("test"):
        present = it.read()
        return it.commit(replace(wanted, serial=present.serial if present else wanted.serial))


def cut_off_run(it: Store, *events: Event) -> None:
    with it.lock("apply"):
        it.begin_run(it.read() or samples.state(), "run-1")
        it.append(events)


def test_where_nothing_is_there_is_no_state(place: Place) -> None:
    store = place.open()
    assert store.backend == place.name
    assert store.read() is None
    assert store.history() == ()
    assert store.holder() is None
    assert store.unlock() is None
    with pytest.raises(StateError, match="no state"):
        store.pull()


def test_a_lock_alone_makes_no_state(place: Place) -> None:
    with place.open().lock("apply"):
        pass
    assert place.open().read() is None


def test_a_run_is_remembered(place: Place) -> None:
    store = place.open()
    with store.lock("apply"):
        assert store.read() is None
        state = store.begin_run(samples.state(), "run-1")
        assert state.serial == 0
        for batch in ((samples.begun(1),), (samples.succeeded(1),)):
            store.append(batch)
            state = state.after(batch)
        state = store.commit(state)
    assert state.serial == 1
    assert place.open().read() == state
    assert [note.serial for note in place.open().history()] == [1, 0]


def test_everything_that_can_stand_in_a_state_comes_back(place: Place) -> None:
    state = write(place.open(), samples.rich_state())
    assert state == replace(samples.rich_state(), serial=state.serial)
    assert place.open().read() == state


def test_each_project_and_environment_has_a_state_of_its_own(place: Place) -> None:
    eu = replace(samples.SHOP, environment="eu")
    state = write(place.open(eu), samples.state(environment="eu"))
    assert place.open().read() is None
    assert place.open(eu).read() == state


def test_a_cut_off_run_is_folded_when_read_and_written_by_the_next(place: Place) -> None:
    cut_off_run(place.open(), samples.begun(1), samples.succeeded(1), samples.begun(2, samples.EDGE))
    state = place.open().read()
    assert state is not None
    assert (set(state.resources), set(state.intents), state.serial) == ({samples.API}, {"op-2"}, 0)
    store = place.open()
    with store.lock("apply"):
        state = store.begin_run(store.read() or samples.state(), "run-2")
    assert state.serial == 1
    assert place.open().read() == state


def test_two_cut_off_runs_follow_each_other(place: Place) -> None:
    cut_off_run(place.open(), samples.begun(1))
    cut_off_run(place.open(), samples.begun(2, samples.EDGE))
    cut_off_run(place.open(), samples.succeeded(1))
    state = place.open().read()
    assert state is not None
    assert (set(state.resources), set(state.intents)) == ({samples.API}, {"op-2"})


def test_an_open_intent_outlives_the_journal(place: Place) -> None:
    store = place.open()
    with store.lock("apply"):
        store.read()
        state = store.begin_run(samples.state(), "run-1")
        store.append([samples.begun(1)])
        store.commit(state.after([samples.begun(1)]))
    left = place.open().read()
    assert left is not None
    assert left.intents["op-1"].begun == samples.begun(1)


def test_nothing_new_is_not_written(place: Place) -> None:
    state = write(place.open(), samples.state(samples.prior()))
    before = place.open().history()
    store = place.open()
    with store.lock("apply"):
        assert store.begin_run(store.read() or state, "run-2") == state
        store.append([samples.begun(1)])
        assert store.commit(state) == state
    assert place.open().history() == before
    assert place.open().read() == state


def test_a_rollout_that_merely_ended_keeps_the_serial(place: Place) -> None:
    rollout = Pending(samples.API, "rollout", {"id": "r1"}, samples.AT)
    state = write(place.open(), samples.state(samples.prior(pending=(rollout,))))
    store = place.open()
    with store.lock("apply"):
        store.read()
        ended = store.commit(replace(state, resources={samples.API: samples.prior()}))
    assert ended.serial == state.serial
    assert place.open().read() == ended
    assert [note.serial for note in place.open().history()] == [state.serial]


def test_several_commits_of_one_run_follow_each_other(place: Place) -> None:
    store = place.open()
    with store.lock("apply"):
        store.read()
        state = store.begin_run(samples.state(), "run-1")
        for number in range(3):
            event = OutputsChanged({"n": number})
            store.append([event])
            state = store.commit(state.after([event]))
        store.append([samples.begun(1)])
    assert state.serial == 3
    assert place.open().read() == state.after([samples.begun(1)])


def test_reading_within_a_run_sees_what_was_appended(place: Place) -> None:
    store = place.open()
    with store.lock("apply"):
        store.read()
        state = store.begin_run(samples.state(), "run-1")
        store.append([samples.begun(1)])
        store.append([samples.succeeded(1)])
        after = state.after([samples.begun(1), samples.succeeded(1)])
        assert store.read() == after
        store.commit(after)


def test_a_second_writer_is_told_of_the_first(place: Place) -> None:
    first, second = place.open(), place.open()
    with first.lock("apply"):
        holder = second.holder()
        assert holder is not None
        assert holder.command == "apply"
        who = f'on {holder.host}, process {holder.pid}, "apply"'
        with pytest.raises(LockHeldError, match=who) as refused, second.lock("destroy"):
            pass
        assert refused.value.exit_code == 3
        with pytest.raises(LockHeldError):
            second.unlock()
    assert second.holder() is None
    with second.lock("destroy"):
        pass


def test_an_error_leaves_no_lock(place: Place) -> None:
    def fail() -> None:
        store = place.open()
        with store.lock("apply"):
            store.begin_run(store.read() or samples.state(), "run-1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert place.open().holder() is None
    with place.open().lock("apply"):
        pass


def test_anothers_state_is_not_written(place: Place) -> None:
    store = place.open()
    with store.lock("apply"):
        store.read()
        with pytest.raises(StateMismatchError, match="environment"):
            store.begin_run(samples.state(environment="eu"), "run-1")
    assert place.open().read() is None


@pytest.mark.parametrize("other", ["project", "account_id", "target"])
def test_anothers_state_is_not_read(place: Place, other: str) -> None:
    write(place.open(), samples.state())
    with pytest.raises(StateMismatchError, match=other.removesuffix("_id")):
        place.open(replace(samples.SHOP, **{other: "another"})).read()


def test_a_state_that_does_not_go_on_from_what_was_read_is_not_written(place: Place) -> None:
    old = write(place.open(), samples.state())
    write(place.open(), samples.state(samples.prior()))
    store = place.open()
    with store.lock("apply"):
        store.read()
        for stale in (old, replace(old, serial=2, lineage="another")):
            with pytest.raises(StateMismatchError, match="has moved"):
                store.commit(stale)


def test_writing_needs_the_lock_and_a_reading(place: Place) -> None:
    store = place.open()
    for wrong in (store.commit, lambda it: store.begin_run(it, "r"), lambda _: store.append([])):
        with pytest.raises(RuntimeError):
            wrong(samples.state())
    with store.lock("apply"), pytest.raises(RuntimeError):
        store.commit(samples.state())


def test_an_earlier_version_can_be_read_and_restored(place: Place) -> None:
    for number in range(3):
        write(place.open(), samples.state(outputs={"n": number}))
    assert place.open().read_version(2).outputs == {"n": 1}
    with pytest.raises(StateError, match="no version with serial 9"):
        place.open().read_version(9)
    store = place.open()
    with store.lock("state restore"):
        restored = store.restore(1)
    assert (restored.serial, restored.outputs) == (4, {"n": 0})
    assert place.open().read() == restored
    assert [note.serial for note in place.open().history()] == [4, 3, 2, 1]


def test_what_never_ended_outlives_a_restore(place: Place) -> None:
    write(place.open(), samples.state())
    cut_off_run(place.open(), samples.begun(1))
    store = place.open()
    with store.lock("state restore"):
        assert set(store.restore(1).intents) == {"op-1"}
    left = place.open().read()
    assert left is not None
    assert set(left.intents) == {"op-1"}


def test_only_so_many_versions_are_kept(place: Place) -> None:
    count = place.options.get("kept_versions", 50)
    store = place.open()
    with store.lock("apply"):
        store.read()
        state = store.begin_run(samples.state(), "run-1")
        for number in range(count + 3):
            state = store.commit(replace(state, outputs={"n": number}))
    kept = [note.serial for note in place.open().history()]
    assert kept == list(range(count + 3, 3, -1))
    with pytest.raises(StateError, match="no version with serial 3"):
        place.open().read_version(3)


def test_the_history_tells_when_and_how_much(place: Place) -> None:
    write(place.open(), samples.state(samples.prior(), samples.prior(samples.EDGE)))
    (note,) = place.open().history()
    assert (note.serial, note.written_at, note.resources, note.lineage) == (1, samples.AT, 2, "lineage-1")


def test_a_document_goes_out_and_comes_in_again(place: Place) -> None:
    state = write(place.open(), samples.state(samples.prior()))
    document = place.open().pull()
    store = place.open()
    with store.lock("state push"):
        pushed = store.push(document)
    assert pushed == replace(state, serial=2)
    assert place.open().read() == pushed


def test_a_document_that_does_not_go_on_is_refused_without_force(place: Place) -> None:
    write(place.open(), samples.state())
    stranger = encode_version(samples.state(lineage="stranger"))[0]
    store = place.open()
    with store.lock("state push"):
        with pytest.raises(StateMismatchError, match="lineage"):
            store.push(stranger)
        assert store.push(stranger, force=True).lineage == "stranger"


def test_a_recovery_record_is_taken_in(place: Place) -> None:
    state = write(place.open(), samples.state())
    (note, *_) = place.open().history()
    header = JournalHeader("1.0", "j", "run-1", "lineage-1", state.serial, note.checksum, samples.AT)
    record = recovery_record(header, [samples.begun(1)]).encode()
    store = place.open()
    with store.lock("state push"):
        assert set(store.push(record).intents) == {"op-1"}


def test_a_list_that_is_kept_can_be_recalled_while_the_state_refers_to_it(place: Place) -> None:
    if not place.options.get("keeps_lists", True):
        return
    store = place.open()
    with store.lock("apply"):
        store.read()
        state = store.begin_run(samples.state(), "run-1")
        store.keep(f"sha256:{LIST}", b"{}")
        store.keep(f"sha256:{'cd' * 32}", b"{}")
        store.commit(replace(state, outputs={"inputs": f"sha256:{LIST}"}))
    assert place.open().recall(f"sha256:{LIST}") == b"{}"
    assert place.open().recall(f"sha256:{'cd' * 32}") is None
    assert place.open().recall("../../etc/passwd") is None


def test_an_older_state_than_was_seen_is_noticed(place: Place) -> None:
    write(place.open(), samples.state())
    (place.folder / "marks" / "lineage-1").write_bytes(b"7\n")
    with pytest.raises(DamagedStateError, match="7 was already written"):
        place.open().read()
    store = place.open()
    with store.lock("state restore"):
        assert store.restore(1).serial == 8
    assert place.open().read() is not None


def test_a_state_of_a_broken_manifest_can_be_read(place: Place) -> None:
    write(place.open(), samples.state())
    assert place.open(Identity()).read() is not None
