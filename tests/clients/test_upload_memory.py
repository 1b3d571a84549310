from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from reconciler.clients.upload_memory import UploadMemory

BLOB = "registry.example/app@sha256:00"
DAY = 24 * 3600.0


class _StoppedError(Exception):
    pass


def begin(memory: UploadMemory, *urls: str, blob: str = BLOB) -> str:
    """Begins an upload that is cut off; gives where an earlier one had stopped."""
    try:
        with memory.of(blob) as upload:
            for url in urls:
                upload.keep(url)
            raise _StoppedError
    except _StoppedError:
        return upload.url


def test_what_was_cut_off_is_gone_on_with(tmp_path: Path) -> None:
    memory = UploadMemory(tmp_path)
    assert begin(memory, "/v2/app/blobs/uploads/1?state=longer", "/v2/app/blobs/uploads/1") == ""
    assert begin(memory) == "/v2/app/blobs/uploads/1"
    assert begin(memory, blob="another") == ""


def test_what_ended_well_is_forgotten(tmp_path: Path) -> None:
    memory = UploadMemory(tmp_path)
    begin(memory, "/v2/app/blobs/uploads/1")
    with memory.of(BLOB):
        pass
    assert begin(memory) == ""


def test_two_runs_never_go_on_with_the_same(tmp_path: Path) -> None:
    memory = UploadMemory(tmp_path)
    with memory.of(BLOB) as first:
        first.keep("/one")
        with memory.of(BLOB) as second:
            assert second.url == ""
            second.keep("/two")
        first.keep("/three")
        assert begin(memory) == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("call", ["pwrite", "ftruncate"])
def test_an_address_is_known_wherever_the_run_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def killed(*_: object) -> int:
        raise _StoppedError

    begin(UploadMemory(tmp_path), "/v2/app/blobs/uploads/1?state=first")
    with monkeypatch.context() as patch:
        patch.setattr(os, call, killed)
        begin(UploadMemory(tmp_path), "/v2/app/blobs/uploads/1?state=2nd")
    assert begin(UploadMemory(tmp_path)).startswith("/v2/app/blobs/uploads/1?state=")


def test_an_address_elsewhere_is_not_kept(tmp_path: Path) -> None:
    begin(UploadMemory(tmp_path), "/one", "")
    assert begin(UploadMemory(tmp_path)) == ""


@pytest.mark.parametrize("content", [b"", b"/v2/app/cut-o", b"\x00\xff\n", b"x" * 9000, b"/a\x1b[2J\n"])
def test_what_cannot_be_understood_is_nothing(tmp_path: Path, content: bytes) -> None:
    begin(UploadMemory(tmp_path), "/one")
    [path] = tmp_path.iterdir()
    path.write_bytes(content)
    assert begin(UploadMemory(tmp_path)) == ""


def test_after_a_day_it_is_forgotten(tmp_path: Path) -> None:
    begin(UploadMemory(tmp_path), "/one")
    begin(UploadMemory(tmp_path), "/two", blob="another")
    for path in tmp_path.iterdir():
        os.utime(path, (time.time() - DAY - 60,) * 2)
    assert begin(UploadMemory(tmp_path)) == ""
    assert len(list(tmp_path.iterdir())) == 1


def test_only_the_user_can_read_it(tmp_path: Path) -> None:
    begin(UploadMemory(tmp_path / "cache"), "/one")
    [path] = (tmp_path / "cache").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_without_a_folder_nothing_is_remembered(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for memory in (UploadMemory(), UploadMemory(tmp_path / "file" / "folder")):
        begin(memory, "/one")
        assert begin(memory) == ""
