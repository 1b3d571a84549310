from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.storage.disk import Disk, cannot_write, read_whole, sweep_temporaries, write_whole


@pytest.fixture(params=[0o000, 0o022, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_files_and_folders_are_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    Disk().make_folder(tmp_path / "a" / "b")
    write_whole(Disk(), tmp_path / "a" / "b" / "it", b"1")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "a" / "b" / "it").stat().st_mode) == 0o600


def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Disk().make_folder(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_a_wider_file_is_private_once_written(tmp_path: Path) -> None:
    (tmp_path / "it").write_text("old")
    (tmp_path / "it").chmod(0o644)
    write_whole(Disk(), tmp_path / "it", b"new")
    assert (tmp_path / "it").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "it").stat().st_mode) == 0o600


class Recorded(Disk):
    def __init__(self) -> None:
        self.calls: list[str] = []

    def fsync(self, descriptor: int) -> None:
        self.calls.append("fsync")
        super().fsync(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        self.calls.append("rename")
        assert source.parent == target.parent
        super().rename(source, target)

    def sync_folder(self, path: Path) -> None:
        self.calls.append("sync_folder")
        super().sync_folder(path)


def test_the_content_is_durable_before_the_name(tmp_path: Path) -> None:
    disk = Recorded()
    write_whole(disk, tmp_path / "it", b"1")
    assert disk.calls == ["fsync", "rename", "sync_folder"]


class Full(Disk):
    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        super().write(descriptor, data[:1], offset)
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    write_whole(Disk(), tmp_path / "it", b"old")
    with pytest.raises(OSError, match="No space"):
        write_whole(Full(), tmp_path / "it", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["it"]
    assert (tmp_path / "it").read_bytes() == b"old"


def test_a_link_in_the_place_of_the_unfinished_copy_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("mine")
    (tmp_path / f".it.{os.getpid()}.tmp").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError):
        write_whole(Disk(), tmp_path / "it", b"new")
    assert (tmp_path / "victim").read_text() == "mine"


def test_copies_of_killed_processes_are_swept(tmp_path: Path) -> None:
    for name in (".it.1.tmp", ".it.22.tmp", ".other.1.tmp", "it.tmp"):
        (tmp_path / name).write_text("x")
    sweep_temporaries(Disk(), tmp_path / "it")
    assert {path.name for path in tmp_path.iterdir()} == {".other.1.tmp", "it.tmp"}


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(OSError):
            read_whole(path)
    assert read_whole(tmp_path / "none") is None


def test_reading_stops_above_its_limit(tmp_path: Path) -> None:
    (tmp_path / "it").write_bytes(b"12345")
    assert read_whole(tmp_path / "it", limit=3) == b"1234"


@pytest.mark.parametrize(
    ("code", "advice"),
    [(errno.ENOSPC, "make room"), (errno.EROFS, "read-only"), (errno.EIO, "look at the folder")],
)
def test_a_refusal_says_what_to_do(code: int, advice: str) -> None:
    error = cannot_write(Path("state/it"), OSError(code, os.strerror(code)))
    assert error.exit_code == 1
    assert advice in str(error)
    assert "state/it cannot be written" in str(error)
