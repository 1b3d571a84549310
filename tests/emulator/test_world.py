from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.emulator.store import DataFolderInUseError
from reconciler.emulator.world import World


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def world(time: Time) -> World:
    return World(source=time)


def test_objects_come_back_in_the_order_of_their_creation(world: World) -> None:
    for name in "cab":
        world.put("thing", "one", name, {"id": name})
    world.put("thing", "one", "c", {"id": "c", "more": 1})
    world.put("thing", "two", "z", {"id": "z"})
    assert world.ids("thing", "one") == ["c", "a", "b"]
    assert [item["id"] for item in world.all("thing", "one")] == ["c", "a", "b"]
    assert world.encoded_all("thing", "one")[0] == b'{"id":"c","more":1}'
    assert world.get("thing", "two", "c") is None


def test_an_index_follows_what_changes(world: World) -> None:
    world.put("thing", "one", "a", {"id": "a", "at": {"home": 1}})
    assert [item["id"] for item in world.where("thing", "one", "at.home", 1)] == ["a"]
    world.put("thing", "one", "b", {"id": "b", "at": {"home": 1}})
    world.put("thing", "one", "a", {"id": "a", "at": {"home": 2}})
    assert [item["id"] for item in world.where("thing", "one", "at.home", 1)] == ["b"]
    world.remove("thing", "one", "b")
    assert world.where("thing", "one", "at.home", 1) == []
    assert world.where("thing", "one", "at.home", 3) == []


def test_the_ledger_entry_notes_what_happened_but_no_bookkeeping(world: World) -> None:
    entry = world.entry = world.ledger.open(0, "POST", "/", {})
    world.put("thing", "one", "a", {"name": "A"})
    world.put("thing", "one", "a", {"name": "A", "more": 1})
    world.put("_index", "one", "a", {})
    world.remove("thing", "one", "a")
    fact = {"kind": "thing", "id": "a", "name": "A"}
    assert (entry.created, entry.changed, entry.deleted) == ([fact], [fact], [fact])


def test_the_past_is_remembered_for_a_minute(world: World, time: Time) -> None:
    world.put("thing", "one", "old", {"v": 1})
    time.now += 100
    world.put("thing", "one", "old", {"v": 2})
    world.put("thing", "one", "new", {"v": 1})
    time.now += 30
    world.remove("thing", "one", "old")
    time.now += 10
    assert world.as_of(time.now - 5).all("thing", "one") == [{"v": 1}]
    assert world.as_of(time.now - 20).get("thing", "one", "old") == {"v": 2}
    past = world.as_of(time.now - 45)
    assert past.all("thing", "one") == [{"v": 1}]
    assert past.where("thing", "one", "v", 1) == [{"v": 1}]
    assert past.clock.now() == time.now - 45
    with pytest.raises(RuntimeError, match="cannot be changed"):
        past.put("thing", "one", "x", {})


def test_what_is_due_happens_in_its_order_at_its_time(world: World, time: Time) -> None:
    happened: list[tuple[str, float]] = []

    def settle(world: World, account: str, name: str, at: float) -> None:
        happened.append((name, at))
        if name == "first":
            world.schedule("thing", account, "third", at + 3)

    world.on_due("thing", settle)
    world.schedule("thing", "one", "second", 1002)
    world.schedule("thing", "one", "first", 1009)
    world.schedule("thing", "one", "first", 1001)
    world.schedule("thing", "one", "never", 1001)
    world.schedule("thing", "one", "never", None)
    time.now = 1020
    world.settle()
    assert happened == [("first", 1001), ("second", 1002), ("third", 1004)]


def test_a_world_outlives_its_process(tmp_path: Path, time: Time) -> None:
    with World(tmp_path / "data", time) as world:
        world.put("thing", "one", "a", {"v": 1})
        world.put("thing", "one", "b", {"v": 2})
        world.remove("thing", "one", "a")
        world.schedule("thing", "one", "b", 1500)
        world.clock.advance(400)
    with World(tmp_path / "data", time) as world:
        assert world.all("thing", "one") == [{"v": 2}]
        assert world.clock.now() == 1400
        due: list[float] = []
        world.on_due("thing", lambda _world, _account, _name, at: due.append(at))
        world.clock.advance(100)
        world.settle()
        assert due == [1500]


def test_the_data_folder_is_private_and_has_one_user(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with World(folder) as world:
        world.put("thing", "one", "a", {})
        world.commit()
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
        with pytest.raises(DataFolderInUseError, match="another process serves this world"):
            World(folder)
    World(folder).close()


def test_the_ledger_goes_on_counting(tmp_path: Path) -> None:
    for number in (1, 2):
        with World(tmp_path) as world:
            world.entry = world.ledger.open(0, "GET", f"/{number}", {})
            world.commit()
            assert world.entry.n == number
    with World(tmp_path) as world:
        world.ledger.open(0, "GET", "/3", {})
        assert len(world.ledger.since(0)) == 3
        assert len(world.ledger.since(1)) == 2
        assert [entry.path for entry in world.ledger.since(2)] == ["/3"]
        assert world.ledger.since(3) == []


def test_clearing_leaves_nothing_in_any_process(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.put("thing", "one", "a", {})
        world.commit()
        world.clear()
        assert world.where("thing", "one", "v", None) == []
    with World(tmp_path) as world:
        assert list(world.visible()) == []
