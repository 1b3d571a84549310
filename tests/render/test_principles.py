"""The principles of a plan's output, each with the tests that hold it; those that speak of every golden plan are here."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.plan import Plan
from reconciler.render.html import render_html
from reconciler.render.machine import plan_json
from reconciler.render.markdown import render_markdown
from reconciler.render.text import Style, render_plan
from reconciler.storage.codec import decode_plan
from tests.render.plans import plan, random_plan, shop_plan

STORIES = Path(__file__).parents[1] / "scenarios"
GOLDENS = sorted(STORIES.glob("*/*.plan.json"))
FORMATS = ("txt", "json", "md", "html")

HELD_BY: dict[int, tuple[str, ...]] = {
    1: (
        "principles:test_the_first_lines_of_every_golden_plan_suffice",
        "text:test_three_lines_suffice_to_know_whether_anything_ends",
    ),
    2: (
        "principles:test_a_replacement_counts_once_in_every_golden_plan",
        "text:test_a_replacement_counts_once_and_says_both_steps",
    ),
    3: (
        "principles:test_changes_of_every_golden_plan_come_by_wave_risk_and_name",
        "text:test_waves_begin_with_the_first_and_none_is_left_out",
    ),
    4: (
        "principles:test_danger_of_every_golden_plan_is_lifted_out",
        "text:test_danger_stands_above_the_details_with_cause_and_line",
    ),
    5: (
        "text:test_the_cause_of_a_replacement_stands_at_its_attribute",
        "explain:test_a_replacement_goes_by_what_forces_it",
    ),
    6: (
        "difference:test_objects_in_lists_are_matched_by_their_key",
        "text:test_values_have_their_meaning_and_ratio",
    ),
    7: (
        "text:test_values_have_their_meaning_and_ratio",
        "values:test_a_size_of_ones_own_is_told_like_a_named_one",
    ),
    8: (
        "principles:test_digests_are_short_and_told_apart",
        "values:test_digests_are_as_long_as_it_takes_to_tell_them_apart",
        "details:test_labels_say_how_an_image_was_built",
    ),
    9: ("principles:test_what_is_unknown_names_its_step_and_ids_of_new_things_are_not_printed",),
    10: ("scenarios.test_scenarios:test_story",),
    11: (
        "text:test_equal_changes_are_folded_with_a_count",
        "markdown:test_equal_changes_are_one_row",
        "html:test_equal_changes_are_one_mark",
    ),
    12: ("text:test_unchanged_is_a_number_and_a_list_only_where_asked_for",),
    13: (
        "text:test_drift_has_its_verb_and_what_it_will_be",
        "text:test_drift_says_when_and_by_whom_as_far_as_that_is_known",
        "principles:test_drift_of_every_golden_plan_has_its_verb",
    ),
    14: (
        "principles:test_every_rollout_is_told_step_by_step",
        "text:test_rollout_steps_come_with_instances_and_the_worst_capacity",
    ),
    15: (
        "text:test_every_change_is_traced_to_its_line",
        "markdown:test_danger_has_its_cause_and_a_link_to_its_line",
    ),
    16: (
        "principles:test_why_is_one_command_away",
        "explain:test_a_reference_is_followed_to_the_line_that_began_it",
    ),
    17: ("principles:test_no_secret_in_any_format", "principles:test_a_changed_secret_is_seen_to_be_changed"),
    18: (
        "principles:test_same_plan_same_bytes_in_every_format",
        "text:test_same_plan_same_bytes_and_times_only_in_the_footer",
    ),
    19: (
        "text:test_colour_only_repeats_what_words_say",
        "text:test_ascii_is_ascii",
        "text:test_it_fits_the_width",
    ),
    20: (
        "text:test_one_change_among_ten_thousand_is_at_most_forty_lines",
        "principles:test_one_golden_change_is_at_most_forty_lines",
    ),
    21: (
        "markdown:test_ten_thousand_changes_too",
        "markdown:test_any_plan_is_within_the_limit_and_at_nobody_elses_mercy",
    ),
    22: ("markdown:test_marks_hold_whatever_is_inside", "markdown:test_a_fold_is_closed_once"),
    23: (
        "text:test_the_requests_to_be_spent_and_the_next_command_end_it",
        "command:test_variables_of_the_command_line_are_said_again",
    ),
    24: ("text:test_findings_come_with_code_reason_and_fix",),
    25: (
        "text:test_no_change_is_one_line",
        "from_the_command_line:test_after_the_apply_there_is_nothing_to_do_in_one_line",
    ),
    26: (
        "principles:test_what_is_read_back_is_printed_with_the_same_bytes",
        "from_the_command_line:test_a_saved_plan_is_shown_elsewhere_with_the_same_bytes",
    ),
}
"""By number, the tests by module and name. A story (10) plans again after each apply, and nothing is to be done."""


@pytest.mark.parametrize("number", range(1, 27))
def test_every_principle_is_held_by_tests(number: int) -> None:
    for place in HELD_BY[number]:
        module, _, name = place.partition(":")
        path = f"tests.{module}" if "." in module else f"tests.render.test_{module}"
        assert callable(getattr(importlib.import_module(path), name))


def golden(path: Path) -> tuple[dict[str, Any], str]:
    """A golden plan as JSON (what is empty is left out), and its text."""
    return json.loads(path.read_text()), path.with_suffix("").with_suffix(".plan.txt").read_text()


every_golden = pytest.mark.parametrize("path", GOLDENS, ids=lambda path: f"{path.parent.name}-{path.name[0]}")


def test_there_are_twenty_five_stories_in_every_format() -> None:
    for form in FORMATS:
        assert len({path.parent for path in STORIES.glob(f"*/*.plan.{form}")}) >= 25, form


# 1 to 4: verdict, counting, order, danger


@every_golden
def test_the_first_lines_of_every_golden_plan_suffice(path: Path) -> None:
    told, text = golden(path)
    if "no changes" in text.splitlines()[0]:
        assert not told.get("changes")
        return
    first, worst = text.splitlines()[:2]
    counts = told["summary"]
    assert f"{counts.get('delete', 0)} delete, {counts.get('replace', 0)} replace" in first
    if counts.get("delete") or counts.get("replace"):
        assert re.search("DELETE|REPLACE|BLOCKED", worst)
    elif any(change.get("effect") == "rollout" for change in told["changes"]):
        assert re.search("RESTART|BLOCKED", worst)


@every_golden
def test_a_replacement_counts_once_in_every_golden_plan(path: Path) -> None:
    told, _ = golden(path)
    listed = [change["action"] for change in told.get("changes", ())]
    counts = {action: count for action, count in told.get("summary", {}).items() if action != "no_op"}
    assert {action: listed.count(action) for action in listed} == counts
    assert len({change["address"] for change in told.get("changes", ())}) == len(listed)


@every_golden
def test_changes_of_every_golden_plan_come_by_wave_risk_and_name(path: Path) -> None:
    risks = ["delete", "replace", "update", "adopt", "create"]
    keys = [
        (
            change.get("wave", 0),
            risks.index(action) if (action := change["action"]) in risks else 5,
            change["address"],
        )
        for change in golden(path)[0].get("changes", ())
    ]
    assert keys == sorted(keys)


@every_golden
def test_danger_of_every_golden_plan_is_lifted_out(path: Path) -> None:
    told, text = golden(path)
    box, _, _ = text.partition("\nWAVE ")
    box = re.sub(r"\s+", " ", box)
    for change in told.get("changes", ()):
        if change["action"] in ("delete", "replace") or change.get("effect") == "rollout":
            assert change["address"] in box or " more " in box
            assert all(hazard["code"] in box for hazard in change.get("hazards", ()))


# 8, 9: digests, unknowns


def test_digests_are_short_and_told_apart() -> None:
    text = (STORIES / "image_moves" / "2.plan.txt").read_text()
    assert re.search(r"story-api@sha256:[0-9a-f]{12} → story-api@sha256:[0-9a-f]{12}\b", text)
    assert "tag 05a8749c02c1" in text
    assert "version 1.9.0, commit 4e02ab1c07d9, built " in text


@every_golden
def test_what_is_unknown_names_its_step_and_ids_of_new_things_are_not_printed(path: Path) -> None:
    told, text = golden(path)
    unknown = [
        (change, attribute)
        for change in told.get("changes", ())
        for attribute in change.get("attributes", ())
        if attribute.get("unknown")
    ]
    outputs = [one for one in told.get("outputs", {}).values() if one.get("unknown")]
    assert all(one["known_after"] for one in (*(attribute for _, attribute in unknown), *outputs))
    made_new = [
        one for one in unknown if one[0]["action"] == "create" and one[1]["source"] == one[0]["source"]
    ]
    told_of = re.findall(r"known after \w+\.", text)
    assert len(told_of) <= len(unknown) - len(made_new) + len(outputs)


# 13, 14: drift, rollouts


@every_golden
def test_drift_of_every_golden_plan_has_its_verb(path: Path) -> None:
    told, text = golden(path)
    if told.get("drift"):
        shown = re.sub(r"\s+", " ", text[text.index("\nDRIFT (") :])
        assert re.search("will be set to|will be kept|will be made again", shown)


@every_golden
def test_every_rollout_is_told_step_by_step(path: Path) -> None:
    told, text = golden(path)
    for change in told.get("changes", ()):
        rollout = change.get("details", {}).get("rollout")
        if rollout:
            assert rollout["seconds"] == rollout["steps"][-1]["ends_after"] > 0
            assert f"rollout {rollout['kind']}, " in re.sub(r"\s+", " ", text)
            assert len(re.findall(r"^ +step \d", text, re.MULTILINE)) >= len(rollout["steps"])


# 16, 20: why, length


def test_why_is_one_command_away() -> None:
    assert "why          reconciler explain application.jobs -e production" in render_plan(
        shop_plan(), Style()
    )
    saved = render_plan(shop_plan(), Style(plan_file="plan.json"))
    assert "why          reconciler explain application.jobs plan.json" in saved


@every_golden
def test_one_golden_change_is_at_most_forty_lines(path: Path) -> None:
    told, text = golden(path)
    if len(told.get("changes", ())) == 1:
        assert len(text.splitlines()) <= 40


# 17, 18, 26: every format

RENDERERS: dict[str, Callable[[Plan], str]] = {
    "text": lambda of: render_plan(of, Style()),
    "full": lambda of: render_plan(of, Style(detail="full")),
    "markdown": render_markdown,
    "html": render_html,
    "json": plan_json,
}
every_format = pytest.mark.parametrize("form", RENDERERS)


@every_format
def test_no_secret_in_any_format(form: str) -> None:
    """Values that the planner marks as sensitive never enter a plan; where one did, no text shows it."""
    if form != "json":
        shown = RENDERERS[form](random_plan(7, 300))
        assert "hunter2" not in shown
    for path in GOLDENS:
        for sibling in path.parent.glob(f"{path.name[0]}.plan.*"):
            assert not re.search("hunter|s3cret|first-value|second-value", sibling.read_text())


def test_a_changed_secret_is_seen_to_be_changed() -> None:
    told, text = golden(STORIES / "secret_rotated" / "2.plan.json")
    [secret] = [change for change in told["changes"] if change["kind"] == "secret"]
    assert secret["attributes"][0]["sensitive"]
    assert "(sensitive, changed)" in text


@every_format
def test_same_plan_same_bytes_in_every_format(form: str) -> None:
    assert RENDERERS[form](random_plan(11, 200)) == RENDERERS[form](random_plan(11, 200))


@every_format
def test_what_is_read_back_is_printed_with_the_same_bytes(form: str) -> None:
    of = random_plan(13, 200, hostile=False)
    assert RENDERERS[form](decode_plan(plan_json(of).encode())) == RENDERERS[form](of)


def test_nothing_to_do_is_a_line_whatever_it_costs() -> None:
    idle = replace(plan(unchanged=3), cost=shop_plan().cost)
    assert render_plan(idle, Style()).count("\n") == 1
