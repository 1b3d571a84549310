"""Random plans of up to 10,000 changes in every format: bounded, well-formed, harmless, without secrets, the same twice."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reconciler.render.html import render_html
from reconciler.render.machine import plan_json, plan_summary
from reconciler.render.markdown import GITHUB, render_markdown
from reconciler.render.text import Style, render_plan
from reconciler.storage.codec import decode_plan
from tests.render.plans import SECRET, random_plan

large = settings(max_examples=3, deadline=None)
seeds = st.integers(0, 2**32 - 1)
sizes = st.sampled_from((1_000, 4_000, 10_000))
_OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e\ud800-\udfff]")


class _Page(HTMLParser):
    """Counts what a page opens and closes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.depth = 0
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.depth += tag not in ("meta", "link", "input", "path", "rect", "use", "line", "circle")

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag not in ("meta", "link", "input", "path", "rect", "use", "line", "circle")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)


@large
@given(seeds, sizes, st.booleans())
def test_text(seed: int, size: int, hostile: bool) -> None:
    shown = render_plan(random_plan(seed, size, hostile=hostile), Style())
    assert shown == render_plan(random_plan(seed, size, hostile=hostile), Style())
    assert SECRET not in shown
    assert not _OBEYED.search(shown)
    assert not re.search(r"^\s*::|##\[|##vso\[", shown, re.MULTILINE)
    assert len(shown.splitlines()) < 6_000 + 6 * size


@large
@given(seeds, sizes, st.booleans())
def test_markdown(seed: int, size: int, hostile: bool) -> None:
    of = random_plan(seed, size, hostile=hostile)
    shown = render_markdown(of)
    assert shown == render_markdown(of)
    assert len(shown.encode()) <= GITHUB.limit
    assert SECRET not in shown
    tokens = MarkdownIt("commonmark").enable("table").parse(shown)
    blocks = "".join(token.content for token in tokens if token.type == "html_block")
    assert blocks.count("<details>") == blocks.count("</details>")
    assert "<script" not in blocks


@large
@given(seeds, sizes, st.booleans())
def test_html(seed: int, size: int, hostile: bool) -> None:
    of = random_plan(seed, size, hostile=hostile)
    shown = render_html(of)
    assert shown == render_html(of)
    assert SECRET not in shown
    page = _Page(shown)
    assert page.depth == 0
    assert not page.tags & {"img", "iframe", "object", "embed", "base", "form"}
    assert shown.count("<script") == 1


@large
@given(seeds, sizes)
def test_json_and_its_summary(seed: int, size: int) -> None:
    of = random_plan(seed, size, hostile=False)
    text = plan_json(of)
    assert text == plan_json(decode_plan(text.encode()))
    assert len(json.loads(text)["changes"]) == size
    summary = plan_summary(of)
    assert summary == plan_summary(of)
    assert len(summary.encode()) < 2048
