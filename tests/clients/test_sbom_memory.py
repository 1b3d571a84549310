from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from reconciler.clients.sbom_document import Sbom
from reconciler.clients.sbom_memory import SbomMemory
from reconciler.clients.sbom_packages import Package

DIGEST = "sha256:" + "1" * 64
SEEN = Sbom("syft", frozenset({Package("deb", "a", "1"), Package("npm", "@b/c", "2")}))


def test_what_was_seen_is_remembered(tmp_path: Path) -> None:
    memory = SbomMemory.of({"HOME": str(tmp_path)})
    assert memory.recall(DIGEST) is None
    memory.keep(DIGEST, SEEN)
    assert memory.recall(DIGEST) == SEEN
    [kept] = (tmp_path / ".cache" / "reconciler" / "sboms").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "text", ["", "[]", '{"tool": 1}', '{"tool": "", "packages": [[1, 2, 3, 4, 5]]}', "[" * 99_999]
)
def test_what_cannot_be_read_is_not_remembered(tmp_path: Path, text: str) -> None:
    memory = SbomMemory(tmp_path)
    memory.keep(DIGEST, SEEN)
    next(tmp_path.iterdir()).write_text(text)
    assert memory.recall(DIGEST) is None


def test_without_a_folder_nothing_is_remembered(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for memory in (SbomMemory(), SbomMemory.of({}), SbomMemory(tmp_path / "file")):
        memory.keep(DIGEST, SEEN)
        assert memory.recall(DIGEST) is None


def test_only_digests_are_names(tmp_path: Path) -> None:
    memory = SbomMemory(tmp_path / "sboms")
    memory.keep("../../outside", SEEN)
    assert memory.recall("../../outside") is None
    assert not (tmp_path / "sboms").exists()


def test_what_nobody_needs_any_more_goes(tmp_path: Path) -> None:
    memory = SbomMemory(tmp_path)
    memory.keep(DIGEST, SEEN)
    os.utime(next(tmp_path.iterdir()), (1, 1))
    memory.keep("sha256:" + "2" * 64, SEEN)
    assert memory.recall(DIGEST) is None
