from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from reconciler.clients.context_files import read_files
from reconciler.clients.dockerignore import IgnoreRules
from reconciler.clients.stat_cache import Mark, StatCache, mark_of

SECOND = 1_000_000_000
OLD: Mark = (5, 10 * SECOND, 11 * SECOND, 77)


def kept(folder: Path, mark: Mark, looked_at: int) -> StatCache:
    StatCache.open(folder, "web").keep([("a", mark, "hash")], looked_at)
    return StatCache.open(folder, "web")


def test_a_file_that_did_not_change_is_known(tmp_path: Path) -> None:
    assert kept(tmp_path, OLD, 20 * SECOND).find("a", OLD) == "hash"


@pytest.mark.parametrize("field", range(4))
def test_any_other_mark_is_another_file(tmp_path: Path, field: int) -> None:
    other = tuple(value + (number == field) for number, value in enumerate(OLD))
    assert kept(tmp_path, OLD, 20 * SECOND).find("a", other) == ""  # type: ignore[arg-type]  # four of them


@pytest.mark.parametrize(
    ("looked_at", "found"), [(13 * SECOND, ""), (13 * SECOND + 1, "hash"), (9 * SECOND, "")]
)
def test_a_file_younger_than_two_seconds_is_not_remembered(
    tmp_path: Path, looked_at: int, found: str
) -> None:
    assert kept(tmp_path, OLD, looked_at).find("a", OLD) == found


def test_a_file_that_is_rewritten_at_once_is_seen(tmp_path: Path) -> None:
    """The same size, and a clock so coarse that the time is the same: only youth tells."""
    context, path = tmp_path / "context", tmp_path / "context" / "a"
    context.mkdir()
    hashes = []
    for text in ("one", "two"):
        path.write_text(text)
        now = time.time_ns()
        os.utime(path, ns=(now, now))
        hashes.append(read_files(context, IgnoreRules(), StatCache.open(tmp_path / "cache", "x"))[0].content)
    assert hashes[0] != hashes[1]


def test_contexts_are_told_apart(tmp_path: Path) -> None:
    kept(tmp_path, OLD, 20 * SECOND)
    assert StatCache.open(tmp_path, "api").find("a", OLD) == ""


@pytest.mark.parametrize(
    "damage",
    ["", "{", "[]", '{"version": 0, "files": {}}', '{"version": 1, "files": {"a": [1]}}', "[" * 9999],
)
def test_a_damaged_cache_is_an_empty_one(tmp_path: Path, damage: str) -> None:
    kept(tmp_path, OLD, 20 * SECOND)
    next(tmp_path.iterdir()).write_text(damage)
    assert StatCache.open(tmp_path, "web").find("a", OLD) == ""
    assert kept(tmp_path, OLD, 20 * SECOND).find("a", OLD) == "hash"


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert kept(tmp_path / "file", OLD, 20 * SECOND).find("a", OLD) == ""
    assert StatCache.open(None, "web").find("a", OLD) == ""


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    kept(tmp_path / "new", OLD, 20 * SECOND)
    (file,) = (tmp_path / "new").iterdir()
    assert ((tmp_path / "new").stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)


def test_names_that_are_no_text_survive(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9")
    StatCache.open(tmp_path, "web").keep([(name, OLD, "hash")], 20 * SECOND)
    assert StatCache.open(tmp_path, "web").find(name, OLD) == "hash"


def test_a_context_that_nobody_looks_at_is_forgotten(tmp_path: Path) -> None:
    kept(tmp_path, OLD, 20 * SECOND)
    (forgotten,) = tmp_path.iterdir()
    os.utime(forgotten, (0, 0))
    StatCache.open(tmp_path, "api").keep([("a", OLD, "hash")], 20 * SECOND)
    assert forgotten not in list(tmp_path.iterdir())


def test_a_context_that_is_looked_at_is_not(tmp_path: Path) -> None:
    kept(tmp_path, OLD, 20 * SECOND)
    (used,) = tmp_path.iterdir()
    os.utime(used, (0, 0))
    kept(tmp_path, OLD, 20 * SECOND)
    StatCache.open(tmp_path, "api").keep([("a", OLD, "hash")], 20 * SECOND)
    assert used in list(tmp_path.iterdir())


def test_the_marks_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("12345")
    status = (tmp_path / "a").stat()
    assert mark_of(status) == (5, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
