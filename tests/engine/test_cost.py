"""The cost of a plan, by the formula and the examples of reference 5.3."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.engine.cost import Usage, cost_of, usage_of
from reconciler.engine.prices import Meters, price_table
from reconciler.kinds.shared.sizes import TYPES
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Action, Change
from reconciler.model.plan import CostRange, PlannedCost
from reconciler.model.resource import Desired, Observed

PRICES = price_table()
HOUR = 3600 / PRICES.seconds
ASLEEP = {"namespace": "n", "instance_type": "basic", "max_instances": 10}
ALONE = {"namespace": None, "instance_type": "lite", "instances": 2, "max_instances": 20}


def changed(action: Action, before: Any = None, after: Any = None, **other: Any) -> Change:
    address = ResourceAddress("application", "api")
    return Change(
        address,
        action,
        Desired(address, after, **other) if after is not None else None,
        observed=Observed("id", "api", before) if before is not None else None,
        wanted=after or {},
    )


def cost(*changes: Change) -> PlannedCost:
    found = cost_of(changes, PRICES)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "full", "tenth"),
    [
        ("lite", 5.22, 2.31),
        ("basic", 20.17, 8.50),
        ("standard-1", 53.29, 29.96),
        ("standard-2", 92.90, 46.24),
        ("standard-3", 158.42, 65.11),
        ("standard-4", 288.75, 102.12),
    ],
)
def test_an_instance_costs_what_the_table_says(name: str, full: float, tenth: float) -> None:
    size = PRICES.sizes[name]
    assert PRICES.monthly(Meters(size.vcpu, size.memory_gib, size.disk_gb)) == full
    assert PRICES.monthly(Meters(size.vcpu / 10, size.memory_gib, size.disk_gb)) == tenth


def test_the_table_is_part_of_what_is_installed() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert "engine/prices.json" in project["tool"]["setuptools"]["package-data"]["reconciler"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", PRICES.as_of)


def test_the_documentations_own_example() -> None:
    assert round(PRICES.vcpu_second * 3600 * 0.2, 4) == 0.0144


def test_the_sizes_are_those_that_applications_may_have() -> None:
    told = {name: (one.vcpu, one.memory_gib * 1024, one.disk_gb * 1000) for name, one in PRICES.sizes.items()}
    assert told == TYPES


def test_behind_a_class_everything_may_sleep() -> None:
    found = cost(changed(Action.CREATE, after=ASLEEP))
    assert found.before == CostRange()
    assert (found.after.floor, found.after.ceiling) == (0.0, round(201.66 - 0.225 - 0.45 - 0.0504, 2))


def test_what_stands_alone_is_always_on_and_idles() -> None:
    [one] = cost(changed(Action.CREATE, after=ALONE)).changes
    assert one.after is not None
    assert (one.after.instances, one.after.always_on, one.after.size) == (2, 2, "lite")
    assert one.after.cost == CostRange(3.97, 10.45)


def test_before_and_after_are_told_of_what_changes_only() -> None:
    larger = {**ASLEEP, "instance_type": "standard-1", "max_instances": 40}
    found = cost(changed(Action.UPDATE, ASLEEP, larger), changed(Action.NO_OP, ALONE, ALONE))
    [one] = found.changes
    assert one.before is not None
    assert one.after is not None
    assert (one.before.cost.ceiling, one.after.cost.ceiling) == (201.66, 2131.66)
    assert found.after.ceiling - found.before.ceiling == pytest.approx(1930.0, abs=0.02)
    assert found.before.floor == found.after.floor > 0


def test_what_goes_costs_nothing_and_what_is_forgotten_costs_on() -> None:
    assert cost(changed(Action.DELETE, ASLEEP)).after == CostRange()
    forgotten = cost(changed(Action.FORGET, ASLEEP))
    assert forgotten.before == forgotten.after
    assert not forgotten.changes


def test_a_size_of_ones_own_is_spelled_out() -> None:
    own = {**ASLEEP, "instance_type": {"vcpu": 2, "memory_mib": 8192, "disk_mb": 16000}}
    [one] = cost(changed(Action.CREATE, after=own)).changes
    assert one.after is not None
    assert one.after.size == "2 vCPU, 8 GiB, 16 GB"
    assert one.after.cost.ceiling == 1584.23


@pytest.mark.parametrize(
    "attributes",
    [
        {"scheduling_policy": "durable_object", "namespace": "n"},
        {**ASLEEP, "instance_type": "gigantic"},
        {**ASLEEP, "instance_type": {"vcpu": 1}},
        {**ASLEEP, "max_instances": "many"},
        {**ALONE, "instances": None},
        {**ALONE, "jobs": True},
    ],
)
def test_what_cannot_be_told_is_named(attributes: dict[str, Any]) -> None:
    found = cost(changed(Action.CREATE, after=attributes))
    assert found.not_counted == ("application.api",)
    assert found.after == CostRange()


def test_nothing_is_said_where_nothing_runs_or_somebody_else_pays() -> None:
    assert cost_of([changed(Action.CREATE, after={"name": "an image"})], PRICES) is None
    assert cost_of([changed(Action.NO_OP, ASLEEP, ASLEEP, external=True)], PRICES) is None


@given(st.lists(st.tuples(st.sampled_from(sorted(PRICES.sizes)), st.integers(0, 9_999)), max_size=30))
def test_the_ceiling_is_never_below_the_floor_and_more_costs_more(some: list[tuple[str, int]]) -> None:
    wanted = [{"namespace": None, "instance_type": name, "instances": count} for name, count in some]
    changes = [changed(Action.CREATE, after=one) for one in wanted]
    found = [cost_of(changes[:number], PRICES) for number in range(1, len(changes) + 1)]
    ceilings = [one.after.ceiling for one in found if one]
    assert ceilings == sorted(ceilings)
    assert all(one.after.floor <= one.after.ceiling for one in found if one)


def test_a_deployment_is_one_instance_that_is_always_on() -> None:
    size = PRICES.sizes["lite"]
    assert usage_of({"instance_type": "lite", "location": "sfo06"}, PRICES) == Usage(size, 1, 1)
