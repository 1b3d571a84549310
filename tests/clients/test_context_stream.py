from __future__ import annotations

import io
import os
import tarfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from reconciler.clients.build_context import BuildContext, look_at_context
from reconciler.clients.build_recipe import BuildRecipe
from reconciler.clients.context_stream import ContextChangedError, dockerfile_name, stream_context


@pytest.fixture
def web(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    (folder / "empty").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\n")
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o750)
    (folder / "large").write_bytes(os.urandom(700_000))
    (folder / "away").symlink_to("/etc/passwd")
    return folder


def look(web: Path, **block: Any) -> BuildContext:
    return look_at_context(BuildRecipe.read({"context": "web", **block}, web.parent))


def sent(context: BuildContext, version: bytes = b"") -> dict[str, tuple[tarfile.TarInfo, bytes]]:
    content = b"".join(stream_context(context, version))
    with tarfile.open(fileobj=io.BytesIO(content), errors="surrogateescape") as tar:
        files = {one.name: tar.extractfile(one) if one.isreg() else None for one in tar}
        return {one.name: (one, file.read() if (file := files[one.name]) else b"") for one in tar}


def test_what_is_sent_is_what_was_hashed(web: Path) -> None:
    context = look(web)
    members = sent(context)
    assert list(members) == [entry.path for entry in context.entries]
    for entry in context.entries:
        member, content = members[entry.path]
        if entry.is_file:
            assert sha256(content).hexdigest() == entry.content
        assert member.linkname == (entry.content if member.issym() else "")


def test_nothing_tells_of_the_machine_it_lies_on(web: Path) -> None:
    members = {name: member for name, (member, _) in sent(look(web)).items()}
    assert {name: oct(member.mode) for name, member in members.items()} == {
        "Dockerfile": "0o644",
        "away": "0o777",
        "empty": "0o755",
        "large": "0o644",
        "run": "0o755",
    }
    assert {(one.uid, one.gid, one.uname, one.gname, one.mtime) for one in members.values()} == {
        (0, 0, "", "", 946_684_800)
    }


def test_the_same_context_is_the_same_stream(web: Path) -> None:
    first = b"".join(stream_context(look(web)))
    os.utime(web / "run", (0, 0))
    assert b"".join(stream_context(look(web))) == first


def test_long_and_odd_names_arrive(web: Path) -> None:
    odd = os.fsdecode(b"caf\xe9")
    long = "/".join(["d" * 100] * 4)
    (web / long).mkdir(parents=True)
    (web / long / odd).write_text("x")
    (web / "link").symlink_to("t" * 300)
    members = sent(look(web))
    assert members[f"{long}/{odd}"][1] == b"x"
    assert members["link"][0].linkname == "t" * 300


def test_a_dockerfile_from_elsewhere_is_sent_under_a_name_of_its_own(web: Path) -> None:
    (web.parent / "api.Dockerfile").write_text("FROM scratch\n# api\n")
    context = look(web, dockerfile="../api.Dockerfile")
    name = dockerfile_name(context)
    assert name.startswith(".dockerfile.")
    assert sent(context)[name][1] == b"FROM scratch\n# api\n"


def test_a_dockerfile_that_is_left_out_is_sent_all_the_same(web: Path) -> None:
    (web / ".dockerignore").write_text("*")
    context = look(web)
    assert list(sent(context)) == [dockerfile_name(context)]
    assert dockerfile_name(context) != "Dockerfile"


def test_the_version_file_is_added(web: Path) -> None:
    (web / "version.json").write_text("old")
    (web / ".dockerignore").write_text("version.json")
    members = sent(look(web, version_file="web/version.json"), b'{"sha": "1"}')
    assert members["version.json"][1] == b'{"sha": "1"}'


@pytest.mark.parametrize(
    ("change", "how"),
    [
        (lambda web: (web / "large").write_bytes(os.urandom(700_000)), "has changed"),
        (lambda web: (web / "large").write_bytes(b"short"), "has changed"),
        (lambda web: (web / "large").write_bytes(os.urandom(700_001)), "has changed"),
        (lambda web: (web / "large").unlink(), "does not exist"),
        (
            lambda web: ((web / "large").unlink(), (web / "large").symlink_to("/etc/passwd")),
            "too many levels",
        ),
    ],
)
def test_a_file_that_changed_meanwhile_ends_the_stream(web: Path, change: Any, how: str) -> None:
    context = look(web)
    change(web)
    with pytest.raises(
        ContextChangedError, match=rf"web/large {how}.* since the inputs of the build were hashed"
    ):
        b"".join(stream_context(context))


def test_files_that_come_later_are_not_sent(web: Path) -> None:
    context = look(web)
    (web / "later").write_text("x")
    assert "later" not in sent(context)


def test_it_comes_in_pieces_and_tells_how_far_it_is(web: Path) -> None:
    told: list[int] = []
    pieces = [len(piece) for piece in stream_context(look(web), told=told.append)]
    assert max(pieces) < 600_000
    assert told == [sum(pieces[: number + 1]) for number in range(len(pieces))]
