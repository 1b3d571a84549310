"""The principles of the plan's text, each with its check."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.plan import (
    PendingStep,
    Plan,
    PlannedChange,
    PlannedDiagnostic,
    PlannedDrift,
    PlannedHazard,
    PlannedOutput,
    PlannedStep,
)
from reconciler.render.layout import columns
from reconciler.render.text import Style, render_plan
from tests.render.plans import SECRET, attribute, change, line, plan, plans, random_plan, shop_plan

DETAILS = ("names", "changes", "full")


def text(of: Plan, **style: object) -> str:
    return render_plan(of, Style(**style))  # type: ignore[arg-type]


def position(whole: str, part: str) -> int:
    assert part in whole, f"{part!r} is missing"
    return whole.index(part)


# verdict


@given(plans(30, hostile=False), st.sampled_from(DETAILS), st.sampled_from((80, 100)))
def test_three_lines_suffice_to_know_whether_anything_ends(of: Plan, detail: str, width: int) -> None:
    if of.is_empty:
        return
    head = " ".join(text(of, detail=detail, width=width).split("\n")[:4])
    for action in ("delete", "replace"):
        assert f"{of.summary[action]} {action}" in re.sub(r"\s+", " ", head)


def test_the_verdict_names_environment_counts_and_the_worst() -> None:
    verdict, worst, aside = text(shop_plan()).splitlines()[:3]
    assert verdict == "shop/production: 0 delete, 1 replace, 3 update, 1 create of 47"
    assert worst.startswith("highest risk: REPLACE of application.jobs; RESTART of application.api")
    assert aside.startswith("42 unchanged, 1 drifted, 1 warning; containers.yaml")


def test_where_nothing_runs_less_well_it_says_so() -> None:
    assert "highest risk: none, nothing that runs is stopped" in text(plan(change("image.a", "create")))


def test_what_is_blocked_is_the_worst() -> None:
    hazard = PlannedHazard("DELETES_DATA", "blocked", "its data goes")
    of = plan(change("application.a", "delete"), change("worker.edge", hazards=(hazard,)))
    assert "highest risk: BLOCKED (DELETES_DATA) UPDATE of worker.edge; DELETE of application.a" in text(of)
    assert "apply needs  --allow DELETES_DATA:worker.edge" in text(of)


@pytest.mark.parametrize("detail", DETAILS)
def test_no_change_is_one_line(detail: str) -> None:
    assert (
        text(plan(unchanged=47), detail=detail) == "shop/production: no changes (47 resources, state #118)\n"
    )


def test_without_changes_drift_and_findings_are_still_told() -> None:
    shown = text(plan(unchanged=3, drift=(PlannedDrift("application.a", "x", 1, 2, "keep"),)))
    assert shown.startswith("shop/production: no changes")
    assert "will be kept: ignore_changes" in shown
    assert "Apply" not in shown


# danger


def test_danger_stands_above_the_details_with_cause_and_line() -> None:
    shown = text(shop_plan())
    box = shown[position(shown, "! ATTENTION") : position(shown, "WAVE 1")]
    for part in (
        "application.jobs  replace (delete, then create), downtime: class_name cannot be changed in place",
        "containers.yaml:90",
        "DOWNTIME: 3 running instances stop",
        "RESTARTS_INSTANCES: 14 running instances",
        "secret.stripe-key",
    ):
        assert part in box


def test_equal_dangers_are_one() -> None:
    some = [change(f"application.a{n}", "delete", reason="not in the manifest any more") for n in range(50)]
    shown = text(plan(*some), width=200)
    assert "application.a0, application.a1, application.a2 and 47 more  delete" in shown


def test_every_deletion_is_named() -> None:
    some = [change(f"application.a{n}", "delete", reason="gone") for n in range(50)]
    shown = re.sub(r"\s+", " ", text(plan(*some)))
    assert all(re.search(rf"\ba{n}\b", shown) for n in range(50))


# order


@given(plans(30, hostile=False))
def test_waves_come_in_the_order_of_execution_and_memory_last(of: Plan) -> None:
    titles = re.findall(r"^(?:WAVE (\d+)|IN MEMORY ONLY)", text(of), re.MULTILINE)
    numbers = [int(number) if number else 99 for number in titles]
    assert numbers == sorted(numbers)


def test_a_replacement_counts_once_and_says_both_steps() -> None:
    shown = text(shop_plan())
    assert "± application.jobs" in shown
    assert "replace (delete, then create)" in shown
    assert shown.count("± application.jobs") == 1


# differences


def test_the_cause_of_a_replacement_stands_at_its_attribute() -> None:
    assert re.search(r"class_name  Jobs → JobsV2   forces replacement +:90$", text(shop_plan()), re.MULTILINE)


def test_paths_and_values_are_aligned() -> None:
    of = plan(change("application.a", "update", attribute("a", 1, 2), attribute("longer", 3, 4)))
    assert "\n      a       1 → 2  " in text(of)
    assert "\n      longer  3 → 4  " in text(of)


def test_values_have_their_meaning_and_ratio() -> None:
    shown = text(shop_plan(), width=140)
    assert "basic (1/4 vCPU, 1 GiB, 4 GB) → standard-1 (1/2 vCPU, 4 GiB, 8 GB)" in shown
    assert "10 → 40   (x4)" in shown


def test_what_is_unknown_names_the_step() -> None:
    assert "(known after image.api, wave 1)" in text(shop_plan())


def test_a_new_resource_shows_first_what_the_manifest_says() -> None:
    own = attribute("image", None, "x", source=line(43, 5))
    implied = attribute("instances", None, 0, source=line(41))
    shown = text(plan(change("application.a", "create", own, implied)))
    assert re.search(r"\n      image  x .*:43\n      also   instances 0\n", shown)
    assert "also" not in text(plan(change("application.a", "create", own, implied)), detail="full")


def test_what_is_long_is_cut_and_only_full_shows_all() -> None:
    of = plan(change("application.a", "update", attribute("a", "short", "x" * 900)))
    assert "(900 characters)" in text(of)
    assert "x" * 900 in "".join(text(of, detail="full").split())


@pytest.mark.parametrize(("detail", "is_shown"), [("names", False), ("changes", True), ("full", True)])
def test_detail_says_how_much(detail: str, is_shown: bool) -> None:
    shown = text(shop_plan(), detail=detail)
    assert ("LOG_LEVEL  info → debug" in shown) is is_shown
    assert "~ application.api" in shown


def test_names_are_a_line_for_each_beside_verdict_dangers_and_command() -> None:
    shown = text(shop_plan(), detail="names", width=80)
    waves = shown[position(shown, "WAVE 1") : position(shown, "Apply  ")]
    assert len(re.findall(r"^  +[+~±] .*containers.yaml:\d+$", waves, re.MULTILINE)) == 5
    assert len([row for row in waves.splitlines() if row and not row.startswith("WAVE")]) == 5
    assert not re.search("DRIFT|OUTPUTS|CHECKS|COST|API", shown)


def test_full_says_what_waits_for_what() -> None:
    assert "waits for image.api, secret.stripe-key" in text(shop_plan(), detail="full")


def test_rollout_steps_come_with_instances_and_the_worst_capacity() -> None:
    shown = text(shop_plan())
    assert "capacity never below 7 of 14 (50 %)" in shown
    assert "step 2    50 %   7 of 14 new, at worst 9 serve" in shown


# length


@given(st.integers(0, 10_000), st.booleans(), st.sampled_from((80, 100)))
def test_one_change_among_ten_thousand_is_at_most_forty_lines(seed: int, hostile: bool, width: int) -> None:
    one = random_plan(seed, 1, hostile=hostile, unchanged=9_999)
    alone = replace(one, drift=(), diagnostics=(), pending=(), outputs={})
    assert len(text(alone, width=width).splitlines()) <= 40


def test_equal_changes_are_folded_with_a_count() -> None:
    def app(number: int) -> PlannedChange:
        return change(
            f"application.a{number}", "update", attribute("image", "a", "b"), reason="image changes"
        )

    shown = text(plan(*map(app, range(300))))
    assert "application.a0  and 299 more  update: image changes" in shown
    assert "the same for application.a1" in shown
    assert shown.count("a → b") == 1
    assert text(plan(*map(app, range(300))), detail="full").count("a → b") == 300


def test_two_alike_are_told_apart_where_values_differ() -> None:
    some = [change(f"application.a{n}", "update", attribute("image", "a", f"b{n}")) for n in range(5)]
    assert text(plan(*some)).count("a → b") == 5


def test_a_crowd_that_sets_the_same_things_is_folded_too() -> None:
    some = [change(f"image.a{n}", "create", attribute("tag", None, f"t{n}")) for n in range(500)]
    assert len(text(plan(*some)).splitlines()) < 20


def test_unchanged_is_a_number_and_a_list_only_where_asked_for() -> None:
    assert "9,999" not in text(shop_plan())
    assert "42 unchanged" in text(shop_plan())
    assert "UNCHANGED (1)\n    image.idle" in text(
        plan(change("image.idle", "no_op"), change("image.b", "create"))
    )


# beside the changes


def test_drift_has_its_verb_and_what_it_will_be() -> None:
    assert "application.web  max_instances  live 8, last applied 5: will be set to 5" in text(shop_plan())
    gone = plan(
        change("application.a", "create"), drift=(PlannedDrift("application.a", "", None, None, "revert"),)
    )
    assert "was deleted by somebody else: will be made again" in text(gone)


def test_drift_says_when_and_by_whom_as_far_as_that_is_known() -> None:
    one = PlannedDrift("worker.a", "vars.A", "1", "2", "revert", changed_at="2026-11-18T10:03:07.5Z")
    other = replace(one, address="worker.b", changed_at="2026-11-19T08:00:00Z", changed_by="ops@example.com")
    assert "what the manifest says\n      changed 2026-11-18 10:03 UTC\n" in text(plan(drift=(one,)))
    both = text(plan(drift=(one, other)))
    assert "worker.a, worker.b  vars.A" in both
    assert "      changed 2026-11-19 08:00 UTC by ops@example.com\n" in both


def test_findings_come_with_code_reason_and_fix() -> None:
    shown = text(shop_plan())
    assert "CHECKS  1 warning" in shown
    assert "W014 warning  application.api: LOG_LEVEL=debug in production" in shown
    assert "say info" in shown


def test_outputs_show_what_they_become() -> None:
    outputs = {"a": PlannedOutput(1, 2), "b": PlannedOutput(None, "x"), "c": PlannedOutput("y", None)}
    shown = text(plan(outputs=outputs))
    assert "    a  1 → 2\n  + b  x\n  - c  y\n" in shown


def test_what_an_earlier_run_left_open_is_told() -> None:
    of = plan(pending=(PendingStep("application.a", "create", "2026-11-19", "run"),))
    assert "application.a  create began at 2026-11-19 and never ended" in text(of)


def test_the_requests_to_be_spent_and_the_next_command_end_it() -> None:
    shown = text(shop_plan(), plan_file="plan.json", plan_hash="7c41e9d0a2b8")
    assert (
        "API    about 6 reads and 5 writes of 1,200 per 5 min\nApply  reconciler apply plan.json\n" in shown
    )
    assert shown.splitlines()[-1] == "       plan 7c41e9d0a2b8, good until 2026-11-27 10:00 UTC"


@given(plans(30))
def test_every_change_is_traced_to_its_line(of: Plan) -> None:
    shown = text(of, detail="full", width=160)
    for one in of.changes:
        if one.source.line and one.action != "no_op":
            assert f"containers.yaml:{one.source.line}" in shown


def test_a_value_that_is_wrapped_keeps_its_line() -> None:
    sizes = attribute("instance_type", "basic", "standard-1", source=line(44))
    reference = attribute("image", "a" * 70, "b" * 70, source=line(45))
    shown = text(plan(change("application.api", "update", sizes, reference)), width=80)
    assert re.search(r"→ standard-1 \(.*\) +:44\n", shown)
    assert re.search(r"b \(?.*:45\n|b\n +:45\n", shown)


# for every reader


@given(plans(40), st.sampled_from(DETAILS), st.sampled_from((60, 80, 120)))
def test_nothing_from_outside_is_obeyed_and_no_secret_is_shown(of: Plan, detail: str, width: int) -> None:
    shown = text(of, detail=detail, width=width)
    assert SECRET not in shown
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e\ud800-\udfff]", shown)
    assert not re.search(r"^\s*::|##\[|##vso\[", shown, re.MULTILINE)


@given(plans(40, hostile=False), st.sampled_from((60, 80, 120)))
def test_it_fits_the_width(of: Plan, width: int) -> None:
    saved = {"plan_file": "plan.json", "plan_hash": "7c41e9d0a2b8"}
    plain, typed = text(of, width=width, **saved), text(of, width=width, ascii=True, **saved)
    for row in (*plain.splitlines(), *typed.splitlines()):
        assert columns(row) <= width or row.startswith(("Apply  ", "  why  ")), "commands are copied whole"


def test_names_in_the_box_and_beside_it_fit_the_width() -> None:
    names = [f"application.a-name-of-thirty-signs-{n:03}" for n in range(3)]
    of = plan(*(change(name, "delete") for name in names))
    findings = tuple(PlannedDiagnostic("warning", "W014", "it is loud", address=name) for name in names)
    drifted = tuple(PlannedDrift(name, "max_instances", 5, 8, "revert") for name in names)
    shown = text(replace(of, diagnostics=findings, drift=drifted), width=80)
    assert all(columns(row) <= 80 for row in shown.splitlines() if not row.startswith("  why  "))
    assert all(shown.count(name) >= 4 for name in names[:2])


@given(plans(20))
def test_same_plan_same_bytes_and_times_only_in_the_footer(of: Plan) -> None:
    later = replace(of, created_at="2030-01-01T00:00:00Z", expires_at="2030-01-08T00:00:00Z")
    style = Style(plan_file="plan.json", plan_hash="0" * 12)
    assert render_plan(of, style) == render_plan(of, style)
    assert render_plan(of, style).splitlines()[:-1] == render_plan(later, style).splitlines()[:-1]


@given(plans(20))
def test_colour_only_repeats_what_words_say(of: Plan) -> None:
    plain, coloured = text(of), text(of, colour=True)
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain


@given(plans(20))
def test_ascii_is_ascii(of: Plan) -> None:
    assert text(of, ascii=True).isascii()


def test_waves_begin_with_the_first_and_none_is_left_out() -> None:
    steps = (PlannedStep("delete", 1), PlannedStep("create", 3))
    moved = change("application.a", "replace", wave=3, steps=steps)
    shown = text(plan(change("worker.edge", wave=2), moved), width=80)
    assert re.findall(r"^WAVE (\d)", shown, re.MULTILINE) == ["1", "2", "3"]
    assert "± application.a  delete, the first step of a replacement that stands in wave 3" in shown


def test_a_deletion_that_an_earlier_run_began_is_awaited_in_its_wave() -> None:
    steps = (PlannedStep("resume", 1), PlannedStep("create", 3))
    shown = text(plan(change("worker.edge", wave=2), change("application.a", "create", wave=3, steps=steps)))
    assert "± application.a  an earlier run deletes it: waits until it is gone; it stands in wave 3" in shown
