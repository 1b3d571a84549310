from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from reconciler.clients.temporary_folder import make_folder, remove_folder

MAKE = "from reconciler.clients.temporary_folder import make_folder; print(make_folder()[0], flush=True); input()"


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def make_older(folder: Path) -> None:
    os.utime(folder, (time.time() - 3600,) * 2)


def test_a_folder_is_removed_with_what_is_in_it(tmp_path: Path) -> None:
    folder, descriptor = make_folder()
    (folder / "image.tar").write_bytes(b"x")
    remove_folder(folder, descriptor)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_has_left_is_removed_by_the_next(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", MAKE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        make_older(folder)
        remove_folder(*make_folder())
        assert folder.exists()
        process.kill()
    remove_folder(*make_folder())
    assert list(tmp_path.iterdir()) == []


def test_what_is_young_or_somebody_elses_stays(tmp_path: Path) -> None:
    young, other = tmp_path / "reconciler-image-1", tmp_path / "something-else"
    link = tmp_path / "reconciler-image-2"
    for folder in (young, other):
        folder.mkdir()
    make_older(other)
    link.symlink_to(other)
    remove_folder(*make_folder())
    assert {path.name for path in tmp_path.iterdir()} == {young.name, other.name, link.name}
