"""A state at rest under a key: opaque to whoever has none, and refused wherever it was tampered with."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import DamagedStateError, ReconcilerError, StateError
from reconciler.model.event import Event
from reconciler.model.state import State
from reconciler.storage.codec import MalformedError, encode_version
from reconciler.storage.envelope import Plain, about_version
from reconciler.storage.journal import JournalHeader, NotDurableError, parse_journal, recovery_record
from reconciler.storage.remote.shelf import Item
from tests.storage import samples
from tests.storage.places import Place, key, sealed
from tests.storage.remote import memory
from tests.storage.remote.memory import MemoryShelf

WORD = b"quetzalcoatl"
LIST = "ab" * 32


def written(place: Place, number: int = 0) -> State:
    """A whole run that leaves a version, and a list that it refers to."""
    store = place.open()
    with store.lock("apply"):
        present = store.read() or samples.state()
        state = store.begin_run(present, "run-1")
        store.keep(f"sha256:{LIST}", b'{"quetzalcoatl.py":"1"}')
        outputs = {"n": number, "word": WORD.decode(), "inputs": f"sha256:{LIST}"}
        return store.commit(replace(state, outputs=outputs))


def cut_off(place: Place) -> None:
    """A run that was killed after it had begun something."""
    store = place.open()
    with store.lock("apply"):
        state = store.read()
        assert state is not None
        store.begin_run(state, "run-2")
        store.append([samples.begun(1, facts={"word": WORD.decode()})])


def everything(place: Place) -> Iterator[bytes]:
    """Every byte that lies at a place."""
    if place.shelf is None:
        yield from (path.read_bytes() for path in (place.folder / "state").rglob("*") if path.is_file())
        return
    shelf = place.shelf("shop/default")
    for folder in ("", "versions/", "journal/", "inputs/"):
        for name in shelf.names(folder):
            item = shelf.get(name)
            yield item.data if item else b""


def test_nothing_readable_lies_there(encrypted: Place) -> None:
    written(encrypted)
    cut_off(encrypted)
    stored = list(everything(encrypted))
    assert len(stored) >= 3
    assert all(WORD not in data for data in stored)
    state = encrypted.open().read()
    assert state is not None
    assert set(state.intents) == {"op-1"}


def test_without_its_key_it_is_refused_and_the_key_named(encrypted: Place) -> None:
    written(encrypted)
    for envelope, said in ((Plain(), "name that key"), (sealed(key(2)), "old_keys")):
        store = replace(encrypted, envelope=envelope).open()
        with pytest.raises(DamagedStateError, match=key(1).id) as refused:
            store.read()
        assert said in refused.value.fix
        with store.lock("state restore"), pytest.raises(DamagedStateError, match=key(1).id):
            store.restore(1)


def test_what_is_not_encrypted_is_no_stand_in(encrypted: Place) -> None:
    written(replace(encrypted, envelope=Plain()))
    store = encrypted.open()
    with pytest.raises(DamagedStateError, match="not encrypted") as refused:
        store.read()
    assert "state rekey" in refused.value.fix


def rekeyed(place: Place) -> tuple[str, ...]:
    store = place.open()
    with store.lock("state rekey"):
        return store.rekey()


def test_a_first_key_encrypts_every_version(encrypted: Place) -> None:
    plain = replace(encrypted, envelope=Plain())
    written(plain)
    written(plain, 1)
    cut_off(plain)
    assert rekeyed(encrypted.under(key(1), accepts_plain=True)) == ()
    assert all(WORD not in data for data in everything(encrypted))
    state = encrypted.open().read()
    assert state is not None
    assert (state.outputs["n"], set(state.intents)) == (1, {"op-1"})
    assert encrypted.open().read_version(1).outputs["n"] == 0


def test_a_key_is_changed_while_the_old_one_is_still_read(encrypted: Place) -> None:
    written(encrypted)
    both, new = encrypted.under(key(2), key(1)), encrypted.under(key(2))
    written(both, 1)
    assert new.open().read() == both.open().read()
    with pytest.raises(DamagedStateError, match=key(1).id):
        new.open().read_version(1)
    rekeyed(both)
    assert new.open().read_version(1).outputs["n"] == 0
    if encrypted.options.get("keeps_lists", True):
        assert new.open().recall(LIST) == b'{"quetzalcoatl.py":"1"}'


def test_a_key_is_given_up(encrypted: Place) -> None:
    written(encrypted)
    rekeyed(encrypted.under(None, key(1)))
    plain = replace(encrypted, envelope=Plain()).open()
    state = plain.read()
    assert state is not None
    assert state.outputs["word"] == WORD.decode()


def test_an_old_file_put_back_is_noticed(tmp_path: Path) -> None:
    place = Place("local", tmp_path).under(key(1))
    written(place)
    file = tmp_path / "state" / "default.json"
    old = file.read_bytes()
    written(place, 1)
    file.write_bytes(old)
    with pytest.raises(DamagedStateError, match="is old"):
        place.open().read()
    file.unlink()
    (tmp_path / "state" / "default.history" / "2.json").write_bytes(old)
    with pytest.raises(DamagedStateError, match="it is version 1 of lineage-1, and stands in the place"):
        place.open().read_version(2)


def test_an_old_version_under_a_newer_ones_name_is_noticed() -> None:
    shelf = MemoryShelf()
    for number in range(2):
        store = memory.store(shelf, envelope=sealed(key(1)))
        with store.lock("apply"):
            store.commit(replace(store.read() or samples.state(), outputs={"n": number}))
    old, new = sorted(name for name in shelf.items if name.startswith("versions/"))
    shelf.items[new] = shelf.items[old]
    with pytest.raises(DamagedStateError, match="it is version 1 of lineage-1, and stands in the place"):
        memory.store(shelf, envelope=sealed(key(1))).read()


def fields(stored: bytes, **other: str) -> bytes:
    return json.dumps({**json.loads(stored), **other}, separators=(",", ":")).encode()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "another serial": lambda it: fields(it, about="version 2 of lineage-1"),
    "another lineage": lambda it: fields(it, about="version 1 of lineage-2"),
    "another key": lambda it: fields(it, key=key(2).id),
    "another format": lambda it: fields(it, encrypted="2.0"),
    "another body": lambda it: fields(it, body="AAAA"),
    "one field more": lambda it: fields(it, more=""),
    "its end cut off": lambda it: it[:-20],
    "nothing but its beginning": lambda it: it[:13],
    "a flipped bit": lambda it: it[:-30] + bytes([it[-30] ^ 1]) + it[-29:],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_was_changed_does_not_open(damage: str) -> None:
    envelope = sealed(key(1), key(2))
    stored = envelope.wrap(b"{}", about_version(1, "lineage-1"))
    assert envelope.unwrap(stored, about_version(1)) == b"{}"
    with pytest.raises(MalformedError):
        envelope.unwrap(DAMAGES[damage](stored), about_version(1))


def test_every_flipped_bit_and_every_cut_is_noticed() -> None:
    envelope = sealed(key(1))
    stored = envelope.wrap(b'{"a":1}', "version 1 of lineage-1")
    spoilt = [stored[:end] for end in range(1, len(stored))]
    spoilt += [
        stored[:at] + bytes([stored[at] ^ 1 << bit]) + stored[at + 1 :]
        for at in range(len(stored))
        for bit in range(8)
    ]
    for data in spoilt:  # base64 ends with bits that mean nothing
        with contextlib.suppress(MalformedError):
            assert envelope.unwrap(data, "version 1 of lineage-1") == b'{"a":1}'


HEADER = JournalHeader("1.0", "j", "run-1", "lineage-1", 1, "0" * 64, samples.AT)
EVENTS: list[Event] = [samples.begun(1), samples.succeeded(1), samples.begun(2, samples.EDGE)]


def test_a_journals_lines_are_bound_to_their_places() -> None:
    envelope = sealed(key(1))
    record = recovery_record(HEADER, EVENTS, envelope).encode()
    other = recovery_record(
        JournalHeader("1.0", "k", "run-1", "lineage-1", 1, "0" * 64, samples.AT), EVENTS, envelope
    )
    assert parse_journal(record, envelope).events == tuple(EVENTS)
    lines, others = payloads(record), payloads(other.encode())
    for moved in ([lines[0], lines[2], lines[1]], [lines[0], others[1]], [lines[0], lines[2]], lines[1:]):
        with pytest.raises(MalformedError, match="stands in the place of"):
            parse_journal(framed(moved), envelope)


def payloads(journal: bytes) -> list[bytes]:
    return [line[18:] for line in journal.splitlines()]


def framed(lines: list[bytes]) -> bytes:
    """A journal whose lines are whole, as somebody without a key could write it."""
    from zlib import crc32

    made, check = b"", 0
    for line in lines:
        check = crc32(line, check)
        made += b"%08x %08x %b\n" % (len(line), check, line)
    return made


def test_a_recovery_record_is_as_opaque_and_can_be_pushed(tmp_path: Path) -> None:
    from tests.storage.test_full_disk import Refusing

    disk = Refusing()
    store = samples.store(tmp_path, disk=disk, envelope=sealed(key(1)))
    with store.lock("apply"):
        store.read()
        store.begin_run(samples.state(), "run-1")
        store.append([samples.begun(1)])
        disk.code = 28
        with pytest.raises(NotDurableError) as refused:
            store.append([samples.begun(2, samples.EDGE, facts={"word": WORD.decode()})])
    disk.code = 0
    assert WORD.decode() not in refused.value.record
    with store.lock("state push"):
        assert set(store.push(refused.value.record.encode()).intents) == {"op-1", "op-2"}


def test_a_document_may_be_pushed_encrypted_or_not(encrypted: Place) -> None:
    state = written(encrypted)
    document = encode_version(state)[0]
    hidden = sealed(key(1)).wrap(document, about_version(state.serial, state.lineage))
    for pushed in (document, hidden):
        store = encrypted.open()
        with store.lock("state push"):
            store.push(pushed, force=True)
    store = replace(encrypted, envelope=sealed(key(2), key(1))).open()
    assert store.read() is not None


@pytest.mark.parametrize("name", ["state", "key"])
def test_the_head_of_a_remote_place_names_no_content(name: str) -> None:
    shelf = MemoryShelf()
    store = memory.store(shelf, envelope=sealed(key(1)))
    with store.lock("apply"):
        store.read()
        store.begin_run(samples.state(outputs={name: WORD.decode()}), "run-1")
    assert WORD not in shelf.items["head.json"].data


def test_a_missing_library_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    with pytest.raises(StateError, match="not installed") as refused:
        sealed(key(1)).wrap(b"", "")
    assert "reconciler[encryption]" in refused.value.fix


def test_a_key_is_fetched_once_and_only_when_it_is_needed(tmp_path: Path) -> None:
    from reconciler.storage.encryption import Encrypted, Keyring

    fetched: list[int] = []

    def fetch() -> Keyring:
        fetched.append(1)
        return Keyring(key(1))

    place = Place("local", tmp_path, envelope=Encrypted(fetch))
    assert place.open().read() is None
    assert fetched == []
    written(place)
    written(place)
    assert fetched == [1]


def test_a_key_prints_nothing_of_itself() -> None:
    assert repr(key(1)) == "EncryptionKey()"
    assert key(1).content.hex() not in key(1).id


def _cut(shelf: MemoryShelf, name: str, change: Callable[[bytes], bytes]) -> None:
    item: Item = shelf.items[name]
    shelf.items[name] = replace(item, data=change(item.data))


@pytest.mark.parametrize("what", ["versions/", "journal/"])
@pytest.mark.parametrize(
    "change",
    [lambda _: b"", lambda it: it[:40], lambda it: it[:-9], lambda it: b"x" + it, lambda _: b"{}\n"],
    ids=["emptied", "torn", "cut", "shifted", "foreign"],
)
def test_a_damaged_remote_document_is_refused(what: str, change: Any) -> None:
    shelf = MemoryShelf()
    store = memory.store(shelf, envelope=sealed(key(1)))
    with store.lock("apply"):
        store.read()
        store.begin_run(samples.state(), "run-1")
        store.append([samples.begun(1)])
    for name in [name for name in shelf.items if name.startswith(what)]:
        _cut(shelf, name, change)
    with pytest.raises(ReconcilerError) as refused:
        memory.store(shelf, envelope=sealed(key(1))).read()
    assert refused.value.exit_code == 3
