"""Why a change happens, and what would keep it from happening: told from the plan alone."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from reconciler.model.plan import Plan, PlannedChange, PlannedDiagnostic, PlannedDrift, RecordedInputs
from reconciler.render.explain import Explanation, explain, explanation_json, explanation_text
from reconciler.render.layout import columns
from reconciler.render.text import Style
from tests.render.plans import NEW, OLD, SECRET, attribute, change, line, plan, plans, shop_plan

IMAGE = change(
    "image.api", "update", attribute("archive", "one", "two", source=line(6, 9)), source=line(6), wave=1
)
USER = change(
    "application.api",
    "update",
    attribute(
        "image",
        OLD,
        NEW,
        source=line(17, 5),
        refers_to=("image.api",),
        expression="${images.api.ref}",
        effect="rollout",
    ),
    attribute("max_instances", 4, 9, source=line(18, 5), effect="hot"),
    effect="rollout",
    wave=2,
)
SHOP = plan(IMAGE, USER)


def one(of: Plan, address: str) -> Explanation:
    [found] = explain(of, [address])
    return found


def said(of: Plan, address: str, **style: Any) -> str:
    return re.sub(r"\s+", " ", explanation_text(of, one(of, address), Style(**style)))


def test_a_reference_is_followed_to_the_line_that_began_it() -> None:
    [image, instances] = one(SHOP, "application.api").grounds
    assert (image.kind, instances.kind) == ("reference", "manifest")
    [origin] = image.origins
    assert (origin.address, origin.source.line) == ("image.api", 6)
    assert [(ground.kind, ground.attribute.path) for ground in origin.grounds] == [("manifest", "archive")]


def test_text_names_attribute_reference_line_and_effect() -> None:
    shown = said(SHOP, "application.api")
    for part in (
        "~ application.api update, rollout, wave 2 containers.yaml:41",
        "it takes its value from image.api by ${images.api.ref} (rollout)",
        "archive one → two containers.yaml:6",
        "rollout because of image; the rest alone would not",
    ):
        assert part in shown


def test_what_would_have_to_be_different_is_said_of_each_attribute() -> None:
    conditions = one(SHOP, "application.api").otherwise
    assert conditions.together == (
        "image.api stayed as it is (`reconciler explain image.api`)",
        "max_instances were 4, as it is now (containers.yaml:18)",
    )
    assert conditions.alone == (
        "`ignore_changes: [image, max_instances]` stood under application.api (containers.yaml:41)",
        "this run left it out, and what waits for it: `--exclude application.api`",
    )


def test_drift_is_told_apart_from_a_wish() -> None:
    drift = PlannedDrift("application.web", "max_instances", 5, 8, "revert", line(61, 5))
    of = plan(change("application.web", "update", attribute("max_instances", 8, 5)), drift=(drift,))
    [ground] = one(of, "application.web").grounds
    assert ground.kind == "drift"
    assert "last applied 5, live 8" in said(of, "application.web")
    assert "the manifest said max_instances 8, as it is now" in said(of, "application.web")


def test_what_nobody_wrote_follows_from_the_rest_and_is_no_condition() -> None:
    derived = attribute("digest", OLD, NEW, source=line(41))
    of = plan(change("image.api", "update", attribute("archive", "one", "two"), derived))
    found = one(of, "image.api")
    assert [ground.kind for ground in found.grounds] == ["manifest", "derived"]
    assert found.otherwise.together == ("archive were one, as it is now (containers.yaml:42)",)
    assert not any("ignore_changes" in condition for condition in found.otherwise.alone)


@pytest.mark.parametrize(
    ("how", "sides", "condition"),
    [
        ("added", (None, "b"), "labels.x were not wanted (containers.yaml:42)"),
        ("removed", ("a", None), "the manifest still said labels.x a (containers.yaml:42)"),
        ("changed", ("a", "b"), "labels.x were a, as it is now (containers.yaml:42)"),
    ],
)
def test_a_condition_fits_what_happens(how: str, sides: tuple[Any, Any], condition: str) -> None:
    of = plan(change("application.a", "update", attribute("labels.x", *sides, how=how)))
    assert one(of, "application.a").otherwise.together == (condition,)


def test_a_secret_is_explained_without_its_value() -> None:
    of = plan(change("secret.a", "update", attribute("value", SECRET, SECRET, sensitive=True, how="changed")))
    assert SECRET not in explanation_text(of, one(of, "secret.a"), Style())
    assert "its fingerprint is another than at the last apply" in said(of, "secret.a")
    assert not any("ignore_changes" in condition for condition in one(of, "secret.a").otherwise.alone)


def test_a_replacement_goes_by_what_forces_it() -> None:
    of = plan(
        change(
            "application.jobs",
            "replace",
            attribute("class_name", "A", "B", forces_replacement=True),
            attribute("labels.x", "1", "2"),
        )
    )
    found = one(of, "application.jobs").otherwise
    assert found.together == ("class_name were A, as it is now (containers.yaml:42)",)
    assert found.alone[0].startswith("`ignore_changes: [class_name]`")


def test_what_is_watched_need_not_be_watched() -> None:
    watched = attribute(
        'rollout_on["secret.a"]', 1, 2, refers_to=("secret.a",), expression="${secrets.a.revision}"
    )
    of = plan(change("secret.a", "update"), change("application.a", "update", watched))
    assert one(of, "application.a").grounds[0].why == "it watches secret.a by ${secrets.a.revision}"
    assert (
        'rollout_on["secret.a"] were not watched (containers.yaml:42)'
        in one(of, "application.a").otherwise.alone
    )


@pytest.mark.parametrize(
    ("it", "part"),
    [
        (change("application.a", "create"), "application.a did not stand in the manifest"),
        (change("application.a", "delete"), "application.a stood in containers.yaml"),
        (change("application.a", "forget"), "what exists in the cloud stays in any case"),
        (
            change("application.a", "move", moved_from="application.b"),
            "`moved` did not say that application.b",
        ),
        (change("application.a", "adopt"), "neither `adopt: true` nor `imports`"),
        (change("application.a", "update"), "what an earlier run left undone were done"),
        (change("application.a", "resume"), "what an earlier run began were over"),
        (change("application.a", "refused"), "take it over with `adopt: true`"),
    ],
)
def test_every_action_has_its_conditions(it: PlannedChange, part: str) -> None:
    finding = PlannedDiagnostic(
        "error", "P115", "it is there", "take it over with `adopt: true`", "application.a"
    )
    of = plan(it, diagnostics=(finding,))
    assert part in said(of, "application.a")
    assert "P115 error it is there" in said(of, "application.a")


def test_what_was_asked_for_on_the_command_line_is_named() -> None:
    asked = RecordedInputs(options={"destroy": True, "replace": ["application.b"]})
    of = plan(change("application.a", "delete"), change("application.b", "replace"), inputs=asked)
    assert "nobody asked for everything to be removed (`destroy`)" in said(of, "application.a")
    assert "nobody asked for it: `--replace application.b`" in said(of, "application.b")


def test_what_does_not_change_is_explained_too() -> None:
    kept = PlannedDrift("application.a", "max_instances", 4, 9, "keep", line(19, 5))
    of = plan(change("application.a", "no_op", reason=""), drift=(kept,))
    shown = said(of, "application.a")
    assert shown.startswith("application.a unchanged containers.yaml:41 what is there is what is wanted")
    assert "last applied 4, live 9; is kept: ignore_changes" in shown
    assert "IT WOULD NOT HAPPEN" not in shown


def test_who_was_moved_is_found_by_both_addresses() -> None:
    of = plan(change("application.new", "move", moved_from="application.old"))
    assert one(of, "application.old") == one(of, "application.new")
    assert explain(of, ["application.other"]) == []


def test_edges_tell_more_than_the_plan_does() -> None:
    of = plan(change("application.a", "no_op"))
    [found] = explain(of, ["application.a"], {"application.a": ("image.a",)})
    assert "waits for image.a" in re.sub(r"\s+", " ", explanation_text(of, found, Style()))


def test_json_holds_what_text_holds() -> None:
    [told] = json.loads(explanation_json(explain(SHOP, ["application.api"])))["explanations"]
    assert (told["address"], told["action"], told["effect_because_of"]) == (
        "application.api",
        "update",
        ["image"],
    )
    [image, _] = told["because"]
    assert (image["kind"], image["attribute"]["expression"]) == ("reference", "${images.api.ref}")
    assert image["origins"][0]["because"][0]["attribute"]["source"]["line"] == 6
    assert len(told["would_not_happen_if"]["all_of"]) == 2


def test_references_in_a_circle_end() -> None:
    a, b = (
        change(f"application.{x}", "update", attribute("x", 1, 2, refers_to=(f"application.{y}",)))
        for x, y in ("ab", "ba")
    )
    assert "application.b update: something changes" in said(plan(a, b), "application.a")
    assert explanation_json(explain(plan(a, b), ["application.a"]))


@settings(deadline=None)
@given(plans(20))
def test_any_change_is_explained_harmlessly_within_the_width(of: Plan) -> None:
    for each in of.changes:
        [found, *_] = explain(of, [each.address])
        shown = explanation_text(of, found, Style(width=80))
        assert shown == explanation_text(of, found, Style(width=80))
        assert SECRET not in shown
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e\ud800-\udfff]", shown)
        assert SECRET not in explanation_json([replace(found, grounds=())])


@given(plans(12, hostile=False))
def test_it_fits_the_width(of: Plan) -> None:
    for each in of.changes:
        for row in explanation_text(of, one(of, each.address), Style(width=80)).splitlines():
            assert columns(row) <= 80, row


def test_the_shop_is_explained() -> None:
    assert "class_name Jobs → JobsV2 forces replacement containers.yaml:90" in said(
        shop_plan(), "application.jobs"
    )
