from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.storage.disk import Disk
from reconciler.storage.high_water import HighWaterMarks, default_marks_folder


def test_a_mark_only_rises(tmp_path: Path) -> None:
    marks = HighWaterMarks(tmp_path / "a" / "b", Disk())
    assert marks.of("l") == -1
    for serial in (3, 5, 4):
        marks.raise_to("l", serial)
    assert HighWaterMarks(tmp_path / "a" / "b", Disk()).of("l") == 5
    assert marks.of("other") == -1
    assert (tmp_path / "a" / "b" / "l").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"x", b"9" * 100, b"\xff", b"-3\n"])
def test_a_spoilt_mark_counts_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "l").write_bytes(content)
    assert HighWaterMarks(tmp_path, Disk()).of("l") == -1


@pytest.mark.parametrize("lineage", ["", "../x", ".", "a/b", "x" * 200])
def test_a_lineage_that_is_no_file_name_has_no_mark(tmp_path: Path, lineage: str) -> None:
    marks = HighWaterMarks(tmp_path / "in", Disk())
    marks.raise_to(lineage, 3)
    assert marks.of(lineage) == -1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    marks = HighWaterMarks(tmp_path / "file" / "marks", Disk())
    marks.raise_to("l", 3)
    assert marks.of("l") == -1
    HighWaterMarks(None, Disk()).raise_to("l", 3)


def test_the_default_folder_is_the_users_cache() -> None:
    assert default_marks_folder({"XDG_CACHE_HOME": "/c"}) == Path("/c/reconciler/serials")
    assert default_marks_folder({"HOME": "/h"}) == Path("/h/.cache/reconciler/serials")
    assert default_marks_folder({"HOME": "/h", "XDG_CACHE_HOME": "relative"}) == Path(
        "/h/.cache/reconciler/serials"
    )
