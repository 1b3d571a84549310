"""What is made of a create that was begun and never ended."""

from __future__ import annotations

from dataclasses import replace

from reconciler.engine.carry import Clock, Memory, draft
from reconciler.engine.recover import recover
from reconciler.model.address import ResourceAddress
from reconciler.model.event import StepBegun, StepRecovered, StepVoided
from reconciler.model.handler import Look, Sighting
from reconciler.model.resource import Observed, Prior
from reconciler.model.state import Intent, State, Tombstone
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
    [event] = recover(state, {"thing": Showing(SEEN)}, CLOCK).events
    assert isinstance(event, StepVoided)


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
