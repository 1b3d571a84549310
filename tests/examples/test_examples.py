"""Every example works for a newcomer: without account, network or preparation, from the first plan to the last destroy."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from ruamel.yaml import YAML

from reconciler.cli.main import run
from reconciler.kinds import SECTIONS
from reconciler.manifest import peek

EXAMPLES = Path(__file__).parents[2] / "examples"
README = EXAMPLES.parent / "README.md"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/containers.yaml"))
NEEDS_DOCKER_HUB = {"adr-049"}  # builds from an image that is there; its own tests are in test_adr_049
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
def test_an_example_has_the_layout_that_fmt_gives(name: str, folder: Path) -> None:
    assert reconciler(folder / name, "fmt --check") == (0, "", "")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NEEDS_DOCKER_HUB])
def test_an_example_is_planned_applied_and_removed_again(name: str, folder: Path) -> None:
    here = folder / name
    for where in environments(here):
        code, out, err = reconciler(here, "plan --local --detailed-exitcode", *where)
        assert (code, " create" in out) == (2, True), err
        code, _, err = reconciler(here, "apply --local --yes", *where)
        assert code == 0, err
        code, out, err = reconciler(here, "plan --local --detailed-exitcode", *where)
        assert (code, "no changes" in out) == (0, True), out + err
    for where in environments(here):
        code, out, err = reconciler(here, "plan --local --destroy --json", *where)
        assert code == 0, err
        flags = " ".join(json.loads(out)["allow_needed"]).split()
        code, _, err = reconciler(here, "destroy --local --yes", *where, *flags)
        assert code == 0, err
        assert reconciler(here, "state list --local", *where)[1] == ""


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_in_the_layout_of_fmt(name: str, folder: Path) -> None:
    assert reconciler(folder / name, "fmt --check") == (0, "", "")


def test_every_kind_is_among_what_is_applied_above() -> None:
    applied = [EXAMPLES / name / "containers.yaml" for name in NAMES if name not in NEEDS_DOCKER_HUB]
    shown = {section for path in applied for section in YAML(typ="safe").load(path.read_text())}
    assert set(SECTIONS) - shown == set()


def test_the_commands_of_the_readme_work_as_they_stand(folder: Path) -> None:
    """All but those that need a network: pip, and make, which makes a virtual environment."""
    lines = re.search(r"Or by hand:\n\n```sh\n(.*?)```", README.read_text(), re.DOTALL)
    assert lines is not None
    where, codes = folder.parent, []
    for line in lines[1].splitlines():
        program, _, rest = line.partition(" ")
        if program == "cd":
            where = where / rest
        elif program == "reconciler":
            codes.append(reconciler(where, rest.partition("#")[0])[0])
    assert codes == [0, 0, 0]


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
