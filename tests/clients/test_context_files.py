from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from reconciler.clients.context_files import ContextEntry, Sort, read_files
from reconciler.clients.dockerignore import IgnoreRules
from reconciler.clients.stat_cache import StatCache
from reconciler.errors import ReconcilerError


def look(root: Path, ignored: str = "", **options: list[str]) -> dict[str, tuple[str, str]]:
    entries = read_files(root, IgnoreRules.parse(ignored), StatCache(None), **options)
    return {entry.path: (str(entry.sort), entry.content) for entry in entries}


def fill(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)
    return root


def hash_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def test_files_programs_links_and_folders(tmp_path: Path) -> None:
    fill(tmp_path, "a.txt", "run")
    (tmp_path / "run").chmod(0o700)
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("./a.txt")
    (tmp_path / "away").symlink_to("/etc/passwd")
    assert look(tmp_path) == {
        "a.txt": ("file", hash_of("a.txt")),
        "away": ("link", "/etc/passwd"),
        "empty": ("folder", ""),
        "link": ("link", "./a.txt"),
        "run": ("program", hash_of("run")),
    }


def test_a_link_to_a_folder_is_not_entered(tmp_path: Path) -> None:
    fill(tmp_path / "outside", "secret")
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "away").symlink_to(tmp_path / "outside", target_is_directory=True)
    assert look(tmp_path / "context") == {"away": ("link", str(tmp_path / "outside"))}


def test_entries_are_sorted_by_the_bytes_of_their_paths(tmp_path: Path) -> None:
    fill(tmp_path, "a/x", "a-b", "a.b", "B", "é", "z", "a/é")
    assert list(look(tmp_path)) == ["B", "a", "a-b", "a.b", "a/x", "a/é", "z", "é"]


def test_a_name_that_is_no_text_is_kept(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9")).write_text("x")
    assert [os.fsencode(path) for path in look(tmp_path)] == [b"caf\xe9"]


def test_of_modes_only_the_owners_executable_bit_counts(tmp_path: Path) -> None:
    fill(tmp_path, "a")
    seen = []
    for mode in (0o600, 0o644, 0o666, 0o611, 0o755):
        (tmp_path / "a").chmod(mode)
        seen.append(look(tmp_path)["a"][0])
    assert seen == ["file", "file", "file", "file", "program"]


def test_what_is_left_out_is_not_there(tmp_path: Path) -> None:
    fill(tmp_path, "a.py", "node_modules/x", "src/node_modules/y", "src/b.py")
    assert list(look(tmp_path, "**/node_modules")) == ["a.py", "src", "src/b.py"]


def test_what_comes_back_brings_its_folders(tmp_path: Path) -> None:
    fill(tmp_path, "a/b/keep", "a/b/drop", "a/c/drop", "d")
    (tmp_path / "a" / "empty").mkdir()
    assert list(look(tmp_path, "*\n!a/b/keep")) == ["a", "a/b", "a/b/keep"]
    assert list(look(tmp_path, "*\n!**/keep")) == ["a", "a/b", "a/b/keep"]


def test_a_pruned_folder_is_not_even_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, "big/inner/x", "src/y")
    opened: list[str] = []
    scandir = os.scandir

    def scan(path: str) -> Any:
        opened.append(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scan)
    look(tmp_path, "big\n!src/y")
    assert sorted(Path(path).name for path in opened) == sorted([tmp_path.name, "src"])


def test_unseen_paths_are_as_if_they_were_not_there(tmp_path: Path) -> None:
    fill(tmp_path, "state/default.json", "version.json", "a")
    assert list(look(tmp_path, unseen=["state", "version.json"])) == ["a"]


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


@pytest.mark.parametrize(("make", "kind"), [(_pipe, "a pipe"), (_socket, "a socket")])
def test_what_no_build_can_be_given_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    make(Path("odd"))
    with pytest.raises(
        ReconcilerError, match=f"/odd is {kind}, which no build can be given; leave it out by"
    ):
        look(tmp_path)
    assert look(tmp_path, "odd") == {}


def test_a_device_is_refused() -> None:
    with pytest.raises(ReconcilerError, match="is a device, which no build can be given"):
        look(Path("/dev"), "*\n!null")


def test_a_file_that_goes_away_meanwhile_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, "a")

    def remove(*_: object) -> str:
        (tmp_path / "a").unlink()
        return ""

    monkeypatch.setattr(StatCache, "find", remove)
    with pytest.raises(ReconcilerError, match="/a does not exist; correct it, or leave it out"):
        look(tmp_path)


def test_a_file_that_becomes_a_link_meanwhile_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, "context/a", "secret")

    def swap(*_: object) -> str:
        (tmp_path / "context/a").unlink()
        (tmp_path / "context/a").symlink_to(tmp_path / "secret")
        return ""

    monkeypatch.setattr(StatCache, "find", swap)
    with pytest.raises(ReconcilerError, match="/context/a too many levels of symbolic links"):
        look(tmp_path / "context")


def test_a_folder_that_may_not_be_read_is_named_unless_it_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "locked").mkdir()
    scandir = os.scandir

    def scan(path: str) -> Any:
        if path.endswith("locked"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scan)
    with pytest.raises(ReconcilerError, match="/locked may not be read"):
        look(tmp_path)
    assert look(tmp_path, "locked\n!locked/x") == {}


def test_a_deep_tree_is_no_problem(tmp_path: Path) -> None:
    folders = [tmp_path / "/".join("d" * depth) for depth in range(1, 1200)]
    for folder in folders:
        folder.mkdir()
    try:
        assert len(look(tmp_path)) == len(folders)
    finally:
        for folder in reversed(folders):  # nobody else could remove it
            folder.rmdir()


def test_many_files_are_hashed_by_several_threads(tmp_path: Path) -> None:
    names = [f"f{number:03}" for number in range(300)]
    fill(tmp_path, *names)
    entries = read_files(tmp_path, IgnoreRules(), StatCache(None))
    assert entries == tuple(ContextEntry(name, Sort.FILE, hash_of(name), len(name)) for name in names)
