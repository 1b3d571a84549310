"""What the documentation shows is true: its manifests are valid, its links lead somewhere, its commands and codes exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from reconciler.cli.main import COMMANDS
from reconciler.cli.workplace import binding_handlers
from reconciler.manifest import validate_manifest
from reconciler.model.diagnostic import Severity
from reconciler.model.manifest import Inputs

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "examples/README.md"])
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)]*))?\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)

# What a fragment leaves to the reader's manifest.
FRAME = {
    "version": "version: 1\n",
    "project": "project: docs\n",
    "images": "images:\n  api: {archive: image}\n",
    "workers": "",
    "applications": "",
}


def blocks(language: str) -> list[tuple[str, str]]:
    """Every fenced block of a language, by page and number."""
    found = []
    for page in PAGES:
        some = [text for kind, text in _BLOCK.findall(page.read_text()) if kind == language]
        found += [(f"{page.relative_to(ROOT)}#{number}", text) for number, text in enumerate(some, 1)]
    return found


def framed(text: str) -> str:
    """A fragment as a whole manifest."""
    keys = YAML(typ="safe").load(text)
    missing = "".join(lines for key, lines in FRAME.items() if key not in keys)
    needs_image = "images.api" in text and "images" in keys and "api" not in keys["images"]
    text = text.replace("images:\n", "images:\n  api: {archive: image}\n", 1) if needs_image else text
    return missing + text


@pytest.mark.parametrize(("where", "text"), blocks("yaml"), ids=lambda it: it if "#" in it[:80] else "")
def test_a_manifest_in_the_documentation_is_valid(where: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "containers.yaml"
    path.write_text(framed(text))
    findings = validate_manifest(path, binding_handlers(), None, Inputs(offline=True))
    assert [str(one) for one in findings if one.severity is Severity.ERROR] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in _LINK.findall(page.read_text()):
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{target} is not there"
        if anchor:
            assert anchor in _anchors(path), f"{target} has no heading #{anchor}"


def _anchors(page: Path) -> set[str]:
    headings = _HEADING.findall(page.read_text())
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(("where", "text"), blocks("sh"), ids=lambda it: it if "#" in it[:80] else "")
def test_commands_in_the_documentation_exist(where: str, text: str) -> None:
    for line in text.splitlines():
        words = line.split()
        if words and words[0] == "reconciler":
            assert words[1] in COMMANDS, line
        if words and words[0] == "make":
            assert f"\n{words[1]}:" in (ROOT / "Makefile").read_text(), line


def test_doubts_name_files_that_are_there() -> None:
    page = (ROOT / "docs" / "uncertainties.md").read_text()
    named = set(re.findall(r"`([a-z_]+/[a-z_/]+\.py)`", page))
    assert named
    assert [name for name in sorted(named) if not (ROOT / "reconciler" / name).exists()] == []


def test_the_page_of_commands_knows_every_command() -> None:
    page = (ROOT / "docs" / "commands.md").read_text()
    assert [name for name in COMMANDS if f"| `{name}" not in page] == []


def test_the_readme_shows_the_quickstart_as_it_is() -> None:
    """Only comments and the outputs may differ, for shortness."""
    yaml = YAML(typ="safe")
    shown = yaml.load(next(text for where, text in blocks("yaml") if where.startswith("README.md")))
    real = yaml.load((ROOT / "examples" / "quickstart" / "containers.yaml").read_text())
    assert {**shown, "outputs": {}} == {**real, "outputs": {}}
