"""What lies there is cut, flipped, emptied, exchanged or put back: it is refused, or read as it was; never as anything else."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import pytest

from reconciler.errors import ReconcilerError
from reconciler.model.event import Event
from reconciler.model.state import State
from reconciler.storage.envelope import Envelope, Plain
from reconciler.storage.store import Store
from tests.faults.conftest import Record
from tests.storage import samples
from tests.storage.places import key, sealed
from tests.storage.remote import memory
from tests.storage.remote.memory import MemoryShelf

LONG = bool(os.environ.get("RECONCILER_LONG"))
TRIES = 4_000 if LONG else 60
WHERE = ("a folder", "a folder, encrypted", "elsewhere", "elsewhere, encrypted")
EVENTS: tuple[Event, ...] = (samples.begun(1), samples.succeeded(1), samples.begun(2, samples.EDGE))


@dataclass
class Place:
    """Documents by name, and stores that read them; `marks`: what this user has seen is remembered outside."""

    folder: Path
    envelope: Envelope = field(default_factory=Plain)
    shelf: MemoryShelf | None = None

    def open(self, *, marks: bool = True) -> Store:
        if self.shelf is not None:
            return memory.store(self.shelf, envelope=self.envelope)
        seen = self.folder / "marks" if marks else None
        return samples.store(self.folder, marks=seen, envelope=self.envelope)

    def documents(self) -> dict[str, bytes]:
        if self.shelf is not None:
            return {name: item.data for name, item in self.shelf.items.items()}
        files = (path for path in (self.folder / "state").rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in files}

    def put(self, documents: Mapping[str, bytes]) -> None:
        for name, data in documents.items():
            if self.shelf is not None:
                self.shelf.items[name] = replace(self.shelf.items[name], data=data)
            else:
                (self.folder / name).write_bytes(data)


def written(place: Place, lineage: str = "lineage-1") -> list[State]:
    """Two versions, and a run that was cut off; gives every state that may be read of it: journals may lose their end."""
    for number in range(2):
        store = place.open()
        with store.lock("apply"):
            state = store.read() or samples.state(lineage=lineage)
            store.commit(replace(store.begin_run(state, "run"), outputs={"n": number}))
    store = place.open()
    with store.lock("apply"):
        state = store.begin_run(store.read() or pytest.fail("nothing there"), "run-2")
        for event in EVENTS:
            store.append([event])
    return [state.after(EVENTS[:count]) for count in range(len(EVENTS) + 1)]


@pytest.fixture(params=WHERE)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    shelf = MemoryShelf() if "elsewhere" in request.param else None
    return Place(tmp_path, sealed(key(1)) if "encrypted" in request.param else Plain(), shelf)


def is_refused_or_right(place: Place, right: list[State]) -> bool:
    """Whether what lies there is refused, with what to do; otherwise it was read, and rightly."""
    found = outcome(place)
    if isinstance(found, ReconcilerError):
        assert (found.exit_code, bool(found.fix)) == (3, True), found
        return True
    assert found in right, "misread"
    return False


def outcome(place: Place) -> State | ReconcilerError | None:
    """What was read, or why it was refused."""
    try:
        return place.open().read()
    except ReconcilerError as error:
        return error


def damages(data: bytes, random: Random) -> Iterator[bytes]:
    """A document emptied, cut, with a flipped bit, overwritten, doubled."""
    yield b""
    yield data + data
    yield bytes(len(data))
    while data:
        at = random.randrange(len(data))
        yield data[:at]
        yield data[:at] + bytes([data[at] ^ (1 << random.randrange(8))]) + data[at + 1 :]
        yield data[:at] + random.randbytes(8) + data[at + 8 :]
        yield data[:at] + data[at + random.randrange(1, 64) :]


def test_a_damaged_document_is_refused_or_read_as_it_was(place: Place, record: Record) -> None:
    right, random = written(place), Random(5)
    whole = place.documents()
    tries = refused = 0
    for name, data in sorted(whole.items()):
        if "history" in name or name.endswith(".lock"):
            continue
        for damaged, _ in zip(damages(data, random), range(TRIES), strict=False):
            place.put({name: damaged})
            refused += is_refused_or_right(place, right)
            tries += 1
        place.put(whole)
    assert refused > tries / 2
    record(
        2,
        "state, journal, head emptied, cut, flipped, overwritten, doubled",
        tries,
        "refused, or read as it was; 0 misread",
    )


def test_documents_of_another_state_or_time_are_refused(place: Place, tmp_path: Path, record: Record) -> None:
    right = written(place)
    whole = place.documents()
    shelf = MemoryShelf() if place.shelf is not None else None
    stranger = Place(tmp_path / "stranger", place.envelope, shelf)
    written(stranger, "lineage-2")
    tries = 0
    for one, data in {**stranger.documents(), **whole}.items():
        for name in whole:
            if _kind(one) == "lock" or _kind(name) == "lock" or data == whole[name] or "history" in name:
                continue
            place.put({name: data})
            is_refused_or_right(place, right)
            tries += 1
            place.put({name: whole[name]})
    record(
        2,
        "each document put in another's place, of the same state and of a stranger's",
        tries,
        "refused, or read as it was; 0 misread",
    )


def _kind(name: str) -> str:
    return name.rpartition(".")[2]


def put_back_all(place: Place) -> None:
    """Everything as it was one version ago, history and all."""
    written(place)
    old = place.documents()
    store = place.open()
    with store.lock("apply"):
        state = store.read()
        assert state is not None
        store.commit(replace(store.begin_run(state, "run"), outputs={"n": 7}))
    if place.shelf is None:
        for path in (place.folder / "state").rglob("*.json"):
            path.unlink()
    place.put(old)


@pytest.mark.parametrize("envelope", [Plain(), sealed(key(1))], ids=["plain", "encrypted"])
@pytest.mark.parametrize("seen", [True, False], ids=["seen", "never seen"])
def test_everything_put_back_is_noticed_where_it_was_seen(
    tmp_path: Path, envelope: Envelope, seen: bool, record: Record
) -> None:
    place = Place(tmp_path, envelope)
    put_back_all(place)
    read: Callable[[], object] = place.open(marks=seen).read
    if not seen:
        assert read() is not None  # docs/state.md says that this cannot be told
        return
    with pytest.raises(ReconcilerError, match="is old: it has serial") as refused:
        read()
    assert refused.value.exit_code == 3
    record(
        24,
        "state, journal and history put back as they were",
        1,
        "refused, named; not to be told on a machine that never saw the newer one",
    )


def test_one_old_file_put_back_is_noticed_by_what_lies_beside_it(place: Place, record: Record) -> None:
    right = written(place)
    whole = place.documents()
    old = next(
        data for name, data in sorted(whole.items()) if "history/1." in name or name.startswith("versions/1-")
    )
    present = next(
        name
        for name in sorted(whole, reverse=True)
        if name.endswith("default.json") or name.startswith("versions/2-")
    )
    place.put({present: old})
    assert is_refused_or_right(place, right)
    record(
        24,
        "an old version put in the place of the present one",
        1,
        "refused, named, also without a mark outside",
    )
