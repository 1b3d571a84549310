from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.engine.second_look import SecondLook
from reconciler.errors import StalePlanError
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Action, Change, StepKey
from reconciler.model.handler import Look, Sighting
from reconciler.model.resource import Observed

NAMES = tuple(ResourceAddress("thing", f"a{number}") for number in range(20))


def seen(address: ResourceAddress, size: int = 1) -> Observed:
    return Observed(address.key, address.key, {"size": size, "health": "good"})


@dataclass
class World:
    """What there is, and how often it was looked at."""

    found: dict[ResourceAddress, Observed] = field(default_factory=lambda: {it: seen(it) for it in NAMES})
    looks: list[int] = field(default_factory=list)
    now: float = 0.0

    def observe(self, look: Look) -> Sighting:
        self.looks.append(len(look.subjects))
        return Sighting(
            {one.address: self.found[one.address] for one in look.subjects if one.address in self.found}
        )


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def second(world: World) -> SecondLook:
    changes = {it: Change(it, Action.UPDATE, observed=seen(it), wanted={"size": 2}) for it in NAMES}
    blueprint: Any = SimpleNamespace(decided=SimpleNamespace(changes=changes), seen_at=0.0)
    handlers: Any = {"thing": world}
    return SecondLook(blueprint, handlers, lambda: world.now)


def test_within_a_minute_nobody_looks_again(second: SecondLook, world: World) -> None:
    world.now = 60.0
    for address in NAMES:
        second.check(StepKey(address, "update"))
    assert world.looks == []


def test_one_look_serves_all_of_a_kind_for_a_minute(second: SecondLook, world: World) -> None:
    for number, address in enumerate(NAMES):
        world.now = 61.0 + 5 * number
        second.check(StepKey(address, "update"))
    assert world.looks == [20, 20]


@pytest.mark.parametrize("operation", ["update", "delete", "adopt"])
def test_what_was_changed_is_named(second: SecondLook, world: World, operation: str) -> None:
    world.now, world.found[NAMES[3]] = 61.0, seen(NAMES[3], 9)
    second.check(StepKey(NAMES[2], operation))
    with pytest.raises(StalePlanError, match=r"thing\.a3: somebody has changed it"):
        second.check(StepKey(NAMES[3], operation))


def test_what_is_gone_or_only_ails_is_left_to_the_verb(second: SecondLook, world: World) -> None:
    world.now = 61.0
    del world.found[NAMES[3]]
    world.found[NAMES[4]] = Observed("a4", "a4", {"size": 1, "health": "bad"})
    for address in NAMES:
        second.check(StepKey(address, "update"))
    second.check(StepKey(NAMES[0], "create"))
