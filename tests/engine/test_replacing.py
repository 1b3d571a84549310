"""Objects whose successor stands beside them: never lost, deleted once nobody uses them, shown as one replacement."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model.address import ResourceAddress
from reconciler.model.resource import Desired
from tests.engine.toys import Bench, ref, thing

OLD = "brick.a (replaced brick-0)"
USER = thing("user", image=ref("a", kind="brick"))


def brick(key: str, name: str) -> Desired:
    return replace(thing(key, kind="brick"), name=name, named_by_default=False)


def named(name: str) -> Desired:
    return brick("a", name)


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.apply(named("one"), USER)
    return made


def test_it_goes_after_its_successor_is_there_and_its_users_have_moved(bench: Bench) -> None:
    assert bench.apply(named("two"), USER) == ["create brick.a", "update thing.user", f"delete {OLD}"]
    assert [it["attributes"]["name"] for it in bench.world.objects.values()] == ["toy-user", "two"]
    assert bench.plan(named("two"), USER).plan.is_empty


def test_a_plan_shows_one_replacement_of_two_steps(bench: Bench) -> None:
    plan = bench.plan(named("two"), USER).plan
    change = next(one for one in plan.changes if one.kind == "brick")
    assert (change.address, change.action, [one.operation for one in change.steps]) == (
        "brick.a",
        "replace",
        ["create", "delete"],
    )
    assert (plan.summary["replace"], plan.summary["delete"], len(plan.changes)) == (1, 0, 2)


@pytest.mark.parametrize("failing", [f"delete {OLD}", "update thing.user"])
def test_one_that_could_not_be_deleted_is_deleted_by_the_next_run(bench: Bench, failing: str) -> None:
    bench.world.failing = {failing}
    bench.apply(named("two"), USER)
    bench.world.failing = set()
    plan = bench.plan(named("two"), USER).plan
    assert [change.address for change in plan.changes][-1] == OLD
    assert plan.allow_needed == ()
    assert bench.apply(named("two"), USER)[-1] == f"delete {OLD}"
    assert bench.plan(named("two"), USER).plan.is_empty
    assert len(bench.world.objects) == 2


def test_replacing_again_takes_both_away(bench: Bench) -> None:
    bench.world.failing = {f"delete {OLD}"}
    bench.apply(named("two"), USER)
    bench.world.failing = set()
    bench.apply(named("three"), USER)
    assert [it["attributes"]["name"] for it in bench.world.objects.values()] == ["toy-user", "three"]


def test_what_is_replaced_takes_its_users_along_and_stays_without_them(bench: Bench) -> None:
    made, user = ResourceAddress("brick", "a"), ResourceAddress("thing", "user")
    for options in ({"targets": (made,)}, {}):
        changes = bench.plan(named("two"), USER, **options).plan.changes
        assert {one.address for one in changes} == {"brick.a", "thing.user"}
    assert bench.plan(named("two"), USER, excludes=(user,)).plan.is_empty


def test_a_leftover_waits_for_users_that_are_left_out(bench: Bench) -> None:
    bench.world.failing = {"update thing.user"}
    bench.apply(named("two"), USER)
    bench.world.failing = set()
    assert bench.plan(named("two"), USER, excludes=(ResourceAddress("thing", "user"),)).plan.is_empty
    left = bench.plan(named("two"), USER, targets=(ResourceAddress("brick", "a"),)).plan.changes
    assert [one.address for one in left] == ["thing.user", OLD]


def test_going_back_to_its_name_deletes_it_first(bench: Bench) -> None:
    bench.world.failing = {f"delete {OLD}"}
    bench.apply(named("two"), USER)
    bench.world.failing = set()
    assert bench.apply(named("one"), USER) == [
        f"delete {OLD}",
        "create brick.a",
        "update thing.user",
        "delete brick.a (replaced brick-2)",
    ]
    assert [it["attributes"]["name"] for it in bench.world.objects.values()] == ["toy-user", "one"]
    assert bench.plan(named("one"), USER).plan.is_empty


def test_two_that_exchange_their_names_go_before_they_come() -> None:
    bench = Bench()
    bench.apply(brick("a", "one"), brick("b", "two"))
    done = bench.apply(brick("a", "two"), brick("b", "one"))
    assert (len(done), done[:2]) == (4, sorted(one for one in done if one.startswith("delete")))
    assert sorted(it["attributes"]["name"] for it in bench.world.objects.values()) == ["one", "two"]
    assert bench.plan(brick("a", "two"), brick("b", "one")).plan.is_empty
    assert len(bench.state.resources) == 2


def test_it_goes_with_its_successor(bench: Bench) -> None:
    bench.world.failing = {f"delete {OLD}"}
    bench.apply(named("two"), USER)
    bench.world.failing = set()
    bench.apply()
    assert bench.world.objects == {}
    assert bench.state.resources == {}


def test_an_address_of_what_was_replaced_can_be_read_again() -> None:
    address = ResourceAddress.parse(OLD)
    assert str(address) == OLD
    assert address.successor == address.block == ResourceAddress("brick", "a")
