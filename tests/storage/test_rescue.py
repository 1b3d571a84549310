from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import DamagedStateError, StateError, StateMismatchError
from reconciler.model.state import State
from reconciler.storage.local_store import LocalStore
from tests.storage import samples
from tests.storage.test_reading import Scene, cut, flip, old_everything, rewrite, without


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def restore(store: LocalStore, serial: int) -> State:
    with store.lock("state restore"):
        state = store.restore(serial)
    assert store.read() == state
    assert not store.paths.journal.exists()
    return state


def test_an_earlier_version_is_written_again_under_a_higher_serial(scene: Scene) -> None:
    state = restore(scene.store, 1)
    assert (state.serial, set(state.resources)) == (3, set())
    assert [note.serial for note in scene.store.history()] == [3, 2, 1]


def test_what_is_open_survives_a_restore(scene: Scene) -> None:
    with scene.store.lock("apply"):
        state = scene.store.commit(scene.store.read() or samples.state())
    deleted = samples.succeeded(7, deleted="old-id")
    samples.cut_off_run(scene.store, samples.begun(8), deleted)
    restored = restore(scene.store, 1)
    assert restored.serial == state.serial + 1
    assert set(restored.intents) == {"op-8"}
    assert [tombstone.identity for tombstone in restored.tombstones] == ["old-id"]


@pytest.mark.parametrize(
    "spoil",
    [lambda it: it.paths.state.unlink(), lambda it: cut(it.paths.state, 0), lambda it: flip(it.paths.state)],
    ids=["missing", "emptied", "flipped"],
)
def test_a_lost_state_comes_back_with_its_journal(scene: Scene, spoil: Callable[[Scene], object]) -> None:
    spoil(scene)
    state = restore(scene.store, 2)
    assert (state.serial, set(state.resources)) == (3, {samples.API, samples.EDGE})


@pytest.mark.parametrize("spoil", [lambda it: flip(it.paths.journal), lambda it: cut(it.paths.journal, 0)])
def test_a_journal_that_nobody_can_read_is_set_aside(scene: Scene, spoil: Callable[[Scene], object]) -> None:
    spoil(scene)
    assert set(restore(scene.store, 2).resources) == {samples.API}
    assert scene.paths.journal.with_suffix(".journal.damaged").exists()


def test_an_old_folder_put_back_can_be_made_to_count(scene: Scene) -> None:
    old_everything(scene)
    assert restore(scene.store, 1).serial == 3


def test_the_intents_of_a_journal_outlive_an_older_state_put_back(scene: Scene) -> None:
    samples.write(scene.store, samples.state(samples.prior(), samples.prior(samples.EDGE)))
    samples.cut_off_run(scene.store, samples.begun(5))
    rewrite(scene, samples.state(serial=1))
    assert set(restore(scene.store, 1).intents) == {"op-5"}


def test_what_is_not_kept_cannot_be_restored(scene: Scene) -> None:
    with (
        scene.store.lock("state restore"),
        pytest.raises(StateError, match=r"no version with serial 9.*kept are 1, 2"),
    ):
        scene.store.restore(9)


def test_a_damaged_version_is_not_restored(scene: Scene) -> None:
    flip(scene.paths.history / "1.json")
    with scene.store.lock("state restore"), pytest.raises(DamagedStateError):
        scene.store.restore(1)


def test_anothers_version_is_not_restored(scene: Scene) -> None:
    other = samples.store(scene.root, replace(samples.SHOP, account_id="f" * 32))
    with (
        other.lock("state restore"),
        pytest.raises(StateMismatchError, match="version 1 was made for the account"),
    ):
        other.restore(1)


def pulled(scene: Scene, **edit: Any) -> bytes:
    document = json.loads(scene.store.pull())
    if edit:
        del document["checksum"]
    return json.dumps(document | edit).encode()


def push(store: LocalStore, document: bytes, **other: bool) -> State:
    with store.lock("state push"):
        state = store.push(document, **other)
    assert store.read() == state
    return state


def test_what_was_pulled_can_be_pushed(scene: Scene) -> None:
    before = scene.store.read()
    assert before is not None
    assert push(scene.store, scene.store.pull()) == replace(before, serial=3)
    assert not scene.paths.journal.exists()


def test_a_pulled_state_without_journal_is_the_file(scene: Scene) -> None:
    samples.write(scene.store, scene.store.read() or samples.state())
    assert json.loads(scene.store.pull())["resources"].keys() == {"application.api", "worker.edge"}


def test_an_edited_state_is_taken_without_its_checksum(scene: Scene) -> None:
    assert push(scene.store, pulled(scene, outputs={"a": 1})).outputs == {"a": 1}


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"checksum": "0" * 64}, "checksum"),
        ({"lineage": "lineage-2"}, "has the lineage lineage-2"),
        ({"serial": 1}, "made from serial 1, the state has serial 2"),
        ({"account_id": "f" * 32}, "the document was made for the account"),
        ({"format_version": "3.0"}, "newer version"),
        ({"resources": []}, "cannot be taken"),
    ],
)
def test_a_document_that_does_not_fit_is_refused(scene: Scene, edit: dict[str, Any], said: str) -> None:
    document = pulled(scene, **edit)
    before = scene.everything()
    with scene.store.lock("state push"), pytest.raises(StateError, match=said) as refused:
        scene.store.push(document)
    assert refused.value.exit_code == 3
    assert scene.everything() == before


def test_a_reformatted_document_is_told_from_an_edited_one(scene: Scene) -> None:
    with scene.store.lock("state push"), pytest.raises(DamagedStateError, match='take its "checksum" out'):
        scene.store.push(pulled(scene))


def test_force_takes_what_does_not_go_on(scene: Scene) -> None:
    document = pulled(scene, serial=1, lineage="lineage-2")
    without("history")(scene)
    assert push(scene.store, document, force=True).serial == 3


def test_a_first_state_can_be_pushed(tmp_path: Path, scene: Scene) -> None:
    elsewhere = samples.store(tmp_path / "elsewhere")
    state = push(elsewhere, scene.store.pull())
    assert (state.serial, set(state.resources)) == (3, {samples.API, samples.EDGE})


@pytest.mark.parametrize("document", [b"", b"null", b"[]", b"00000003 00000000 {}\n", b"\x00\xff"])
def test_rubbish_is_refused(scene: Scene, document: bytes) -> None:
    with scene.store.lock("state push"), pytest.raises(DamagedStateError):
        scene.store.push(document)
