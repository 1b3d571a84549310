"""The plan that the documentation shows is the plan that a reader gets; `make goldens` writes it there."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from reconciler.cli.main import run

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "docs" / "plans.md"]
_SHOWN = re.compile(r"(?<=^```text\n)quickstart: [^`]*(?=^```$)", re.MULTILINE)


@pytest.fixture
def quickstart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the quickstart, applied."""
    ignored = shutil.ignore_patterns(".reconciler")
    folder = shutil.copytree(ROOT / "examples" / "quickstart", tmp_path / "quickstart", ignore=ignored)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "100")
    assert run(["apply", "--local", "--yes"]) == 0
    return folder


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_the_documentation_shows_a_real_plan(
    page: Path, quickstart: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = quickstart / "containers.yaml"
    manifest.write_text(manifest.read_text().replace("instance_type: lite", "instance_type: basic"))
    capsys.readouterr()
    assert run(["plan", "--local", "--no-color"]) == 0
    plan = capsys.readouterr().out
    text = page.read_text()
    assert len(_SHOWN.findall(text)) == 1
    if os.environ.get("RECONCILER_GOLDENS"):
        page.write_text(_SHOWN.sub(lambda _: plan, text))
    assert _SHOWN.findall(page.read_text()) == [plan], "out of date; run `make goldens`"
