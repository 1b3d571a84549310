from __future__ import annotations

import pytest

from reconciler.engine.waves import in_waves
from reconciler.errors import PlanError
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Step, StepKey

A, B, C, OLD = (
    StepKey(ResourceAddress("thing", key, replaced=replaced), operation)
    for key, replaced, operation in (
        ("a", "", "create"),
        ("b", "", "update"),
        ("c", "", "create"),
        ("a", "id", "delete"),
    )
)


def waves(*steps: Step) -> dict[StepKey, int]:
    return {key: step.wave for key, step in in_waves({step.key: step for step in steps}).items()}


def test_each_comes_after_what_it_waits_for() -> None:
    assert waves(Step(C, (B,), ()), Step(B, (A,), ()), Step(A, (), ())) == {A: 1, B: 2, C: 3}


def test_a_preference_gives_way_where_it_closes_a_loop() -> None:
    assert waves(Step(A, (), (B,)), Step(B, (A,), ()), Step(C, (), (A,))) == {A: 1, C: 1, B: 2}


def test_what_was_replaced_goes_first_where_its_successor_needs_its_place() -> None:
    assert waves(Step(A, (OLD,), ()), Step(OLD, (A, B, C), ()), Step(B, (A,), ()), Step(C, (), ())) == {
        C: 1,
        OLD: 2,
        A: 3,
        B: 4,
    }


def test_what_goes_first_leaves_its_user_alone_where_there_is_no_other_order() -> None:
    gone, place = (
        StepKey(ResourceAddress("thing", "gone"), "delete"),
        StepKey(ResourceAddress("thing", "a"), "delete"),
    )
    steps = Step(A, (place,), ()), Step(place, (gone,), ()), Step(gone, (B,), ()), Step(B, (A,), ())
    assert waves(*steps) == {gone: 1, place: 2, A: 3, B: 4}


def test_a_memory_with_a_loop_keeps_nobody_from_deleting() -> None:
    gone = [StepKey(ResourceAddress("thing", key), "delete") for key in "ab"]
    assert waves(Step(gone[0], (gone[1],), ()), Step(gone[1], (gone[0],), ())) == dict.fromkeys(gone, 1)


def test_what_cannot_be_ordered_is_named() -> None:
    with pytest.raises(PlanError, match=r"wait for each other: .*thing\.a.*thing\.b"):
        waves(Step(A, (B,), ()), Step(B, (A,), ()), Step(C, (A,), ()))
