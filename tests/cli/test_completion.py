from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.cli.main import COMMANDS, run

MANIFEST = """\
version: 1
project: shop
environments: {staging: {}, production: {}}
images: {api: {archive: x}}
applications: {api: {image: "${images.api}"}, worker: {image: "${images.api}"}}
"""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    assert "_RECONCILER_COMPLETE" in capsys.readouterr().out


def test_another_shell_is_a_wrong_command_line() -> None:
    assert run(["completion", "cmd"]) == 1


def completed(folder: Path, *words: str) -> list[str]:
    """What bash is offered for the last word."""
    line = " ".join(["reconciler", *words])
    environ = {"COMP_WORDS": line, "COMP_CWORD": str(len(words)), "_RECONCILER_COMPLETE": "bash_complete"}
    ended = subprocess.run(
        [sys.executable, "-c", "from reconciler.cli.main import main; main([])"],
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stderr == ""
    return [one.partition(",")[2] for one in ended.stdout.split()]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("val",), ["validate"]),
        (("plan", "-e", "st"), ["staging"]),
        (("plan", "--target", "application."), ["application.api", "application.worker"]),
        (("apply", "--replace", "im"), ["image.api"]),
    ],
)
def test_words_are_completed_from_the_manifest(
    tmp_path: Path, words: tuple[str, ...], offered: list[str]
) -> None:
    (tmp_path / "containers.yaml").write_text(MANIFEST)
    assert completed(tmp_path, *words) == offered


@pytest.mark.parametrize("text", [None, "version: [", "- a"])
def test_without_a_manifest_that_can_be_read_nothing_is_offered(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "containers.yaml").write_text(text)
    assert completed(tmp_path, "plan", "-e", "") == []


def test_every_command_is_offered(tmp_path: Path) -> None:
    assert completed(tmp_path, "") == list(COMMANDS)
