"""The cost of a plan in words."""

from __future__ import annotations

from dataclasses import replace

from reconciler.model.plan import CostRange
from reconciler.render.costs import cost_changes, cost_grounds, cost_line, cost_moves
from tests.render.plans import COST, plan

NOBODY = replace(COST, changes=())


def test_the_range_is_told_before_and_after() -> None:
    of = plan(cost=COST)
    assert cost_line(of) == "asleep $0, always on $409 → $1,081 a month (+$672)"
    assert cost_moves(of)


def test_what_stays_is_told_once() -> None:
    same = replace(NOBODY, before=CostRange(5.5, 40.25), after=CostRange(5.5, 40.25))
    assert cost_line(plan(cost=same)) == "asleep $5.50, always on $40.25 a month, as before"
    assert not cost_moves(plan(cost=same))


def test_each_resource_is_named_with_its_part_the_largest_first() -> None:
    [api] = COST.changes
    gone = replace(api, address="application.old", after=None)
    more = replace(COST, changes=(gone, api))
    assert list(cost_changes(plan(cost=more))) == [
        "application.api +$672: 10 × basic → 40 × standard-1",
        "application.old -$202: 10 × basic → nothing",
    ]


def test_what_is_not_counted_is_named() -> None:
    partly = replace(NOBODY, after=COST.before, not_counted=("application.managed",))
    assert cost_line(plan(cost=partly)).endswith("a month, as before; not counted: application.managed")
    assert cost_grounds(plan(cost=partly)) == COST.assumptions


def test_without_containers_there_is_no_cost() -> None:
    assert (cost_line(plan()), list(cost_changes(plan())), cost_grounds(plan())) == ("", [], ())


def test_another_currency_is_named() -> None:
    assert "CHF 409 → CHF 1,081" in cost_line(plan(cost=replace(COST, currency="CHF")))
