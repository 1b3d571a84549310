"""Every example works for a newcomer: without account, network or preparation, from the first plan to the last destroy."""

from __future__ import annotations

import contextlib
import io
import shutil
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from reconciler.cli.main import run
from reconciler.manifest import peek

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/containers.yaml"))
LARGEST = 64 * 1024


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """All examples, where they may leave something behind."""
    return shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns(".reconciler"))


def reconciler(folder: Path, command: str, *more: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch("sys.stdin", io.StringIO()),
    ):
        code = run([*command.split(), *more])
    return code, out.getvalue(), err.getvalue()


def environments(folder: Path) -> list[tuple[str, ...]]:
    """The flags that name each environment, in the manifest's order."""
    named = peek(folder / "containers.yaml").environments
    return [("-e", name) for name in named] or [()]


def test_there_are_the_examples_that_the_readme_lists() -> None:
    listed = (EXAMPLES / "README.md").read_text()
    assert [name for name in NAMES if f"| [{name}]({name}/containers.yaml) |" not in listed] == []


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_valid(name: str, folder: Path) -> None:
    code, _, err = reconciler(folder / name, "validate")
    assert (code, err) == (0, "containers.yaml: valid\n")


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_applied_and_then_there_is_nothing_to_do(name: str, folder: Path) -> None:
    for where in environments(folder / name):
        code, out, err = reconciler(folder / name, "plan --local --detailed-exitcode", *where)
        assert code == 2, err
        assert " create" in out
        code, _, err = reconciler(folder / name, "apply --local --yes", *where)
        assert code == 0, err
        code, out, err = reconciler(folder / name, "plan --local --detailed-exitcode", *where)
        assert (code, "no changes" in out) == (0, True), out + err


@pytest.mark.parametrize("name", NAMES)
def test_an_example_can_be_removed_again(name: str, folder: Path) -> None:
    for where in environments(folder / name):
        assert reconciler(folder / name, "apply --local --yes", *where)[0] == 0
    for where in environments(folder / name):
        code, out, err = reconciler(folder / name, "plan --local --destroy", *where)
        assert code == 0, err
        allowed = [flag for flag in _allowed(out) if flag not in ("apply", "needs")]
        code, _, err = reconciler(folder / name, "destroy --local --yes", *where, *allowed)
        assert code == 0, err
        assert reconciler(folder / name, "state list --local", *where)[1] == ""


def _allowed(plan: str) -> list[str]:
    """The flags that a plan says apply will need."""
    return [word for line in plan.splitlines() if "apply needs " in line for word in line.split()]


def test_examples_are_small_and_hold_nothing_but_text_and_one_image() -> None:
    files = [path for path in EXAMPLES.rglob("*") if path.is_file() and ".reconciler" not in path.parts]
    tracked = [path for path in files if "__pycache__" not in path.parts]
    assert sum(path.stat().st_size for path in tracked) < LARGEST


def test_the_image_of_the_examples_is_a_whole_oci_layout() -> None:
    from reconciler.clients.image_archive import open_archive

    source = open_archive(EXAMPLES / "quickstart" / "image")
    blobs: dict[str, Any] = {}
    for blob in source.manifest().blobs():
        blobs[blob.digest] = b"".join(source.open_blob(blob.digest, blob.size))
        assert len(blobs[blob.digest]) == blob.size
    assert len(blobs) == 2
