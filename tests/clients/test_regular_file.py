from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.clients.regular_file import read_regular, reason


def refused(path: Path, limit: int = 100) -> str:
    with pytest.raises(OSError) as caught:
        read_regular(path, limit)
    return reason(caught.value)


def test_a_file_and_a_link_to_one_are_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100)
    (tmp_path / "b").symlink_to("a")
    assert read_regular(tmp_path / "b", 100) == b"x" * 100


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / "pipe") == "is a pipe, not a regular file"
    assert refused(tmp_path) == "is a folder, not a regular file"
    assert refused(Path("/dev/zero")) == "is a device, not a regular file"


def test_other_reasons_are_told_in_plain_words(tmp_path: Path) -> None:
    assert refused(tmp_path / "none") == "does not exist"
    (tmp_path / "loop").symlink_to("loop")
    assert refused(tmp_path / "loop").startswith("too many levels")
    (tmp_path / "large").write_bytes(b"x" * 2049)
    assert refused(tmp_path / "large", 2048) == "is larger than 2 KiB"


def test_permissions_are_told() -> None:
    assert reason(PermissionError(13, "Permission denied")) == "may not be read"
