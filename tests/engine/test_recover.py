"""What is made of a create that was begun and never ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.engine.carry import Clock, Memory, draft, ready
from reconciler.engine.crew import Started
from reconciler.engine.executor import Run, execute
from reconciler.engine.recover import recover
from reconciler.engine.step_events import failure
from reconciler.errors import InterruptedRunError
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Change
from reconciler.model.event import StepBegun, StepCheckpointed, StepRecovered
from reconciler.model.handler import Look, Result, Sighting, Work
from reconciler.model.resource import Observed, Prior
from reconciler.model.state import Intent, State, Tombstone
from reconciler.model.stop import StopSignal
from tests.engine.toys import Bench, ToyHandler, World, thing

THING = ResourceAddress("thing", "a")
BRICK = ResourceAddress("brick", "a")
CLOCK = Clock(lambda: "2026-01-01T00:00:00.000Z", lambda _: False, lambda _: 100.0)
BEGUN = StepBegun(THING, "create", "op1", "2026-01-01T00:00:00.000Z", natural_key="shop-a")
SEEN = Observed("shop-a", "shop-a", {})


class Showing(ToyHandler):
    """Shows one object to whoever looks for what was begun."""

    def __init__(self, seen: Observed) -> None:
        super().__init__(World())
        self.seen = seen

    def observe(self, look: Look) -> Sighting:
        return Sighting(by_key={one.address: (self.seen,) for one in look.subjects})


class Blind(ToyHandler):
    """Shows nothing, and counts how often it is looked at."""

    looks = 0

    def observe(self, look: Look) -> Sighting:
        self.looks += 1
        return Sighting()


def passing(seconds: list[float], *, stop_after: int = 99) -> Clock:
    """Time that passes only when somebody sleeps."""

    def sleep(pause: float) -> bool:
        seconds.append(pause)
        return len(seconds) > stop_after

    return Clock(lambda: str(sum(seconds)), sleep, lambda at: sum(seconds) - float(at))


def begun(**known: object) -> State:
    return State("lineage", intents={"op1": Intent(BEGUN)}, **known)  # type: ignore[arg-type]


def test_an_id_of_another_kind_is_nobody_elses() -> None:
    ours = {BRICK: Prior(BRICK, "shop-a")}
    state = begun(resources=ours, tombstones=(Tombstone("shop-a", BRICK, "2026-01-01T00:00:00.000Z"),))
    [event] = recover(state, {"thing": Showing(SEEN)}, CLOCK).events
    assert isinstance(event, StepRecovered)


def test_an_object_that_is_known_already_is_not_the_one_that_was_begun() -> None:
    other = ResourceAddress("thing", "b")
    state = begun(resources={other: Prior(other, "shop-a")})
    recovered = recover(state, {"thing": Showing(SEEN)}, CLOCK)
    assert recovered.events == ()
    assert recovered.again == {THING: state.intents["op1"]}


def test_looking_again_for_half_a_minute_is_said_once() -> None:
    said: list[str] = []
    recover(begun(), {"thing": Blind(World())}, replace(CLOCK, on_wait=said.append))
    (line,) = said
    assert line.startswith("begun by a run that was cut off, and not seen yet: thing.a; ")


REPEATED = replace(BEGUN, operation="op2", repeats="op1")
HALF = StepCheckpointed(THING, "op1", "stored", {"where": "there"})


def test_an_attempt_stays_open_until_it_is_repeated_and_hands_on_what_it_reached() -> None:
    state = State("lineage").after([BEGUN, HALF])
    recovered = recover(state, {"thing": Blind(World())}, CLOCK)
    assert state.after(recovered.events) == state
    assert state.after([REPEATED]).intents == {"op2": Intent(REPEATED, {"stored": {"where": "there"}})}


@pytest.mark.parametrize("stopped", [False, True])
def test_a_repeat_names_the_attempt_whose_place_it_takes(stopped: bool) -> None:
    bench, stop = Bench(state=State("lineage").after([BEGUN, HALF])), StopSignal()
    seen: list[object] = []

    class Stopping(ToyHandler):
        def create(self, change: Change, work: Work) -> Result:
            seen.append((work.again, dict(work.before)))
            if stopped:
                raise InterruptedRunError("stopped")
            return super().create(change, work)

    blueprint = bench.plan(thing("a", name="a"))
    again = recover(bench.state, bench.handlers, CLOCK).again
    run = Run("run", "me", CLOCK, stop, lambda gate: "", lambda: "op2", again=again)
    events = [one for batch in execute(blueprint, {"thing": Stopping(bench.world)}, run) for one in batch]
    assert seen == [(True, {"stored": {"where": "there"}})]
    intents = bench.state.after(events).intents
    assert {one: dict(it.checkpoints) for one, it in intents.items()} == (
        {"op2": {"stored": {"where": "there"}}} if stopped else {}
    )


def test_what_was_found_half_done_is_owed() -> None:
    half = Showing(replace(SEEN, owes=("uploaded",)))
    [event] = recover(begun(), {"thing": half}, CLOCK).events
    assert isinstance(event, StepRecovered)
    assert event.prior is not None
    assert event.prior.owes == ("uploaded",)


def test_what_takes_anothers_place_has_no_past_of_its_own() -> None:
    bench = Bench()
    bench.apply(thing("a", name="a", zone="one"))
    blueprint = bench.plan(thing("a", name="a", zone="two"))
    change = blueprint.decided.changes[THING]
    drafted = draft(change, Memory(blueprint.decided.scope, blueprint.waits_for, blueprint.uses))
    assert change.prior is not None
    assert change.prior.applied_by == "tester"
    assert (drafted.identity, drafted.applied_at, drafted.applied_by) == ("", "", "")


@pytest.mark.parametrize(
    ("uniqueness", "waits"), [("listed", True), ("labelled", True), ("conflict", True), ("content", False)]
)
def test_what_only_a_list_can_show_is_looked_for_until_no_list_can_hide_it(
    uniqueness: str, waits: bool
) -> None:
    handler, slept = Blind(World()), list[float]()
    intent = Intent(replace(BEGUN, uniqueness=uniqueness))
    recover(State("lineage", intents={"op1": intent}), {"thing": handler}, passing(slept))
    assert (sum(slept) > 30, handler.looks > 1) == (waits, waits)


def test_stopped_while_looking_it_is_still_to_be_found() -> None:
    state = State("lineage", intents={"op1": Intent(replace(BEGUN, uniqueness="listed"))})
    with pytest.raises(InterruptedRunError):
        recover(state, {"thing": Blind(World())}, passing([], stop_after=1))


@pytest.mark.parametrize(("reached", "is_open"), [({}, False), ({"uploaded": {}}, True)])
def test_what_is_stopped_half_way_stays_open(reached: dict[str, Any], is_open: bool) -> None:
    bench = Bench()
    blueprint = bench.plan(thing("a", name="a"))
    change = blueprint.decided.changes[THING]
    memory = Memory(blueprint.decided.scope, blueprint.waits_for, blueprint.uses)
    [step] = blueprint.steps.values()
    started = Started(ready(step, change, ToyHandler(World()), memory), BEGUN)
    event = failure(step.key, change, InterruptedRunError("stopped"), "", started, reached)
    assert (State("lineage", intents={"op1": Intent(BEGUN)}).after([event]).intents != {}) == is_open
