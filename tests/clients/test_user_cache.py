"""Documents in the user's cache folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from reconciler.clients.user_cache import cache_folder, read_document, write_document


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"XDG_CACHE_HOME": "/c", "HOME": "/h"}, Path("/c/reconciler/uploads")),
        ({"HOME": "/h"}, Path("/h/.cache/reconciler/uploads")),
        ({}, None),
    ],
)
def test_where_it_is_kept(environ: dict[str, str], folder: Path | None) -> None:
    assert cache_folder(environ, "uploads") == folder


def test_what_is_written_is_read_by_its_user_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "folder" / "a.json"
    write_document(path, {"a": [1]}, 10)
    assert read_document(path) == {"a": [1]}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert read_document(path) is None


def test_what_is_older_goes_and_nothing_half_written_stays(tmp_path: Path) -> None:
    write_document(tmp_path / "old.json", 1, 10)
    os.utime(tmp_path / "old.json", (1, 1))
    write_document(tmp_path / "new.json", 2, 10)
    (tmp_path / "taken.json").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_document(tmp_path / "taken.json", 3, 10)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["new.json", "taken.json"]
