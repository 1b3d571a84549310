"""The Markdown of a plan: within its limit, well-formed, and with nothing from outside at work in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reconciler.cli.sticky import Poster
from reconciler.model.plan import ManifestStamp, Plan, PlannedDrift, PlannedHazard
from reconciler.render.markdown import (
    BITBUCKET,
    GITHUB,
    GITLAB,
    Dialect,
    EarlierPlan,
    Links,
    earlier_plans,
    made_at,
    marker,
    render_markdown,
)
from reconciler.render.markdown.marks import cell, code, fence, fold, prose
from tests.render.plans import HOSTILE, ROLLOUT, SECRET, change, plan, plans, random_plan, shop_plan

LINKS = Links(
    "https://git.example/o/r/blob/4e02ab1", "4e02ab1", "https://ci.example/full", "https://ci.example/json"
)
OURS = ("https://git.example/", "https://ci.example/")
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
ALLOWED_HTML = re.compile(
    r"(?:<details><summary>(?:<code>[^<>]*</code> ?)?<b>[^<>]*</b>(?: <code>[^<>]*</code>)?</summary>|</details>"
    r"|<!-- reconciler:(?:plan|was|made):v1 [\w%=._~ ]*-->)\s*"
)
ACTIVE = re.compile(r"@|https?:|www\.|[#/]\w|!\d|<|&\w+;|[0-9a-f]{9}|[_*`~|\\$]")


def tokens(text: str) -> Iterator[Token]:
    for token in PARSER.parse(text):
        yield token
        yield from token.children or ()


def check(text: str, limit: int) -> None:
    """Everything that has to hold for any plan."""
    assert len(text) <= limit
    assert len(text.encode()) <= limit
    assert SECRET not in text
    open_folds = 0
    for token in tokens(text):
        assert token.type not in ("html_inline", "image")
        if token.type == "html_block":
            assert ALLOWED_HTML.fullmatch(token.content), token.content
            open_folds += token.content.count("<details>") - token.content.count("</details>")
            assert open_folds in (0, 1)
        if token.type == "link_open":
            assert str(token.attrs["href"]).startswith(OURS)
        if token.type == "text":
            assert not ACTIVE.search(token.content.replace("#118", "").replace("GitHub", "")), token.content
        if token.type == "heading_open":
            assert token.tag == "h3"
        if token.type == "fence":
            assert token.info == "diff"
    assert open_folds == 0


@given(plans(40), st.sampled_from((6_000, 32_000, 65_536)), st.sampled_from((GITHUB, GITLAB)))
def test_any_plan_is_within_the_limit_and_at_nobody_elses_mercy(
    of: Plan, limit: int, dialect: Dialect
) -> None:
    check(render_markdown(of, limit, dialect=dialect, links=LINKS, plan_hash="7c41e9d0a2b8"), limit)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 1_000_000), st.integers(1_000, 10_000), st.booleans())
def test_ten_thousand_changes_too(seed: int, size: int, hostile: bool) -> None:
    of = random_plan(seed, size, hostile=hostile)
    for dialect in (GITHUB, BITBUCKET):
        text = render_markdown(of, dialect=dialect, links=LINKS)
        assert len(text.encode()) <= dialect.limit
        assert "more" in text
    check(render_markdown(of, links=LINKS), 65_536)


@given(plans(30))
def test_where_there_are_no_folds_there_is_no_html(of: Plan) -> None:
    text = render_markdown(of, dialect=BITBUCKET, links=LINKS)
    assert not any(token.type.startswith("html") for token in tokens(text))
    assert len(text) <= 32_000


@given(plans(40), st.sampled_from((GITHUB, GITLAB)))
def test_a_whole_comment_is_as_safe_as_what_is_in_it(of: Plan, dialect: Dialect) -> None:
    first = Poster(of, "7c41e9d0a2b8", "plan.json", dialect, LINKS).body()
    links = replace(LINKS, folder="infra/prod", commit="c0ffee1")
    second = Poster(of, "another", "plan.json", dialect, links).body(first)
    for body in (first, second):
        check(body, dialect.limit)
        assert made_at(body) == of.created_at


@given(plans(40), st.sampled_from((GITHUB, GITLAB, BITBUCKET)))
def test_no_line_is_a_command_to_the_host(of: Plan, dialect: Dialect) -> None:
    """GitLab obeys a line that begins with a slash."""
    text = render_markdown(of, dialect=dialect, links=LINKS)
    assert [line for line in text.splitlines() if line.lstrip().startswith("/")] == []


@given(plans(30))
def test_same_plan_same_bytes(of: Plan) -> None:
    assert render_markdown(of, links=LINKS) == render_markdown(of, links=LINKS)


@given(plans(10))
def test_times_are_only_in_the_footer(of: Plan) -> None:
    later = replace(of, created_at="2030-01-01T00:00:00Z", expires_at="2030-01-08T00:00:00Z")
    one, other = render_markdown(of), render_markdown(later)
    differing = [line for line in one.splitlines() if line not in other.splitlines()]
    assert all(line.startswith("good until") for line in differing)


def test_a_limit_without_room_for_the_verdict_is_an_error() -> None:
    with pytest.raises(ValueError, match="6,000"):
        render_markdown(shop_plan(), 500)


# what has room


def test_danger_goes_before_all_else() -> None:
    hazard = PlannedHazard("DELETES_DATA", "blocked", "its data goes")
    worst = change("worker.edge", "delete", hazards=(hazard,), reason="not in the manifest any more")
    others = (change(f"kind{n}.a", "update", reason=f"reason {n}", effect="rollout") for n in range(3_000))
    text = render_markdown(plan(*others, worst), 8_000)
    assert "[!CAUTION]\n> - **delete** `worker.edge`" in text
    assert re.search("and 2,9.. more resources; see the full plan", text)


def test_what_has_no_room_is_counted() -> None:
    text = render_markdown(
        plan(*(change(f"image.a{n}", "update", reason=f"r{n}") for n in range(5_000))), 8_000
    )
    table = text.count("\n| 1 ✏️ |")
    assert f"and {5_000 - table:,} more" in text


def test_equal_changes_are_one_row() -> None:
    text = render_markdown(plan(*(change(f"image.a{n}", "update") for n in range(500))))
    assert "| 1 ✏️ | `image.a0` and 499 more | update |" in text


def test_a_crowd_of_dangers_that_differ_in_their_values_is_one() -> None:
    some = [
        change(f"application.a{n}", "update", reason=f"r{n}", effect="rollout", details={"rollout": ROLLOUT})
        for n in range(21)
    ]
    few, many = render_markdown(plan(*some[:20])), render_markdown(plan(*some))
    assert few.count("> - **update, rollout**") == few.count(">   - capacity never below 7 of 14") == 20
    assert many.count("> - **update, rollout**") == 1
    assert "`application.a2` and 18 more: `r0`; the others likewise" in many
    assert "capacity" not in many.partition("| Wave |")[0]


# what it says


def test_the_first_lines_are_marker_verdict_and_where_it_comes_from() -> None:
    first, heading, about = render_markdown(shop_plan(), links=LINKS).splitlines()[:3]
    assert first.startswith(f"<!-- {marker(shop_plan())} ")
    assert heading == "### 🔴 Plan for `shop/production`: 0 delete, 1 replace, 3 update, 1 create of 47"
    assert about == "`containers.yaml` at `4e02ab1` · account `1f3c…` · state #118"


def test_danger_has_its_cause_and_a_link_to_its_line() -> None:
    text = render_markdown(shop_plan(), links=LINKS)
    assert (
        "> - **replace (delete, then create), downtime** `application.jobs`: `class_name` cannot be changed in place"
        " ([L90](https://git.example/o/r/blob/4e02ab1/containers.yaml#L90))" in text
    )
    assert ">   - `DOWNTIME` 3 running instances stop before new ones start" in text


def test_a_difference_is_a_minus_and_a_plus() -> None:
    text = render_markdown(shop_plan())
    assert "\n- instance_type:                   basic (1/4 vCPU, 1 GiB, 4 GB)\n+ instance_type:" in text
    assert "\n! secrets.STRIPE:                  (sensitive, changed)\n" in text
    assert "+ image:                           (known after image.api, wave 1)" in text


def test_a_rollout_is_a_table() -> None:
    assert "| Step | Share | New instances | Serving at worst |" in render_markdown(shop_plan())
    assert "| 2 | 50 % | 7 of 14 | 9 of 14 | 3 min |" in render_markdown(shop_plan())


def test_who_changed_something_is_named_without_the_domain_of_their_mail() -> None:
    drifted = PlannedDrift("worker.a", "vars.A", "1", "2", "keep", changed_by="ops@example.com, with dash")
    shown = render_markdown(plan(drift=(drifted,)))
    assert "with dash" in shown
    assert "example" not in shown


def test_drift_outputs_findings_and_the_next_step_follow() -> None:
    text = render_markdown(shop_plan(), links=LINKS, plan_hash="7c41e9d0a2b8", plan_file="plan.json")
    for part in (
        "- `application.web` `max_instances`: live 8, last applied 5: **will be set to 5**",
        "- `api_image`: `shop-api@sha256:4f1c22e09d61` → `(known after apply)`",
        "- `W014` warning `application.api`: `LOG_LEVEL=debug` in production",
        "42 unchanged, 1 drifted, 1 warning · API: about 6 reads and 5 writes of 1,200 per 5 min · [full plan](https://ci.example/full)",
        "Apply: `reconciler apply plan.json`",
        "plan `7c41e9d0a2b8`, good until",
    ):
        assert part in text


def test_no_change_is_said_in_a_line() -> None:
    assert "### ✅ `shop/production`: no changes\n47 resources" in render_markdown(plan(unchanged=47))


def test_where_links_lead_nowhere_there_are_none() -> None:
    assert "](" not in render_markdown(shop_plan())


# history


def test_a_comment_tells_of_the_plans_before() -> None:
    first = render_markdown(shop_plan(), links=LINKS, plan_hash="aaaa")
    second = render_markdown(shop_plan(), links=LINKS, plan_hash="bbbb", earlier=earlier_plans(first))
    third = earlier_plans(second)
    assert [one.plan_hash for one in third] == ["bbbb", "aaaa"]
    assert third[1] == EarlierPlan("aaaa", "4e02ab1", "0 delete, 1 replace, 3 update, 1 create of 47")
    assert "- `aaaa` at `4e02ab1`: 0 delete, 1 replace, 3 update, 1 create of 47" in second


@given(st.sampled_from(HOSTILE), st.sampled_from(HOSTILE))
def test_hidden_lines_stay_hidden_and_can_be_read_back(one: str, other: str) -> None:
    of = replace(shop_plan(), environment=one, manifest=ManifestStamp(other, ""))
    text = render_markdown(of, plan_hash="aaaa", earlier=[EarlierPlan(one, other, "1 update")])
    check(text, 65_536)
    assert text.startswith(f"<!-- {marker(of)}")
    assert [found.verdict for found in earlier_plans(text)][1:] == ["1 update"]


def test_a_body_without_records_tells_of_nothing() -> None:
    assert earlier_plans("reconciler:was:v1 nonsense --> reconciler:plan:v1 a=b -->") == ()


# marks


@given(st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(codec=None), max_size=80)))
def test_marks_hold_whatever_is_inside(text: str) -> None:
    [paragraph] = [token for token in PARSER.parse(f"x {code(text)} y") if token.type == "inline"]
    assert [token.type for token in paragraph.children or ()] == ["text", "code_inline", "text"]
    [block] = PARSER.parse(fence([text, "end"]))
    assert (block.type, block.content.splitlines()[-1]) == ("fence", "end")
    table = PARSER.parse(f"| a | b |\n|---|---|\n| {cell(code(text))} | end |\n")
    inline = [token for token in table if token.type == "inline"]
    assert [token.content for token in inline][-1] == "end"
    assert [child.type for child in inline[2].children or ()] == ["code_inline"]


@given(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=80)))
def test_a_fold_is_closed_once(text: str) -> None:
    folded = fold(GITHUB, fence([text]), name=text, title="update", what=text)
    assert [token.type for token in PARSER.parse(folded)] == ["html_block", "fence", "html_block"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("class_name cannot be changed in place", "`class_name` cannot be changed in place"),
        ("3 running instances (or more) stop, at 10 %.", "3 running instances (or more) stop, at 10 %."),
        ("see https://evil.example, @you", "see `https://evil.example, @you`"),
        ("1. item", "`1`. item"),
        ("deadbeef facade", "`deadbeef` facade"),
        ("nothing names (application.api)", "nothing names (`application.api`)"),
        ("...", "`...`"),
        ("", ""),
    ],
)
def test_prose_is_words_and_code(text: str, shown: str) -> None:
    assert prose(text) == shown
