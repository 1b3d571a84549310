"""What lies on disk does not fit together: each such case is refused with exit 3, and nothing is written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.errors import DamagedStateError, StateError, StateMismatchError
from reconciler.model.state import State
from reconciler.storage.codec import encode_version
from reconciler.storage.local_store import LocalStore
from reconciler.storage.reading import Found, look
from reconciler.storage.state_file import StatePaths
from tests.storage import samples


class Scene:
    """A folder with a state of serial 2, its history, and the journal of a run that was cut off."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = samples.store(root)
        self.paths = StatePaths.of(root / "state", None)
        samples.write(self.store, samples.state())
        samples.write(self.store, samples.state(samples.prior()))
        samples.cut_off_run(self.store, samples.begun(1, samples.EDGE), samples.succeeded(1, samples.EDGE))

    def everything(self) -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in self.root.rglob("*") if path.is_file()}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_the_scene_itself_is_sound(scene: Scene) -> None:
    state = scene.store.read()
    assert state is not None
    assert set(state.resources) == {samples.API, samples.EDGE}


def cut(path: Path, keep: int) -> None:
    path.write_bytes(path.read_bytes()[:keep])


def flip(path: Path, at: int = 200) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 4
    path.write_bytes(bytes(data))


def rewrite(scene: Scene, state: State) -> None:
    scene.paths.state.write_bytes(encode_version(state)[0])


def newer_format(scene: Scene) -> None:
    text = scene.paths.state.read_text()
    scene.paths.state.write_text(text.replace('"format_version":"1.0"', '"format_version":"2.0"'))


def edited(scene: Scene) -> None:
    document = json.loads(scene.paths.state.read_text())
    document["serial"] = 7
    scene.paths.state.write_text(json.dumps(document))


def other_lineage(scene: Scene) -> None:
    shutil.rmtree(scene.paths.history)
    rewrite(scene, samples.state(serial=2, lineage="lineage-2"))


def old_everything(scene: Scene) -> None:
    """The whole folder as a backup had it."""
    scene.paths.journal.unlink()
    (scene.paths.history / "2.json").unlink()
    shutil.copy(scene.paths.history / "1.json", scene.paths.state)


def emptied_all_alone(scene: Scene) -> None:
    without("journal", "history")(scene)
    cut(scene.paths.state, 0)


def without(*names: str) -> Callable[[Scene], None]:
    def remove(scene: Scene) -> None:
        for name in names:
            path = getattr(scene.paths, name)
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    return remove


def instead_of_the_state(make: Callable[[Path], object]) -> Callable[[Scene], None]:
    def replaced(scene: Scene) -> None:
        scene.paths.state.unlink()
        make(scene.paths.state)

    return replaced


BAD = [
    ("missing", without("state"), "missing, but its journal and its history lie"),
    ("missing beside a journal", without("state", "history"), "missing, but its journal lies"),
    ("missing beside a history", without("state", "journal"), "missing, but its history lies"),
    ("emptied", lambda it: cut(it.paths.state, 0), "it is empty"),
    ("blank", lambda it: it.paths.state.write_text(" \n"), "it is empty"),
    (
        "emptied, all alone",
        emptied_all_alone,
        "it is empty",
    ),
    ("torn", lambda it: cut(it.paths.state, 300), "cut short or overwritten"),
    (
        "last byte lost",
        lambda it: cut(it.paths.state, it.paths.state.stat().st_size - 1),
        "checksum does not match",
    ),
    (
        "a byte more",
        lambda it: it.paths.state.write_bytes(it.paths.state.read_bytes() + b"\n"),
        "checksum does not match",
    ),
    ("zeroed", lambda it: it.paths.state.write_bytes(b"\0" * 500), "cut short or overwritten"),
    ("bit flipped", lambda it: flip(it.paths.state), "cannot be used"),
    ("edited", edited, "checksum does not match"),
    ("newer format", newer_format, "newer version"),
    ("a folder", instead_of_the_state(Path.mkdir), "no regular file"),
    (
        "older than its history",
        lambda it: shutil.copy(it.paths.history / "1.json", it.paths.state),
        "serial 1, but 2",
    ),
    ("older than the mark", old_everything, "serial 1, but 2 was already written"),
    ("another lineage", other_lineage, "journal has the lineage lineage-1, the state has lineage-2"),
    (
        "another lineage than its history",
        lambda it: rewrite(it, samples.state(serial=3, lineage="x")),
        "its history has",
    ),
    (
        "another version under the journal",
        lambda it: rewrite(it, samples.state(serial=2)),
        "goes on from another",
    ),
    (
        "newer than its journal",
        lambda it: rewrite(it, samples.state(serial=3)),
        "goes on from another version",
    ),
    ("journal emptied", lambda it: cut(it.paths.journal, 0), "journal cannot be used: it is empty"),
    ("journal without head", lambda it: cut(it.paths.journal, 30), "its first line is missing"),
    ("journal bit flipped", lambda it: flip(it.paths.journal, 60), "line 1 is damaged"),
    ("journal flipped in the middle", lambda it: flip(it.paths.journal, 400), "line 2 is damaged"),
]


@pytest.mark.parametrize(("spoil", "said"), [pytest.param(it[1], it[2], id=it[0]) for it in BAD])
def test_what_does_not_fit_is_refused_and_left_alone(
    scene: Scene, spoil: Callable[[Scene], object], said: str
) -> None:
    spoil(scene)
    before = scene.everything()
    with pytest.raises((DamagedStateError, StateMismatchError), match=said) as refused:
        scene.store.read()
    assert refused.value.exit_code == 3
    assert refused.value.fix
    with scene.store.lock("apply"), pytest.raises(StateError):
        scene.store.read()
    assert scene.everything() == before
    with scene.store.lock("apply"), pytest.raises(StateError):  # asking twice makes it no better
        scene.store.read()


GOOD = [
    ("journal gone", without("journal"), {samples.API}),
    ("history gone", without("history"), {samples.API, samples.EDGE}),
    (
        "last line of the journal torn",
        lambda it: cut(it.paths.journal, it.paths.journal.stat().st_size - 9),
        {samples.API},
    ),
    ("everything gone", without("state", "journal", "history"), None),
]


@pytest.mark.parametrize(("change", "resources"), [pytest.param(it[1], it[2], id=it[0]) for it in GOOD])
def test_what_can_be_believed_is(scene: Scene, change: Callable[[Scene], object], resources: object) -> None:
    change(scene)
    state = scene.store.read()
    assert (None if state is None else set(state.resources)) == resources


def test_a_journal_that_is_folded_in_already_is_not_folded_twice(scene: Scene) -> None:
    journal = scene.paths.journal.read_bytes()
    with scene.store.lock("apply"):
        state = scene.store.commit(scene.store.read() or samples.state())
    scene.paths.journal.write_bytes(journal)  # as if the writer had ended just before removing it
    assert scene.store.read() == state
    with scene.store.lock("apply"):
        assert scene.store.begin_run(scene.store.read() or state, "run-3") == state
    assert not scene.paths.journal.exists()


def test_a_lock_left_by_a_run_that_had_a_state_tells_of_its_loss(scene: Scene) -> None:
    without("journal", "history")(scene)
    with scene.store.lock("apply"):
        left = scene.paths.lock.read_bytes()
    scene.paths.state.unlink()
    scene.paths.lock.write_bytes(left)
    for _ in range(2):
        with scene.store.lock("apply"), pytest.raises(DamagedStateError, match="lock of a run that had one"):
            scene.store.read()


def test_a_lock_left_by_a_first_run_that_wrote_nothing_stops_nobody(tmp_path: Path) -> None:
    store = samples.store(tmp_path)
    with store.lock("apply"):
        left = (tmp_path / "state" / "default.lock").read_bytes()
    (tmp_path / "state" / "default.lock").write_bytes(left)
    assert store.read() is None


def test_an_old_state_is_noticed_only_where_a_mark_is(scene: Scene) -> None:
    old_everything(scene)
    elsewhere = samples.store(scene.root, marks=scene.root / "another-users-marks")
    assert elsewhere.read() == samples.state(serial=1)
    with pytest.raises(DamagedStateError, match=r"make this one count with `reconciler state restore 1`"):
        scene.store.read()


def test_a_state_of_somebody_else_is_refused(scene: Scene) -> None:
    other = samples.store(scene.root, replace(samples.SHOP, project="blog"))
    with pytest.raises(StateMismatchError, match=r'"shop".*"blog"'):
        other.read()


def test_a_writer_at_work_is_no_damage(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that were read while somebody wrote do not fit together; they are read again."""
    old = look(scene.paths)
    mixed = replace(old, state=encode_version(samples.state(serial=9))[0])
    seen = iter([mixed, old])
    monkeypatch.setattr("reconciler.storage.reading.look", lambda paths: next(seen, old))
    assert scene.store.read() is not None


def test_looking_reads_the_state_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store: LocalStore = samples.store(tmp_path)
    order: list[str] = []

    def note(path: Path, limit: int | None = None) -> None:
        order.append(path.name)

    monkeypatch.setattr("reconciler.storage.reading.read_whole", note)
    assert look(store.paths) == Found(-1, "", was_guarded=False, journal=None, state=None)
    assert order[-1] == "default.json"
