"""The page of a plan: whole, safe, accessible, small. What it does in a browser is in test_html_in_browser."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.plan import Plan
from reconciler.render.harmless import harmless
from reconciler.render.html import render_html
from reconciler.render.html.elements import around, element, empty, form, joined
from tests.render.plans import (
    HOSTILE,
    ROLLOUT,
    SECRET,
    attribute,
    change,
    plan,
    plans,
    random_plan,
    shop_plan,
)

STEPS: Any = ROLLOUT["steps"]
VOID = {"meta", "link", "input", "path", "rect", "use"}
TAGS = """
html head title style body script header main footer section h1 h2 h3 p a b ul li span code div details summary
table thead tbody tr th td del ins pre figure svg g defs text button label fieldset legend
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


def test_a_thousand_changes_all_have_their_differences() -> None:
    some = [
        change(
            f"application.a{n}",
            "update",
            *(attribute(f"environment_variables.V{m}", f"old {n}", f"new {n}") for m in range(4)),
            reason=f"r{n}",
            requires=(f"application.a{n - 100}", f"application.a{n - 99}") if n >= 100 else (),
            details={"rollout": ROLLOUT} if n % 2 else {},
            wave=n // 100 + 1,
        )
        for n in range(1000)
    ]
    page = render_html(plan(*some))
    assert len(page.encode()) < 2 * 1024 * 1024
    assert "No room here" not in page
    assert page.count('class="chart"') == 500


def test_the_most_dangerous_have_the_first_claim_on_the_room() -> None:
    large = [attribute(f"environment_variables.V{n}", "o" * 300, "n" * 300) for n in range(50)]
    some = [change(f"application.a{n}", "update", *large, reason=f"r{n}") for n in range(1000)]
    page = render_html(plan(*some, change("application.z", "delete", attribute("name", "last"))))
    assert "<del>last</del>" in page


def test_what_is_too_large_takes_no_room_from_what_is_not() -> None:
    huge = [attribute(f"environment_variables.V{n}", "o" * 3900, "n" * 3900) for n in range(200)]
    some = [change(f"application.a{n}", "update", *huge, reason=f"r{n}") for n in range(3)]
    page = render_html(plan(*some, change("image.last", "update", attribute("tag", "old", "new"))))
    assert len(page.encode()) < 2 * 1024 * 1024
    assert page.count("No room here") == 2
    assert "<del>old</del>" in page


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
    assert page.count('data-to="3"') == 2


def test_equal_changes_are_one_mark() -> None:
    page = render_html(plan(*(change(f"image.a{n}", "update") for n in range(300))))
    assert page.count('class="n update"') == 1
    assert "image.a0 and 299 more: update" in page


def test_a_rollout_is_drawn_and_told() -> None:
    page = render_html(shop_plan())
    assert 'class="chart"' in page
    assert 'aria-label="Rollout in 3 steps, as in the table"' in page
    assert "<td>50 %</td><td>7 of 14</td><td>9</td>" in page
    assert page.count("filled: new instances; dashed: instances that serve, at worst") == 1


def test_a_rollout_that_several_show_is_drawn_once_and_told_to_each() -> None:
    alone = {"rollout": {**ROLLOUT, "kind": "another"}}
    details = [{"rollout": ROLLOUT}, {"rollout": ROLLOUT}, alone]
    page = render_html(
        plan(*(change(f"application.{n}", "update", details=one) for n, one in enumerate(details)))
    )
    read = check(page)
    assert page.count('class="drawing"') == 2
    assert page.count('<use href="#r0"/>') == read.ids["r0"] + 1 == 2
    assert page.count('class="steps"') == page.count('role="img"') == 3


def test_a_rollout_is_drawn_over_time() -> None:
    times = ((0, 60), (60, 240), (300, 420))
    steps = [
        {**step, "starts_after": begins, "ends_after": ends}
        for step, (begins, ends) in zip(STEPS, times, strict=True)
    ]
    page = render_html(
        plan(change("application.a", "update", details={"rollout": {**ROLLOUT, "steps": steps}}))
    )
    assert '<path class="fresh" d="M34 100L94 89L274 60L334 60L454 20V100Z"/>' in page
    assert '<path class="serving" d="M34 20V31H94V49H274V20H334V60H454V20"/>' in page
    assert re.findall(r'<text x="(\d+)" y="115">([^<]*)', page) == [
        ("94", "60 s"),
        ("274", "4:00 min"),
        ("454", "7:00 min"),
    ]
    assert "<td>9</td><td>60 s</td><td>4:00 min</td>" in page


def test_where_somebody_asks_for_each_step_none_is_longer_than_another() -> None:
    manual = {
        **ROLLOUT,
        "kind": "full_manual",
        "steps": [{**one, "ends_after": 60} for one in STEPS],
    }
    page = render_html(plan(change("application.a", "update", details={"rollout": manual})))
    assert '<path class="rule" d="M124 20V100M214 20V100"/>' in page
    assert 'y="115"' not in page


def test_what_it_costs_is_said_above_and_explained_below() -> None:
    page = render_html(shop_plan())
    assert (
        '<p class="soft">Cost: <a href="#cost">asleep $0, always on $409 → $1,081 a month (+$672)</a></p>'
        in page
    )
    assert '<section id="cost"><h2>Cost</h2>' in page
    assert "<li>application.api +$672: 10 × basic → 40 × standard-1</li>" in page
    assert 'id="cost"' not in render_html(plan(change("image.a", "update")))


def test_what_depends_on_a_change_is_named() -> None:
    assert "Reaches application.api, application.idle; 1 of them changed too" in render_html(shop_plan())


def test_drift_outputs_checks_and_the_next_command_follow() -> None:
    read = check(render_html(shop_plan(), plan_hash="7c41e9d0a2b8", plan_file="plan.json"))
    text = " ".join(part for parts in read.texts.values() for part in parts)
    for part in ("will be set to 5", "shop-api@sha256:4f1c22e09d61 → (known after apply)", "say info"):
        assert part in text
    assert "reconciler apply plan.json" in text
    assert "Plan 7c41e9d0a2b8 of 2026-11-20 10:00 UTC, good until 2026-11-27 10:00 UTC" in text


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
    assert form('<p class="%s">100 %% %s</p>')('"', element("b", "<")) == (
        '<p class="&quot;">100 % <b>&lt;</b></p>'
    )


@given(st.one_of(st.text(max_size=40), st.sampled_from(HOSTILE)))
def test_a_text_is_written_in_the_same_way_wherever_it_stands(text: str) -> None:
    whole = element("p", text)
    assert whole == form("<p>%s</p>")(text) == "".join(around("p", [text])) == joined([empty("x"), whole])[4:]
    assert html.unescape(whole[3:-4]) == harmless(text)


# colours


def themes() -> list[dict[str, str]]:
    """The colours of light, of dark by the system, of dark by choice, and of print."""
    [style] = Reader(render_html(plan())).texts["style"]
    return [
        dict(re.findall(r"--(\w+): (#\w+)", block)) for block in re.findall(r"{[^{}]*--paper:[^{}]*}", style)
    ]


def brightness(colour: str) -> float:
    """As WCAG 2 reckons it."""
    whole = colour[1:] if len(colour) == 7 else "".join(2 * sign for sign in colour[1:])
    parts = [int(whole[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    darker, brighter = sorted(map(brightness, (one, other)))
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", themes())
def test_every_colour_can_be_read_on_every_ground(theme: dict[str, str]) -> None:
    for name in ("ink", "soft", "focus", "create", "update", "replace", "delete", "other", "quiet"):
        for ground in ("paper", "inset"):
            assert contrast(theme[name], theme[ground]) >= 4.5, (name, ground)
    for ground in ("gone", "new"):
        assert contrast(theme["ink"], theme[ground]) >= 4.5


def test_dark_is_dark_however_it_was_chosen() -> None:
    light, by_system, by_choice, printed = themes()
    assert by_system == by_choice
    assert printed == light
