"""A rollout played through."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.engine.unrolling import with_forecast


def played(instances: int, reached: list[int], grace: float = 0) -> dict[str, Any]:
    steps = [{"step": number, "instances": new} for number, new in enumerate(reached, 1)]
    rollout: dict[str, Any] = {"instances": instances, "steps": steps, "grace_seconds": grace}
    return dict(with_forecast({"rollout": rollout, "other": 1})["rollout"])


def test_all_that_a_step_replaces_may_be_away_at_once() -> None:
    told = played(14, [2, 7, 14])
    assert [(step["replaced"], step["capacity"]) for step in told["steps"]] == [(2, 12), (5, 9), (7, 7)]
    assert told["worst_capacity"] == 7


def test_steps_follow_each_other_and_spare_the_busy_for_the_grace_period() -> None:
    told = played(4, [1, 4], grace=60)
    assert [(step["starts_after"], step["ends_after"]) for step in told["steps"]] == [(0, 90), (90, 180)]
    assert (told["seconds"], told["longest_seconds"]) == (180, 2 * (60 + 900 + 20))


def test_a_step_that_replaces_nothing_takes_no_time() -> None:
    told = played(1, [1, 1])
    assert [(step["capacity"], step["seconds"]) for step in told["steps"]] == [(0, 30), (1, 0)]


def test_what_is_no_rollout_stays_as_it_is() -> None:
    told: list[dict[str, Any]] = [{}, {"rollout": "soon"}, {"rollout": {"steps": []}}, {"files": ["a"]}]
    for details in told:
        assert with_forecast(details) == details


def test_what_the_kind_said_is_not_touched() -> None:
    rollout = {"instances": 2, "steps": [{"step": 1, "instances": 2}]}
    with_forecast({"rollout": rollout})
    assert rollout == {"instances": 2, "steps": [{"step": 1, "instances": 2}]}


@given(st.integers(0, 500), st.lists(st.integers(0, 100), min_size=1, max_size=20), st.integers(0, 604_800))
def test_every_instance_is_replaced_once_and_time_goes_forward(
    instances: int, shares: list[int], grace: int
) -> None:
    told = played(instances, [instances * share // 100 for share in [*sorted(shares), 100]], grace)
    assert sum(step["replaced"] for step in told["steps"]) == instances
    assert all(0 <= told["worst_capacity"] <= step["capacity"] <= instances for step in told["steps"])
    assert told["seconds"] == sum(step["seconds"] for step in told["steps"])
    assert told["seconds"] <= told["longest_seconds"]
