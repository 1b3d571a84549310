from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from reconciler.model.address import ResourceAddress
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.event import StepBegun, StepLeftUnsettled
from reconciler.model.plan import Plan
from reconciler.model.resource import Pending, Prior
from reconciler.model.value import Secret
from reconciler.render.machine import diagnostics_json, event_json, plan_json, plan_summary, render_json
from reconciler.storage.codec import decode_plan, encode_plan
from tests.render.plans import COST, attribute, change, plan, plans, random_plan, shop_plan

API = ResourceAddress("application", "api")


@given(plans(20))
def test_the_json_is_the_plan_and_the_same_bytes_every_time(of: Plan) -> None:
    text = plan_json(of)
    assert text == plan_json(of)
    assert json.loads(text.encode()) == json.loads(render_json(of).encode())


@given(plans(20, hostile=False))
def test_what_is_printed_can_be_read_back_and_is_what_would_be_saved(of: Plan) -> None:
    assert json.loads(plan_json(of)) == json.loads(encode_plan(of))
    assert decode_plan(plan_json(of).encode()) == decode_plan(encode_plan(of))


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ({"b": [{"d": 1, "c": None}], "a": (1.5, True)}, '{"a": [1.5, true], "b": [{"c": null, "d": 1}]}'),
        ({"b": "\ud800", "a": 1}, '{"a": 1, "b": "\\ud800"}'),
        ({2: "x", 1: 2**70}, f'{{"1": {2**70}, "2": "x"}}'),
        ("ä\x01\u2028", '"ä\\u0001\u2028"'),
    ],
)
def test_a_value_is_written_in_one_way_however_odd(value: Any, line: str) -> None:
    assert f'"before": {line}, "after"' in plan_json(plan(change("a.b", "update", attribute("x", value, 1))))


def test_a_change_is_a_line() -> None:
    lines = plan_json(shop_plan()).splitlines()
    assert sum('"address": "application.api", "kind"' in line for line in lines) == 1
    assert all(line.startswith(("{", "}", "  ")) for line in lines)


def test_a_summary_of_ten_changes_is_under_two_kilobytes() -> None:
    long = "a-name-of-some-length"
    some = [change(f'application.{long}["{long}{n}"]', "replace", effect="downtime") for n in range(10)]
    text = plan_summary(plan(*some, unchanged=9_000, cost=COST))
    assert len(text.encode()) < 2048
    assert len(json.loads(text)["changes"]) == 10


@given(plans(60, hostile=False))
def test_a_summary_has_room_for_any_plan_and_counts_what_it_leaves_out(of: Plan) -> None:
    text = plan_summary(of)
    told = json.loads(text)
    assert len(text.encode()) < 2048
    assert len(told["changes"]) + told["more"] == sum(one.action != "no_op" for one in of.changes)


def test_a_summary_says_the_worst_first() -> None:
    told = json.loads(plan_summary(shop_plan()))
    assert told["verdict"] == "0 delete, 1 replace, 3 update, 1 create of 47"
    assert told["cost"] == "asleep $0, always on $409 → $1,081 a month (+$672)"
    assert (told["highest_risk"], told["changes"][0]["address"]) == ("REPLACE", "application.jobs")


def test_ten_thousand_changes_are_written() -> None:
    of = random_plan(1, 10_000, hostile=False)
    assert len(json.loads(plan_json(of))["changes"]) == 10_000
    assert len(plan_summary(of).encode()) < 2048


def test_an_event_is_a_line_without_what_nobody_reads() -> None:
    prior = Prior(API, "id-1", "shop-api", attributes={"token": Secret("k:f")})
    begun = json.loads(event_json(StepBegun(API, "update", "op", "2026", prior=prior)))
    assert (begun["event"], begun["address"]) == ("StepBegun", "application.api")
    assert begun["prior"] == {"identity": "id-1", "name": "shop-api"}
    pending = Pending(API, "rollout", {"id": 1}, "2026")
    left = json.loads(event_json(StepLeftUnsettled(API, "update", "op", prior, pending)))
    assert left["prior"] == {"identity": "id-1", "name": "shop-api"}
    assert left["pending"] == {"what": "rollout", "since": "2026"}


def test_findings_and_secrets_are_plain() -> None:
    finding = Diagnostic(Severity.ERROR, "M1", "wrong", "do this", "application.api")
    assert json.loads(diagnostics_json([finding]))["diagnostics"][0]["code"] == "M1"
    assert json.loads(render_json({"a": Secret("k:f"), "b": API})) == {
        "a": "(sensitive)",
        "b": "application.api",
    }
