from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from reconciler.clients.archive_files import FolderFiles, TarFiles, read_whole, safe_name
from reconciler.errors import IntegrityError, NotFoundError, ProviderError
from tests.clients.images import write_folder, write_tar

FILES = {"a.txt": b"hello", "deep/er/b": bytes(range(256)) * 2000, "empty": b""}


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_files_are_read_from_anywhere(tmp_path: Path, form: str) -> None:
    tar = write_tar(tmp_path / "x.tar", FILES)
    files = TarFiles.open(tar) if form == "tar" else FolderFiles(write_folder(tmp_path / "x", FILES))
    for name, content in FILES.items():
        assert files.size(name) == len(content)
        assert b"".join(files.pieces(name)) == content
        assert b"".join(files.pieces(f"./{name}", 3)) == content[3:]
    assert files.size("absent") is None
    assert files.size("deep") is None
    with pytest.raises(NotFoundError, match="absent is missing"):
        list(files.pieces("absent"))


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "..", "a\0b"])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProviderError, match="leads out of it"):
        safe_name(name)
    with pytest.raises(ProviderError, match="leads out of it"):
        FolderFiles(tmp_path).size(name)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd"])
def test_a_tar_with_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProviderError, match="leads out of it"):
        TarFiles.open(write_tar(tmp_path / "x.tar", {name: b""}))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_what_is_no_file_in_a_tar_is_not_there(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        member = tarfile.TarInfo("trap")
        member.type, member.linkname = kind, "/etc/passwd"
        tar.addfile(member)
    assert TarFiles.open(tmp_path / "x.tar").size("trap") is None


def test_a_link_after_a_file_hides_it(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "x.tar", {"a": b"content"}, links={"a": "b"})
    assert TarFiles.open(path).size("a") is None


@pytest.mark.parametrize(("suffix", "name"), [("gz", "gzip"), ("bz2", "bzip2"), ("xz", "xz")])
def test_a_compressed_tar_is_refused(tmp_path: Path, suffix: str, name: str) -> None:
    with tarfile.open(tmp_path / "x.tar", f"w:{suffix}"):  # type: ignore[call-overload]
        pass
    with pytest.raises(ProviderError, match=f"compressed with {name}; decompress it first"):
        TarFiles.open(tmp_path / "x.tar")


@pytest.mark.parametrize("content", [b"", b"nonsense", b"x" * 2000])
def test_what_is_no_tar_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.tar").write_bytes(content)
    with pytest.raises(ProviderError, match=r"x\.tar: cannot be read as a tar"):
        TarFiles.open(tmp_path / "x.tar")


def test_a_tar_that_ends_too_early_is_found_out(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "x.tar", FILES)
    files = TarFiles.open(path)
    os.truncate(path, 5000)
    with pytest.raises(IntegrityError, match="ends too early"):
        list(files.pieces("deep/er/b"))


def test_an_absurd_header_does_not_fill_the_memory(tmp_path: Path) -> None:
    member = tarfile.TarInfo("x")
    member.type, member.size = tarfile.XHDTYPE, 8 * 1024**3 - 1
    path = tmp_path / "x.tar"
    path.write_bytes(member.tobuf(tarfile.USTAR_FORMAT) + bytes(100_000))
    os.truncate(path, 8 * 1024**3)
    with pytest.raises(ProviderError, match="a header is too large"):
        TarFiles.open(path)


def test_a_tar_of_endless_members_is_refused(tmp_path: Path) -> None:
    header = tarfile.TarInfo("x").tobuf()
    (tmp_path / "x.tar").write_bytes(header * 20_001)
    with pytest.raises(ProviderError, match="more than 20000 files"):
        TarFiles.open(tmp_path / "x.tar")


def test_a_pipe_in_a_folder_is_not_there(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert FolderFiles(tmp_path).size("pipe") is None


def test_a_file_that_should_be_small_is_capped(tmp_path: Path) -> None:
    files = FolderFiles(write_folder(tmp_path, FILES))
    assert read_whole(files, "a.txt", 5) == b"hello"
    with pytest.raises(ProviderError, match=r"a\.txt is larger than 4 bytes"):
        read_whole(files, "a.txt", 4)


def test_a_file_is_read_in_small_pieces(tmp_path: Path) -> None:
    files = TarFiles.open(write_tar(tmp_path / "x.tar", FILES))
    assert max(map(len, files.pieces("deep/er/b"))) <= 256 * 1024
