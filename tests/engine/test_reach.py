"""What is reached from a change."""

from __future__ import annotations

import pytest

from reconciler.engine import reach
from reconciler.engine.reach import Reaches
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Action, Change
from reconciler.model.plan import PlannedReach
from reconciler.model.resource import Prior

IMAGE, WORKER, API, JOB = (ResourceAddress("thing", key) for key in ("image", "worker", "api", "job"))
EDGES = {
    IMAGE: frozenset[ResourceAddress](),
    WORKER: frozenset([IMAGE]),
    API: frozenset([WORKER, IMAGE]),
    JOB: frozenset([API]),
}


def reached(action: Action, start: ResourceAddress, **actions: Action) -> PlannedReach | None:
    changes = {one: Change(one, actions.get(one.key, Action.NO_OP)) for one in EDGES}
    changes[start] = Change(start, action)
    return Reaches(changes, EDGES).of(changes[start])


def test_everything_that_depends_on_it_is_reached_the_nearest_first() -> None:
    found = reached(Action.UPDATE, IMAGE, api=Action.UPDATE)
    assert found == PlannedReach(3, 1, ("thing.api", "thing.worker", "thing.job"))


@pytest.mark.parametrize("action", [Action.CREATE, Action.NO_OP, Action.FORGET, Action.MOVE])
def test_what_is_new_or_left_alone_reaches_nothing(action: Action) -> None:
    assert reached(action, IMAGE) is None


def test_what_nobody_depends_on_reaches_nothing() -> None:
    assert reached(Action.DELETE, JOB) is None


def test_who_depended_on_it_until_now_is_reached_too() -> None:
    gone = ResourceAddress("thing", "gone")
    user = Change(API, Action.UPDATE, prior=Prior(API, "id", depends_on=(gone,)))
    changes = {API: user, gone: Change(gone, Action.DELETE)}
    assert Reaches(changes, {API: frozenset()}).of(changes[gone]) == PlannedReach(1, 1, ("thing.api",))


def test_loops_of_memory_and_manifest_end() -> None:
    back = Change(IMAGE, Action.UPDATE, prior=Prior(IMAGE, "id", depends_on=(JOB,)))
    found = Reaches({IMAGE: back}, EDGES).of(back)
    assert found is not None
    assert found.count == 3


def test_many_are_named_in_part_and_counted_as_far_as_there_is_patience(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    edges = {ResourceAddress("thing", f"a{n:03}"): frozenset([IMAGE]) for n in range(100)}
    change = Change(IMAGE, Action.UPDATE)
    found = Reaches({IMAGE: change}, edges).of(change)
    assert found is not None
    assert (found.count, len(found.nearest), found.more) == (100, 20, False)
    chain = {
        ResourceAddress("thing", f"a{n}"): frozenset([ResourceAddress("thing", f"a{n - 1}")])
        for n in range(1, 99)
    }
    monkeypatch.setattr(reach, "_PATIENCE", 10)
    first = Change(ResourceAddress("thing", "a0"), Action.UPDATE)
    partly = Reaches({first.address: first}, chain).of(first)
    assert partly is not None
    assert (partly.count, partly.more) == (10, True)
