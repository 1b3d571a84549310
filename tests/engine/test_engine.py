from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.engine.graph import loop_findings
from reconciler.errors import CycleError
from reconciler.model.address import ResourceAddress
from reconciler.model.event import StepFailed, StepSkipped, StepSucceeded
from reconciler.model.resource import Desired, Pending
from reconciler.model.stop import StopSignal
from reconciler.model.value import Secret
from tests.engine.toys import Bench, ref, thing

A, B, C = (ResourceAddress("thing", key) for key in "abc")


def actions(bench: Bench, *wanted: object, **options: object) -> dict[str, str]:
    plan = bench.plan(*wanted, **options).plan  # type: ignore[arg-type]
    return {change.address: change.action for change in plan.changes}


def test_what_is_new_is_created_in_order() -> None:
    bench = Bench()
    calls = bench.apply(thing("b", image=ref("a")), thing("a", size=1))
    assert calls == ["create thing.a", "create thing.b"]
    assert bench.plan(thing("b", image=ref("a")), thing("a", size=1)).plan.is_empty


def test_a_value_that_is_not_known_yet_names_its_step() -> None:
    plan = Bench().plan(thing("b", image=ref("a")), thing("a")).plan
    [unknown] = [it for change in plan.changes for it in change.attributes if it.unknown]
    assert (unknown.path, unknown.known_after, unknown.expression) == ("image", "thing.a", "${things.a.id}")


def test_the_smallest_difference_is_shown() -> None:
    bench = Bench()
    bench.apply(thing("a", size=1, tags={"x": "1", "y": "2"}))
    [change] = bench.plan(thing("a", size=1, tags={"x": "1", "y": "3"})).plan.changes
    assert [(it.path, it.before, it.after) for it in change.attributes] == [("tags.y", "2", "3")]
    assert (change.action, change.effect, change.reason) == ("update", "hot", "tags.y changes")


def test_the_worst_effect_counts() -> None:
    bench = Bench()
    bench.apply(thing("a", size=1, image="x"))
    [change] = bench.plan(thing("a", size=2, image="y")).plan.changes
    assert change.effect == "rollout"
    assert [hazard.code for hazard in change.hazards] == ["RESTARTS_INSTANCES"]


def test_an_immutable_attribute_replaces_and_goes_first() -> None:
    bench = Bench()
    bench.apply(thing("a", zone="eu"))
    assert actions(bench, thing("a", zone="us")) == {"thing.a": "replace"}
    assert bench.apply(thing("a", zone="us")) == ["delete thing.a", "create thing.a"]


def test_dependents_go_before_what_they_depend_on() -> None:
    bench = Bench()
    bench.apply(thing("a"), thing("b", needs=(A,)), thing("c", image=ref("b")))
    assert bench.apply() == ["delete thing.c", "delete thing.b", "delete thing.a"]
    assert bench.state.resources == {}


def test_a_user_is_updated_before_what_it_used_is_deleted() -> None:
    bench = Bench()
    bench.apply(thing("a"), thing("b", image=ref("a"), size=1))
    assert bench.apply(thing("b", image="plain", size=1)) == ["update thing.b", "delete thing.a"]


def test_a_replaced_dependency_replaces_who_cannot_follow() -> None:
    bench = Bench()
    bench.apply(thing("a", zone="eu"), thing("b", zone=ref("a")))
    calls = bench.apply(thing("a", zone="us"), thing("b", zone=ref("a")))
    assert calls == ["delete thing.b", "delete thing.a", "create thing.a", "create thing.b"]


def test_a_running_deletion_is_awaited() -> None:
    bench = Bench()
    bench.apply(thing("a", zone="eu"))
    bench.world.slow_deletes = True
    assert bench.apply(thing("a", zone="us")) == ["delete thing.a", "settle 1", "create thing.a"]


@pytest.mark.parametrize(
    ("wanted", "calls"),
    [
        ((), ["settle 1", "update thing.a"]),
        ((thing("b", needs=(A,)),), ["settle 1", "update thing.a", "create thing.b"]),
    ],
    ids=["gone for good", "made anew"],
)
def test_a_deletion_that_an_earlier_run_began_goes_first_as_well(
    wanted: tuple[Desired, ...], calls: list[str]
) -> None:
    bench = Bench()
    bench.apply(thing("a", size=1), thing("b", needs=(A,)))
    gone = bench.state.resources[B]
    bench.world.objects.pop(gone.identity)
    leaving = replace(gone, pending=(Pending(B, "deletion", {}, ""),))
    bench.state = replace(bench.state, resources={**bench.state.resources, B: leaving})
    assert bench.apply(thing("a", size=2), *wanted) == calls
    assert bench.plan(thing("a", size=2), *wanted).plan.is_empty


def test_after_a_failure_the_independent_go_on() -> None:
    bench = Bench()
    bench.world.failing.add("create thing.a")
    calls = bench.apply(thing("a"), thing("b", needs=(A,)), thing("c"))
    assert sorted(calls) == ["create thing.a", "create thing.c"]
    assert [it.address for it in bench.events if isinstance(it, StepFailed)] == [A]
    assert [(it.address, it.because) for it in bench.events if isinstance(it, StepSkipped)] == [(B, A)]
    bench.world.failing.clear()
    assert bench.apply(thing("a"), thing("b", needs=(A,)), thing("c")) == ["create thing.a", "create thing.b"]


def test_a_change_is_narrowed_when_the_value_turns_out_the_same() -> None:
    bench = Bench()
    bench.apply(thing("a", size=1), thing("b", image=ref("a", "name"), tags={"v": ref("a", "version")}))
    bench.world.objects["thing-0"]["version"] = 0
    calls = bench.apply(
        thing("a", size=2), thing("b", image=ref("a", "name"), tags={"v": ref("a", "version")})
    )
    assert calls == ["update thing.a"]
    assert bench.events[-1].narrowed  # type: ignore[union-attr]


def test_drift_is_seen_and_put_back() -> None:
    bench = Bench()
    bench.apply(thing("a", size=1))
    bench.world.objects["thing-0"]["attributes"] = {"name": "toy-a", "size": 9}
    plan = bench.plan(thing("a", size=1)).plan
    assert [(it.path, it.recorded, it.live, it.verdict) for it in plan.drift] == [("size", 1, 9, "revert")]
    bench.apply(thing("a", size=1))
    assert bench.world.objects["thing-0"]["attributes"]["size"] == 1


def test_what_somebody_else_deleted_is_made_again() -> None:
    bench = Bench()
    bench.apply(thing("a"))
    bench.world.objects.clear()
    assert actions(bench, thing("a")) == {"thing.a": "create"}


@pytest.mark.parametrize(
    ("wanted", "action"), [(thing("a"), "refused"), (thing("a", adopt=True), "adopt")], ids=["plain", "adopt"]
)
def test_what_exists_is_only_taken_over_on_request(wanted: object, action: str) -> None:
    bench = Bench()
    bench.world.objects["x"] = {"kind": "thing", "attributes": {"name": "toy-a"}, "version": 1}
    assert actions(bench, wanted) == {"thing.a": action}


def test_what_waits_for_a_refused_resource_is_skipped_and_the_rest_is_done() -> None:
    bench = Bench()
    bench.world.objects["x"] = {"kind": "thing", "attributes": {"name": "toy-a"}, "version": 1}
    wanted = thing("a"), thing("b", needs=(A,)), thing("c")
    noted = {one.address: one.notes for one in bench.plan(*wanted).plan.changes if one.notes}
    assert noted == {"thing.b": ("it will be skipped, since thing.a is refused",)}
    assert bench.apply(*wanted) == ["create thing.c"]
    assert [(it.address, it.because) for it in bench.events if isinstance(it, StepSkipped)] == [(B, A)]


def test_two_of_one_name_are_listed() -> None:
    bench = Bench()
    for identity in "xy":
        bench.world.objects[identity] = {"kind": "thing", "attributes": {"name": "toy-a"}, "version": 1}
    [finding] = bench.plan(thing("a", adopt=True)).plan.diagnostics
    assert "x" in finding.summary
    assert "y" in finding.summary


def test_protection_outlives_its_block() -> None:
    bench = Bench()
    bench.apply(thing("a", protect=True))
    assert bench.plan().plan.allow_needed == ("--allow PROTECTED:thing.a", "--allow-destroy 1")
    assert bench.apply(thing("a")) == []
    assert bench.plan(options := thing("b")).plan.allow_needed == (), options


def test_what_is_retained_is_only_forgotten() -> None:
    bench = Bench()
    bench.apply(thing("a", retain=True))
    assert bench.apply(thing("b")) == ["create thing.b"]
    assert "thing-0" in bench.world.objects
    assert A not in bench.state.resources


def test_a_secret_is_compared_by_fingerprint_alone() -> None:
    bench = Bench()
    bench.apply(thing("a", password=Secret("k:1", lambda: "hidden")))
    assert bench.state.resources[A].attributes["password"] == {"$secret": "k:1"}
    same, other = Secret("k:1", lambda: "hidden"), Secret("k:2", lambda: "new")
    assert actions(bench, thing("a", password=same)) == {}
    [change] = bench.plan(thing("a", password=other)).plan.changes
    assert [(it.path, it.before, it.after, it.sensitive) for it in change.attributes] == [
        ("password", None, None, True)
    ]


@pytest.mark.parametrize("fingerprint", ["", "otherkey:9"])
def test_a_secret_that_cannot_be_compared_is_no_change(fingerprint: str) -> None:
    bench = Bench()
    bench.apply(thing("a", password=Secret("k:1", lambda: "hidden")))
    assert actions(bench, thing("a", password=Secret(fingerprint))) == {}


def test_a_loop_is_printed_hop_by_hop() -> None:
    with pytest.raises(CycleError) as caught:
        Bench().plan(thing("a", image=ref("c")), thing("b", image=ref("a")), thing("c", image=ref("b")))
    lines = caught.value.message.splitlines()
    assert [line.split("  ")[-1] for line in lines[1:]] == [
        "thing.a.image waits for thing.c",
        "thing.c.image waits for thing.b",
        "thing.b.image waits for thing.a",
    ]


def test_the_shortest_loop_is_told_of_each_tangle() -> None:
    ring = [thing(f"r{n:04}", image=ref(f"r{(n + 1) % 2000:04}")) for n in range(2000)]
    shortcut = thing("r0001", image=ref("r0002"), password=ref("r0000"))
    apart = thing("z", needs=(ResourceAddress("thing", "z"),))
    with pytest.raises(CycleError) as caught:
        Bench().plan(*ring[:1], shortcut, *ring[2:], apart)
    assert [line.split("  ")[-1] for line in caught.value.message.splitlines()] == [
        "2 loops of resources:",
        "thing.r0000.image waits for thing.r0001",
        "thing.r0001.password waits for thing.r0000",
        "thing.z.depends_on waits for thing.z",
    ]


def test_a_loop_is_one_finding_however_long_it_is() -> None:
    ring = [thing(f"r{n:04}", image=ref(f"r{(n + 1) % 2000:04}")) for n in range(2000)]
    (found,) = loop_findings({one.address: one for one in ring})
    assert (found.code, found.address) == ("E321", "thing.r0000")
    assert found.summary.startswith(
        "resources wait for each other: thing.r0000.image waits for thing.r0001, "
    )
    assert found.summary.endswith(", and so on, 2,000 hops")
    assert loop_findings({one.address: one for one in ring[1:]}) == ()


def test_targets_bring_what_they_wait_for_and_excludes_what_waits_for_them() -> None:
    wanted = thing("a"), thing("b", needs=(A,)), thing("c")
    assert set(actions(Bench(), *wanted, targets=(B,))) == {"thing.a", "thing.b"}
    assert set(actions(Bench(), *wanted, excludes=(A,))) == {"thing.c"}


@pytest.mark.parametrize(
    ("wanted", "options", "planned"),
    [
        ((), {"targets": (A,), "destroy": True}, {"a": "delete", "b": "delete"}),
        ((), {"targets": (B,), "destroy": True}, {"b": "delete"}),
        ((), {"excludes": (B,), "destroy": True}, {"c": "delete"}),
        ((), {"excludes": (A,), "destroy": True}, {"b": "delete", "c": "delete"}),
        ((thing("b", size=1), thing("c")), {"targets": (A,)}, {"a": "delete", "b": "update"}),
        ((thing("b", size=1), thing("c")), {"targets": (B,)}, {"b": "update"}),
        ((thing("b", size=1), thing("c")), {"excludes": (B,)}, {}),
        ((thing("b", size=1), thing("c")), {"excludes": (A,)}, {"b": "update"}),
        ((thing("a", zone="us"), thing("b", size=1), thing("c")), {"targets": (A,)}, {"a": "replace", "b": "update"}),
        ((thing("a", zone="us"), thing("b", needs=(A,)), thing("c")), {"targets": (A,)}, {"a": "replace"}),
    ],
)  # fmt: skip
def test_what_goes_takes_along_who_used_it_and_nothing_that_it_used(
    wanted: tuple[Desired, ...], options: dict[str, object], planned: dict[str, str]
) -> None:
    bench = Bench()
    bench.apply(thing("a", zone="eu"), thing("b", needs=(A,)), thing("c"))
    found = bench.plan(*wanted, **options).plan.changes
    assert {one.address.removeprefix("thing."): one.action for one in found} == planned


def test_nothing_new_begins_after_a_wish_to_stop() -> None:
    bench, stop = Bench(), StopSignal()
    stop.ask()
    assert bench.apply(thing("a"), thing("b", needs=(A,)), stop=stop) == []
    assert {it.address for it in bench.events if isinstance(it, StepSkipped)} == {A, B}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=30),
    st.sets(st.integers(0, 11)),
    st.sets(st.integers(0, 11)),
)
def test_any_graph_is_applied_in_order_and_then_there_is_nothing_to_do(
    edges: list[tuple[int, int]], kept: set[int], failing: set[int]
) -> None:
    needs = {number: {b for a, b in edges if a == number and b < number} for number in range(12)}

    def world_of(numbers: set[int]) -> list[object]:
        return [
            thing(f"t{n}", needs=tuple(ResourceAddress("thing", f"t{m}") for m in needs[n] & numbers))
            for n in numbers
        ]

    bench = Bench()
    bench.world.failing = {f"create thing.t{n}" for n in failing}
    everything = world_of(set(range(12)))
    bench.apply(*everything)  # type: ignore[arg-type]
    for number in range(12):
        blocked = any(
            m in failing or ResourceAddress("thing", f"t{m}") not in bench.state.resources
            for m in needs[number]
        )
        expected = number not in failing and not blocked
        assert (ResourceAddress("thing", f"t{number}") in bench.state.resources) == expected
    bench.world.failing = set()
    bench.apply(*everything)  # type: ignore[arg-type]
    assert bench.plan(*everything).plan.is_empty  # type: ignore[arg-type]
    closed = {n for n in kept if needs[n] <= kept}
    calls = bench.apply(*world_of(closed))  # type: ignore[arg-type]
    deleted = [int(call.removeprefix("delete thing.t")) for call in calls if call.startswith("delete")]
    assert set(deleted) == set(range(12)) - closed
    for early, number in enumerate(deleted):
        assert not needs[number] & set(deleted[:early])
    succeeded = [it for it in bench.events if isinstance(it, StepSucceeded)]
    assert succeeded
