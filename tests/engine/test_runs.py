from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.engine.runs import as_run, ended_badly, ended_well, held_against, joining
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Action, AttributeChange, Change
from reconciler.model.kind import Kind
from reconciler.model.resource import Desired, Pending, Prior

JOB = ResourceAddress("job", "a")
RUNS = Kind("job", "jobs", (), runs=True)
LASTS = Kind("thing", "things", ())
RAN = Prior(JOB, "1", attributes={"x": 2}, facts={"done": {"x": 1}, "failed": True})
INPUT = AttributeChange(("x",), 1, 2, forces_replacement=True)
META = AttributeChange(("protect",), False, True, state_only=True)


def change(
    action: Action, *attributes: AttributeChange, mode: str = "on_change", prior: Prior = RAN
) -> Change:
    desired = Desired(JOB, {}, settings={"run": mode})
    return Change(JOB, action, desired, prior, attributes=attributes)


def test_inputs_are_held_against_those_of_the_last_good_run() -> None:
    held = held_against(RUNS, RAN)
    assert held is not None
    assert held.attributes == {"x": 1}
    assert held_against(LASTS, RAN) is RAN
    assert held_against(RUNS, None) is None


def test_only_a_good_end_counts() -> None:
    assert ended_well(RUNS, RAN).facts == {"done": {"x": 2}, "failed": False}
    assert ended_badly(RUNS, ended_well(RUNS, RAN)).facts == {"done": {"x": 2}, "failed": True}
    assert ended_well(LASTS, RAN) is RAN
    assert ended_badly(LASTS, RAN) is RAN


@pytest.mark.parametrize(
    ("found", "asked", "action"),
    [
        (change(Action.CREATE, INPUT), False, Action.RUN),
        (change(Action.UPDATE, INPUT, META), False, Action.RUN),
        (change(Action.REPLACE, INPUT), False, Action.RUN),
        (change(Action.REPLACE), True, Action.RUN),
        (change(Action.UPDATE, META), False, Action.UPDATE),
        (change(Action.NO_OP), False, Action.NO_OP),
        (change(Action.NO_OP, mode="always"), False, Action.RUN),  # its last run failed
        (change(Action.UPDATE, INPUT, mode="once"), False, Action.NO_OP),
        (change(Action.REPLACE, INPUT, mode="once"), True, Action.RUN),
        (
            change(Action.UPDATE, INPUT, mode="once", prior=replace(RAN, facts={"failed": True})),
            False,
            Action.RUN,
        ),
        (change(Action.ADOPT, INPUT), False, Action.ADOPT),
        (change(Action.UPDATE, INPUT, prior=Prior(JOB, "1")), False, Action.UPDATE),  # imported
    ],
)
def test_a_change_of_what_runs_is_a_run_or_nothing(found: Change, asked: bool, action: Action) -> None:
    came = as_run(found, asked=asked)
    assert came.action is action
    assert all(not one.forces_replacement for one in came.attributes) or action is not Action.RUN


def test_a_run_under_way_is_watched() -> None:
    pending = Pending(JOB, "job", {}, "")
    found = change(Action.UPDATE, INPUT, prior=replace(RAN, pending=(pending,)))
    came = as_run(found, asked=False)
    assert (came.action, came.pending, came.attributes) == (Action.RESUME, pending, ())


def test_what_always_runs_never_runs_alone() -> None:
    always, idle = change(Action.NO_OP, mode="always"), change(Action.FORGET)
    assert joining([always, idle]) == []
    assert [one.action for one in joining([always, idle, change(Action.UPDATE, INPUT)])] == [Action.RUN]
