"""The page of a plan: whole, safe, accessible, small. What it does in a browser is in test_html_in_browser."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.plan import Plan
from reconciler.render.html import render_html
from reconciler.render.html.elements import element, empty, joined
from tests.render.plans import HOSTILE, SECRET, attribute, change, plan, plans, random_plan, shop_plan

VOID = {"meta", "link", "input", "path", "rect", "use"}
TAGS = """
html head title style body script header main footer section h1 h2 h3 p a b ul li span code div details summary
table thead tbody tr th td del ins pre figure figcaption svg defs text button label fieldset legend
"""
KNOWN = VOID | set(re.findall(r"\w+", TAGS))


class Reader(HTMLParser):
    """Reads a page strictly: what is opened is closed, and nothing is there that we do not write."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.ids: Counter[str] = Counter()
        self.links: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in KNOWN, tag
        self.handle_attributes(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID, tag
        self.handle_attributes(tag, attrs)

    def handle_attributes(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            self.attributes.append((tag, name, value or ""))
            if name == "id":
                self.ids[value or ""] += 1
            if name in ("href", "src"):
                self.links.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)


def check(page: str) -> Reader:
    """Everything that has to hold for any plan."""
    read = Reader(page)
    assert SECRET not in page
    assert max(read.ids.values()) == 1
    for link in read.links:
        assert link == "data:," or (link.startswith("#") and read.ids[link[1:]]), link
    for _, name, _ in read.attributes:
        assert not name.startswith("on")
        assert name != "style"
    assert len(read.texts["script"]) == 1
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e\ud800-\udfff]", page)
    return read


@settings(deadline=None)
@given(plans(30))
def test_any_plan_is_a_whole_page_with_nothing_from_outside_at_work(of: Plan) -> None:
    check(render_html(of, plan_hash="7c41e9d0a2b8"))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_shown_as_it_is(text: str) -> None:
    of = plan(change("image.a", "update", attribute("a", 1, text), reason=text, notes=(text,)), project=text)
    read = check(render_html(of))
    assert len(read.texts["style"]) == 1


def test_the_policy_lets_in_our_style_and_script_only() -> None:
    page = render_html(shop_plan())
    [policy] = [
        value for tag, name, value in Reader(page).attributes if tag == "meta" and "default-src" in value
    ]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        [text] = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 1000), st.booleans())
def test_a_thousand_changes_are_less_than_two_mebibytes(seed: int, hostile: bool) -> None:
    page = render_html(random_plan(seed, 1000, hostile=hostile))
    assert len(page.encode()) < 2 * 1024 * 1024


def test_a_thousand_large_changes_too() -> None:
    large = [attribute(f"environment_variables.V{n}", "o" * 300, "n" * 300) for n in range(50)]
    some = [change(f"application.a{n}", "update", *large, reason=f"r{n}") for n in range(1000)]
    page = render_html(plan(*some))
    assert len(page.encode()) < 2 * 1024 * 1024
    assert "No room here; the JSON has it all." in page


def test_ten_thousand_different_changes_are_listed_and_not_drawn() -> None:
    page = render_html(plan(*(change(f"image.a{n}", "update", reason=f"r{n}") for n in range(10_000))))
    assert "10,000 different changes are too many to be drawn" in page
    assert page.count('class="change update"') == 10_000


def test_the_verdict_comes_first() -> None:
    page = render_html(shop_plan())
    assert '<p class="verdict">0 delete, 1 replace, 3 update, 1 create of 47</p>' in page
    assert (
        page.index("Highest risk: REPLACE of application.jobs")
        < page.index("Attention")
        < page.index("Graph")
    )


def test_every_change_is_drawn_in_shape_and_named_for_a_screen_reader() -> None:
    page = render_html(shop_plan())
    for number, (kind, title) in enumerate(
        [
            ("create", "image.api: create"),
            ("update", "secret.stripe-key: update"),
            ("replace", "application.jobs: replace (delete, then create), downtime"),
            ("update", "application.api: update, rollout, waits for image.api, secret.stripe-key"),
        ]
    ):
        assert f'id="n{number}" href="#c{number}" class="n {kind}"' in page
        assert f"<title>{title}</title>" in page
        assert f'href="#s-{kind}"' in page
    assert page.count('class="e"') == 2


def test_equal_changes_are_one_mark() -> None:
    page = render_html(plan(*(change(f"image.a{n}", "update") for n in range(300))))
    assert page.count('class="n update"') == 1
    assert "image.a0 and 299 more: update" in page


def test_a_rollout_is_drawn_and_told() -> None:
    page = render_html(shop_plan())
    assert 'class="chart"' in page
    assert 'aria-label="Rollout in 3 steps: full_auto, 14 instances' in page
    assert '<td class="number">7 of 14</td><td class="number">9</td>' in page


def test_drift_outputs_checks_and_the_next_command_follow() -> None:
    read = check(render_html(shop_plan(), plan_hash="7c41e9d0a2b8", plan_file="plan.json"))
    text = " ".join(part for parts in read.texts.values() for part in parts)
    for part in ("will be set to 5", "shop-api@sha256:4f1c22e09d61 → (known after apply)", "say info"):
        assert part in text
    assert "reconciler apply plan.json" in text
    assert "Plan 7c41e9d0a2b8 of 2026-11-20T10:00:00Z, good until 2026-11-27T10:00:00Z" in text


def test_no_change_is_a_short_page() -> None:
    page = render_html(plan(unchanged=47))
    assert "no changes (47 resources)" in page
    assert "<h2>" not in page


@given(plans(10))
def test_same_plan_same_bytes_and_times_only_in_the_footer(of: Plan) -> None:
    later = replace(of, created_at="2030-01-01T00:00:00Z", expires_at="2030-01-08T00:00:00Z")
    one, other = render_html(of), render_html(later)
    assert one == render_html(of)
    assert one.partition("<footer>")[0] == other.partition("<footer>")[0]


def test_text_is_escaped_unless_it_is_html() -> None:
    assert element("p", "<b>", element("b", "x"), data_x='"', hidden=True, title=None) == (
        '<p data-x="&quot;" hidden>&lt;b&gt;<b>x</b></p>'
    )
    assert joined(["<", empty("input", value="'")], "&") == '&lt;&amp;<input value="&#x27;"/>'
