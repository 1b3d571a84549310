from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from reconciler.errors import DamagedStateError, StateError
from reconciler.model.state import State
from reconciler.storage.disk import Disk
from reconciler.storage.high_water import HighWaterMarks
from reconciler.storage.moved import MovedStateError
from reconciler.storage.remote.head import HEAD_NAME, JOURNAL, VERSIONS
from tests.storage import samples
from tests.storage.remote.memory import MemoryShelf, damage, store


def a_shelf() -> tuple[MemoryShelf, State]:
    """Two versions, and a run that was cut off."""
    shelf = MemoryShelf()
    it = store(shelf)
    for number in (1, 2):
        with it.lock("apply"):
            state = it.read() or samples.state()
            it.commit(replace(state, outputs={"n": number}))
    with it.lock("apply"):
        it.begin_run(it.read() or state, "run-2")
        it.append([samples.begun(1)])
    found = it.read()
    assert found is not None
    return shelf, found


def first(shelf: MemoryShelf, under: str) -> str:
    return max(name for name in shelf.items if name.startswith(under))


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def emptied(_data: bytes) -> bytes:
    return b""


DAMAGE = [cut, flipped, emptied]


@pytest.mark.parametrize("change", DAMAGE)
@pytest.mark.parametrize("under", [HEAD_NAME, VERSIONS, JOURNAL])
def test_damage_is_noticed_and_a_way_out_is_named(under: str, change: Callable[[bytes], bytes]) -> None:
    shelf, _state = a_shelf()
    damage(shelf, first(shelf, under), change)
    with pytest.raises(DamagedStateError, match="state restore"):
        store(shelf).read()


@pytest.mark.parametrize("under", [HEAD_NAME, VERSIONS])
def test_what_is_missing_is_not_nothing(under: str) -> None:
    shelf, _state = a_shelf()
    del shelf.items[first(shelf, under)]
    with pytest.raises(DamagedStateError):
        store(shelf).read()
    with store(shelf).lock("apply"), pytest.raises(DamagedStateError):
        store(shelf).read()


@pytest.mark.parametrize("change", [*DAMAGE, None])
def test_a_lost_head_can_be_restored(change: Callable[[bytes], bytes] | None) -> None:
    shelf, state = a_shelf()
    if change:
        damage(shelf, HEAD_NAME, change)
    else:
        del shelf.items[HEAD_NAME]
    it = store(shelf)
    with it.lock("state restore"):
        restored = it.restore(state.serial)
    assert (restored.serial, restored.intents) == (state.serial + 1, state.intents)
    assert store(shelf).read() == restored
    assert [note.serial for note in store(shelf).history()] == [3, 2, 1]


def test_a_lost_version_can_be_restored_with_what_the_journal_knows() -> None:
    shelf, state = a_shelf()
    it = store(shelf)
    with it.lock("apply"):
        state = it.commit(it.read() or state)
    del shelf.items[first(shelf, f"{VERSIONS}{state.serial}-")]
    with pytest.raises(DamagedStateError, match=f"state restore {state.serial - 1}"):
        store(shelf).read()
    with it.lock("state restore"):
        assert it.restore(state.serial - 1).serial == state.serial + 1


def test_a_journal_of_another_version_is_refused() -> None:
    shelf, state = a_shelf()
    late = shelf.items[first(shelf, JOURNAL)]
    it = store(shelf)
    with it.lock("apply"):
        it.commit(it.read() or state)
    shelf.items[f"{JOURNAL}99/0"] = late
    with pytest.raises(DamagedStateError, match=r"goes on from another version \(serial 2\)"):
        store(shelf).read()


def test_segments_of_a_dead_epoch_count_no_more() -> None:
    shelf, state = a_shelf()
    late = shelf.items[first(shelf, JOURNAL)]
    it = store(shelf)
    with it.lock("apply"):
        state = it.commit(it.read() or state)
    shelf.items[f"{JOURNAL}1/7"] = late
    assert store(shelf).read() == state


def test_a_version_that_no_head_names_is_nothing() -> None:
    shelf, state = a_shelf()
    newer = shelf.items[first(shelf, VERSIONS)]
    shelf.items[f"{VERSIONS}77-0123456789abcdef.json"] = newer
    assert store(shelf).read() == state


def test_a_newer_format_is_refused_and_left_alone() -> None:
    shelf, _state = a_shelf()
    damage(shelf, HEAD_NAME, lambda data: data.replace(b'"format_version":"1.0"', b'"format_version":"2.0"'))
    before = dict(shelf.items)
    with pytest.raises(DamagedStateError, match="newer version of reconciler"):
        store(shelf).read()
    with pytest.raises(DamagedStateError, match="newer version of reconciler"), store(shelf).lock("apply"):
        pass
    assert shelf.items == before


def test_a_writer_at_work_does_not_disturb_a_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf, _state = a_shelf()
    it, reader = store(shelf), store(shelf)
    real = shelf.names

    def names_after_a_commit(under: str) -> list[str]:
        monkeypatch.setattr(shelf, "names", real)
        with it.lock("apply"):
            it.commit(it.read() or samples.state())
        return real(under)

    monkeypatch.setattr(shelf, "names", names_after_a_commit)
    found = reader.read()
    assert found == store(shelf).read()


def test_a_state_that_was_moved_is_refused_and_says_where_it_is() -> None:
    shelf, _state = a_shelf()
    it = store(shelf)
    with it.lock("state migrate"):
        it.move_away("s3://elsewhere")
    with pytest.raises(MovedStateError, match="was moved to s3://elsewhere") as refused:
        store(shelf).read()
    assert refused.value.exit_code == 3
    with it.lock("state push"):
        it.push(b"".join([store(a_shelf()[0]).pull()]), force=True)
    assert store(shelf).read() is not None


def test_marks_outside_are_asked() -> None:
    class High(HighWaterMarks):
        def of(self, lineage: str) -> int:
            return 99

    shelf, _state = a_shelf()
    with pytest.raises(StateError, match="99 was already written"):
        store(shelf, marks=High(None, Disk())).read()
