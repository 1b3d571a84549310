from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import DamagedStateError
from reconciler.model.state import State
from reconciler.storage.disk import Disk
from reconciler.storage.kept_lists import KeptLists, decode_list, encode_list
from reconciler.storage.local_store import LocalStore
from reconciler.storage.state_file import KEPT_VERSIONS
from tests.storage import samples
from tests.storage.test_local_store import names

ONE, TWO = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


class FullDisk(Disk):
    def create(self, path: Path) -> int:
        raise OSError(28, "No space left on device")


def with_inputs(hash_: str) -> State:
    return samples.state(replace(samples.prior(), attributes={"inputs": hash_}))


def apply(store: LocalStore, hash_: str, *, keeps: bool = True, **other: int) -> None:
    """An apply after which the state holds this hash."""
    wanted = replace(with_inputs(hash_), outputs=other)
    with store.lock("apply"):
        present = store.read()
        if keeps:
            store.keep(hash_, b"{}")
        store.commit(replace(wanted, serial=present.serial if present else 0))


def kept(folder: Path) -> set[str]:
    return {path.stem[0] for path in (folder / "state" / "default.inputs").glob("*.json")}


def test_what_is_kept_is_recalled_and_private(tmp_path: Path) -> None:
    store = samples.store(tmp_path)
    assert store.recall(ONE) is None
    with store.lock("apply"):
        store.keep(ONE, b'{"a":"b"}')
    assert samples.store(tmp_path).recall(ONE) == b'{"a":"b"}'
    path = tmp_path / "state" / "default.inputs" / f"{'1' * 64}.json"
    assert [stat.S_IMODE(one.stat().st_mode) for one in (path.parent, path)] == [0o700, 0o600]


def test_only_under_the_lock(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="under the lock"):
        samples.store(tmp_path).keep(ONE, b"{}")


def test_a_damaged_one_is_written_again(tmp_path: Path) -> None:
    lists = KeptLists(tmp_path, Disk())
    lists.keep(ONE, b"{}")
    (tmp_path / f"{'1' * 64}.json").write_bytes(b"[")
    lists.keep(ONE, b"{}")
    assert lists.recall(ONE) == b"{}"


@pytest.mark.parametrize("name", ["", "../state", "1" * 63, f"sha256:{'1' * 64}/..", "sha512:" + "1" * 64])
def test_a_name_is_a_hash(tmp_path: Path, name: str) -> None:
    lists = KeptLists(tmp_path / "lists", Disk())
    assert lists.recall(name) is None
    with pytest.raises(ValueError, match="is no hash"):
        lists.keep(name, b"{}")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_no_reason_to_fail(tmp_path: Path) -> None:
    KeptLists(tmp_path, FullDisk()).keep(ONE, b"{}")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_read_is_not_recalled(tmp_path: Path) -> None:
    (tmp_path / f"{'1' * 64}.json").mkdir()
    assert KeptLists(tmp_path, Disk()).recall(ONE) is None


def test_a_list_stays_as_long_as_a_version_refers_to_it(tmp_path: Path) -> None:
    store = samples.store(tmp_path)
    apply(store, ONE)
    apply(store, TWO)
    assert kept(tmp_path) == {"1", "2"}
    for number in range(KEPT_VERSIONS):
        apply(store, TWO, number=number)
    assert kept(tmp_path) == {"2"}


def test_what_no_version_refers_to_goes(tmp_path: Path) -> None:
    store = samples.store(tmp_path)
    apply(store, ONE)
    leftover = tmp_path / "state" / "default.inputs" / f".{'3' * 64}.json.1.tmp"
    leftover.write_bytes(b"{")
    with store.lock("apply"):
        state = store.read()
        assert state is not None
        store.keep(TWO, b"{}")
        store.commit(state)
    assert (kept(tmp_path), leftover.exists()) == ({"1"}, False)


def test_a_run_that_keeps_nothing_looks_through_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = samples.store(tmp_path)
    apply(store, ONE)
    monkeypatch.setattr(KeptLists, "drop_unneeded", lambda *_: pytest.fail("looked"))
    apply(store, TWO, keeps=False)


def test_nothing_goes_while_a_version_cannot_be_read(tmp_path: Path) -> None:
    lists = KeptLists(tmp_path, Disk())
    lists.keep(ONE, b"{}")

    def versions() -> Iterator[bytes]:
        yield b""
        raise DamagedStateError("the history cannot be read")

    lists.drop_unneeded(versions())
    assert lists.recall(ONE) == b"{}"


def test_environments_have_lists_of_their_own(tmp_path: Path) -> None:
    store = samples.store(tmp_path, replace(samples.SHOP, environment="eu"))
    with store.lock("apply"):
        store.keep(ONE, b"{}")
    assert f"state/eu.inputs/{'1' * 64}.json" in names(tmp_path)


@given(st.dictionaries(st.text(st.characters(codec=None)), st.text()))
def test_a_list_comes_back_as_it_was(files: dict[str, str]) -> None:
    assert decode_list(encode_list(files)) == files


@pytest.mark.parametrize("document", [None, b"", b"[", b"[1]", b"null", b'{"a": 1}', b"\xff", b"[" * 100_000])
def test_something_else_is_no_list(document: bytes | None) -> None:
    assert decode_list(document) is None
