"""What is shown and contradicts what we have just done ourselves is looked at again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from reconciler.engine.believing import seen_for_certain
from reconciler.engine.carry import Clock
from reconciler.engine.executor import Run
from reconciler.engine.waiting import Asked, Waiting, WaitingRoom
from reconciler.model.address import ResourceAddress
from reconciler.model.change import StepKey
from reconciler.model.handler import Settled, Sighting
from reconciler.model.resource import Observed, Pending, Prior
from reconciler.model.state import State
from reconciler.model.stop import StopSignal
from tests.engine.toys import ToyHandler, World

THING = ResourceAddress("thing", "a")
OURS = Prior(THING, "thing-0", attributes={"size": 2}, applied_at="0")
NOW = Observed("thing-0", "a", {"size": 2})
BEFORE = replace(NOW, attributes={"size": 1})
HANDLERS = {"thing": ToyHandler(World())}


@dataclass
class Service:
    """Shows what was there before, for so many seconds after our own write."""

    before: Observed | None
    now: Observed | None = NOW
    behind: float = 30.0
    seconds: float = 1.0
    looks: int = 0
    said: list[str] = field(default_factory=list)

    def look(self) -> dict[str, Sighting]:
        self.looks += 1
        seen = self.before if self.seconds <= self.behind else self.now
        return {"thing": Sighting({THING: seen} if seen else {})}

    def pass_time(self, seconds: float) -> bool:
        self.seconds += seconds
        return False

    def seen(self, prior: Prior = OURS) -> Any:
        clock = Clock(str, self.pass_time, lambda at: self.seconds - float(at), self.said.append)
        state = State("lineage", resources={THING: prior})
        return seen_for_certain(self.look, state, HANDLERS, clock)["thing"].by_identity.get(THING)


@pytest.mark.parametrize("before", [None, BEFORE])
def test_an_answer_older_than_our_own_write_is_not_believed(before: Observed | None) -> None:
    service = Service(before)
    assert service.seen() == NOW
    assert 30 < service.seconds < 60
    (said,) = service.said
    assert said.startswith("not yet seen as the last apply left it: thing.a; ")


@pytest.mark.parametrize("after", [None, BEFORE])
def test_what_is_so_after_half_a_minute_was_somebody_else(after: Observed | None) -> None:
    assert Service(after, after).seen() == after


@pytest.mark.parametrize(
    ("prior", "before"),
    [
        (OURS, NOW),
        (replace(OURS, applied_at="-40"), BEFORE),
        (replace(OURS, applied_at=""), BEFORE),
        (replace(OURS, identity=""), None),
        (replace(OURS, pending=(Pending(THING, "deletion", {}, ""),)), None),
    ],
)
def test_one_look_is_enough_otherwise(prior: Prior, before: Observed | None) -> None:
    service = Service(before)
    assert service.seen(prior) == before
    assert (service.looks, service.said) == (1, [])


@pytest.mark.parametrize(("at", "end"), [("0", ""), ("-40", "settled")])
def test_an_end_that_shows_what_was_before_our_write_is_waited_for(at: str, end: str) -> None:
    clock = Clock(str, lambda _: False, lambda at: -float(at))
    run = Run("run", "tester", clock, StopSignal(), lambda gate: gate.choices[0], str)
    room = WaitingRoom(HANDLERS, run, lambda job: None, lambda asked: None)
    pending = Pending(THING, "rollout", {}, "")
    room.enter(Waiting(pending, StepKey(THING, "update"), "op", replace(OURS, applied_at=at)))
    [decision] = room.take(Asked("thing", {THING: Settled(BEFORE)}))
    assert decision.end == end
    assert bool(room) == (not end)
