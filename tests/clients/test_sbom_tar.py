from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.clients.sbom_tar import TarStream, entries, plain_path
from reconciler.errors import ProviderError

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=120).filter(
    lambda name: name not in (".", "..")
)


def tar_of(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, errors="surrogateescape") as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def file(name: str, content: bytes) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    return member, content


def read(content: bytes, room: int = 10**9) -> list[tuple[str, bytes]]:
    stream = TarStream(io.BytesIO(content), room, "the layer")
    return [(one.path, one.read(10**6) if one.is_file else b"") for one in entries(stream)]


@given(st.lists(st.tuples(NAMES, st.binary(max_size=1500)), max_size=5), st.sampled_from([0, 1, 2]))
def test_reads_what_was_written(files: list[tuple[str, bytes]], form: int) -> None:
    if form == tarfile.USTAR_FORMAT:
        files = [(f"file{number}", content) for number, (_, content) in enumerate(files)]
    assert read(tar_of(*(file(name, content) for name, content in files), form=form)) == files


def test_what_is_not_read_is_passed_over() -> None:
    stream = TarStream(io.BytesIO(tar_of(file("a", b"x" * 5000), file("b", b"yz"))), 10**9, "the layer")
    assert [(one.path, one.read(1)) for one in entries(stream)] == [("a", b"x"), ("b", b"y")]


def test_links_and_folders_are_told() -> None:
    link, folder = tarfile.TarInfo("b"), tarfile.TarInfo("c")
    link.type, link.linkname, folder.type = tarfile.LNKTYPE, "./" + "deep/" * 50 + "a", tarfile.DIRTYPE
    stream = TarStream(io.BytesIO(tar_of((link, b""), (folder, b""))), 10**9, "the layer")
    found = [(one.path, one.is_hard_link, one.is_folder, one.link) for one in entries(stream)]
    assert found == [("b", True, False, "deep/" * 50 + "a"), ("c", False, True, "")]


@pytest.mark.parametrize(
    ("name", "plain"),
    [("./a/b", "a/b"), ("/a//b/", "a/b"), ("a/../../etc/passwd", ""), (".", ""), ("..", "")],
)
def test_names_are_plain_and_lead_nowhere_else(name: str, plain: str) -> None:
    assert plain_path(name) == plain


def test_a_tar_without_an_end_mark_ends_where_it_ends() -> None:
    content = tar_of(file("a", b"x" * 512))[:1024]
    assert read(content) == [("a", b"x" * 512)]


def harmful(name: str, kind: bytes, size: int, content: bytes = b"") -> bytes:
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, size
    return member.tobuf(tarfile.GNU_FORMAT) + content


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no tar at all" * 100, "is no tar"),
        (harmful("a", tarfile.XHDTYPE, 2**40), "a header that is too large"),
        (harmful("a", tarfile.GNUTYPE_LONGNAME, 2**40), "a header that is too large"),
        (harmful("a", tarfile.REGTYPE, 2**60), "ends too early"),
        (harmful("a", tarfile.REGTYPE, -(2**40)), "negative size"),
        (harmful("a", tarfile.XHDTYPE, 9, b"0 a=b\n" + bytes(506)), "a header cannot be read"),
        (harmful("a", tarfile.XHDTYPE, 9, b"99999999999999999999999999 " + bytes(485)), "cannot be read"),
        (tar_of(file("a", b"x" * 5000))[:2000], "ends too early"),
    ],
)
def test_what_means_harm_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(ProviderError, match=said):
        read(content)


def test_no_more_is_unpacked_than_there_is_room_for() -> None:
    with pytest.raises(ProviderError, match="unpacks to more than an image may hold"):
        read(tar_of(file("a", bytes(100_000))), room=50_000)


def test_files_with_holes_are_passed_over() -> None:
    sparse = tarfile.TarInfo("holes")
    sparse.size, sparse.pax_headers = 512, {"GNU.sparse.major": "1", "GNU.sparse.name": "holes"}
    stream = TarStream(io.BytesIO(tar_of((sparse, bytes(512)), file("b", b"x"))), 10**9, "the layer")
    assert [(one.path, one.is_file) for one in entries(stream)] == [("holes", False), ("b", True)]
