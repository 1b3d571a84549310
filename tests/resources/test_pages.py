"""The pages about the kinds are those that schema and tables give; `make goldens` rewrites them."""

from __future__ import annotations

import os

import pytest

from tests.resources.page import BELOW, FOLDER, KINDS, ROOT, lines, pages
from tests.resources.told import DEFAULTS, TOLD


@pytest.mark.parametrize(("name", "text"), pages().items(), ids=[*pages()])
def test_a_page_is_up_to_date(name: str, text: str) -> None:
    path = FOLDER / name
    if os.environ.get("RECONCILER_GOLDENS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert path.read_text() == text, "out of date; run `make goldens` and look at the difference"


def test_there_is_no_page_about_what_is_not_there() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(pages())
    assert set(TOLD) == set(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_every_key_says_what_it_means_and_what_a_change_does(name: str) -> None:
    some = lines(KINDS[name])
    assert [line.key for line in some if not line.meaning] == []
    assert [line.key for line in some if not line.changed and BELOW not in line.type] == []


def test_what_is_said_of_defaults_is_said_of_keys_that_are_there() -> None:
    there = {f"{name}.{line.key.strip('`')}" for name, kind in KINDS.items() for line in lines(kind)}
    assert set(DEFAULTS) - there == set()


@pytest.mark.parametrize("name", KINDS)
def test_the_guide_leads_to_every_page(name: str) -> None:
    assert f"(resources/{name}.md)" in (ROOT / "docs" / "manifest.md").read_text()
