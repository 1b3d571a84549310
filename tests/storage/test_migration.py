from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import StateError, StateMismatchError
from reconciler.model.state import State
from reconciler.storage import migration
from reconciler.storage.identity import Identity
from reconciler.storage.migration import migrate
from reconciler.storage.moved import MovedStateError
from reconciler.storage.store import Store
from tests.storage import samples
from tests.storage.places import Place
from tests.storage.remote.memory import MemoryShelf, store

EU = replace(samples.SHOP, environment="eu")


def write(it: Store, wanted: State) -> State:
    with it.lock("test"):
        present = it.read()
        return it.commit(replace(wanted, serial=present.serial if present else wanted.serial))


class Elsewhere(MemoryShelf):
    def describe(self) -> str:
        return "memory://elsewhere"


def another() -> Store:
    return store(Elsewhere())


def test_a_state_moves_with_what_never_ended(place: Place) -> None:
    source, target = place.open(), another()
    write(source, samples.rich_state())
    before = source.read()
    moved = migrate(source, target, None)
    assert before is not None
    assert replace(moved, serial=0) == replace(before, serial=0)
    assert target.read() == moved
    with pytest.raises(MovedStateError, match="was moved to memory://elsewhere"):
        place.open().read()
    uses: list[Callable[[Store], object]] = [
        lambda it: it.read(),
        lambda it: it.restore(0),
        lambda it: it.push(it.pull()),
    ]
    for use in uses:
        store = place.open()
        with store.lock("apply"), pytest.raises(MovedStateError):
            use(store)


def test_it_can_come_back(place: Place) -> None:
    here, there = place.open(), another()
    write(here, samples.state(samples.prior()))
    away = migrate(here, there, None)
    back = migrate(there, place.open(), None)
    assert back.serial > away.serial
    assert place.open().read() == back
    with pytest.raises(MovedStateError):
        there.read()


def test_asked_again_it_changes_nothing(place: Place) -> None:
    source, target = place.open(), another()
    write(source, samples.state(samples.prior()))
    moved = migrate(source, target, None)
    assert migrate(place.open(), target, None) == moved
    assert len(target.history()) == 1


def test_it_moves_out_of_default_into_an_environment(place: Place) -> None:
    write(place.open(), samples.state(samples.prior()))
    moved = migrate(place.open(), place.open(EU), "eu")
    assert moved.environment == "eu"
    assert place.open(EU).read() == moved
    with pytest.raises(MovedStateError, match="eu"):
        place.open().read()


def test_two_states_do_not_become_one(place: Place) -> None:
    source, target = place.open(), another()
    write(source, samples.state())
    write(target, samples.state(lineage="stranger"))
    with pytest.raises(StateMismatchError, match="holds another state"):
        migrate(source, target, None)
    assert (source.read(), target.read()) != (None, None)
    assert (source.holder(), target.holder()) == (None, None)


def test_a_later_version_there_is_not_overwritten() -> None:
    source, target = another(), store(MemoryShelf())
    write(source, samples.state())
    for number in range(3):
        write(target, samples.state(outputs={"n": number}))
    with pytest.raises(StateMismatchError, match="is later than 1"):
        migrate(source, target, None)


def test_nothing_and_the_same_place_are_said() -> None:
    with pytest.raises(StateError, match="there is no state at memory://elsewhere"):
        migrate(another(), store(MemoryShelf()), None)
    with pytest.raises(StateError, match="already"):
        migrate(another(), another(), None)


class CutError(Exception):
    """The process is gone."""


def cut_at(number: int, *stores: Store) -> list[int]:
    """Ends the process, so to speak, at the n-th call of any of the stores; counts them."""
    count = [0]

    def cutting(call: Callable[..., Any]) -> Callable[..., Any]:
        def cut(*args: Any, **kwargs: Any) -> Any:
            count[0] += 1
            if count[0] == number:
                raise CutError
            return call(*args, **kwargs)

        return cut

    for one in stores:
        for name in ("read", "push", "move_away", "lock"):
            setattr(one, name, cutting(getattr(one, name)))
    return count


def test_a_crash_at_any_point_leaves_it_in_force_at_one_place_and_can_be_gone_on_from(tmp_path: Path) -> None:
    for number in range(1, 20):
        shelf = Elsewhere()
        folder = tmp_path / str(number)
        state = write(samples.store(folder), samples.state(samples.prior()))
        source, target = samples.store(folder), store(shelf)
        count = cut_at(number, source, target)
        try:
            migrate(source, target, None)
        except CutError:
            assert in_force(samples.store(folder)) or in_force(store(shelf))
        else:
            break
        moved = migrate(samples.store(folder), store(shelf), None)
        assert (moved.resources, in_force(samples.store(folder))) == (state.resources, False)
    assert count[0] < number < 19


def in_force(it: Store) -> bool:
    try:
        return it.read() is not None
    except MovedStateError:
        return False


def test_what_cannot_be_read_back_is_not_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = another(), store(MemoryShelf(), Identity("shop"))
    state = write(source, samples.state())
    monkeypatch.setattr(migration, "_same", lambda *_: False)
    with pytest.raises(StateError, match="does not give back what was written"):
        migrate(source, target, None)
    assert source.read() == state
