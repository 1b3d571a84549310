"""A toy kind with a world in memory: proves that the engine knows no kind, and tests it without one."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.engine.carry import Clock
from reconciler.engine.changes import Decided, Facts, Options, decide
from reconciler.engine.executor import Run, execute
from reconciler.engine.graph import Graph, build_graph
from reconciler.engine.planner import Blueprint, Frame, compose_plan, to_come
from reconciler.engine.recover import given_up, recover
from reconciler.engine.refresh import name_resources, observe
from reconciler.engine.replacing import with_replaced
from reconciler.engine.selection import select
from reconciler.engine.steps import build_steps
from reconciler.errors import ProviderError
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Change, Effect, Step, StepKey
from reconciler.model.event import Event
from reconciler.model.handler import Handler, Look, Result, Settled, Sighting, Standing, Work
from reconciler.model.kind import Attribute, Kind, Output
from reconciler.model.manifest import Manifest
from reconciler.model.resource import Desired, Observed, Pending
from reconciler.model.state import State
from reconciler.model.stop import StopSignal
from reconciler.model.value import Ref, Value

THING = Kind(
    name="thing",
    section="things",
    attributes=(
        Attribute("name", {"type": "string"}, replaces=True),
        Attribute("size", {"type": "integer"}, effect=Effect.HOT),
        Attribute("image", {"type": "string"}, effect=Effect.ROLLOUT),
        Attribute("zone", {"type": "string"}, replaces=True),
        Attribute("tags", {"type": "object"}),
        Attribute("password", {"type": "string"}, secret=True, write_only=True),
    ),
    outputs=(Output("id"), Output("name"), Output("version", stable=False)),
)
BRICK = replace(THING, name="brick", section="bricks", harmless=True, create_first=True)


@dataclass(slots=True)
class World:
    """What exists, and every call that was made."""

    objects: dict[str, dict[str, Value]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    failing: set[str] = field(default_factory=set)
    slow_deletes: bool = False
    numbers: itertools.count[int] = field(default_factory=itertools.count)


class ToyHandler(Handler):
    """Keeps objects in a dict."""

    def __init__(self, world: World, kind: Kind = THING) -> None:
        self.world = world
        self.kind = kind

    def observe(self, look: Look) -> Sighting:
        mine = {key: it for key, it in self.world.objects.items() if it["kind"] == self.kind.name}
        return Sighting(
            {one.address: self._seen(one.identity) for one in look.subjects if one.identity in mine},
            {
                one.address: tuple(
                    self._seen(key) for key, it in mine.items() if it["attributes"]["name"] == one.name
                )
                for one in look.subjects
            },
        )

    def _seen(self, identity: str) -> Observed:
        it = self.world.objects[identity]
        name = it["attributes"]["name"]
        outputs = {"id": identity, "name": name, "version": it["version"]}
        return Observed(identity, name, it["attributes"], outputs, str(it["version"]))

    def _call(self, verb: str, change: Change) -> None:
        self.world.calls.append(f"{verb} {change.address}")
        if f"{verb} {change.address}" in self.world.failing:
            raise ProviderError("refused", status=400)

    def create(self, change: Change, work: Work) -> Result:
        self._call("create", change)
        identity = f"{self.kind.name}-{next(self.world.numbers)}"
        attributes = {key: value for key, value in change.wanted.items() if key != "password"}
        self.world.objects[identity] = {"kind": self.kind.name, "attributes": attributes, "version": 1}
        return Result(self._seen(identity))

    def update(self, change: Change, work: Work) -> Result:
        self._call("update", change)
        assert change.observed is not None
        it = self.world.objects[change.observed.identity]
        attributes = {key: value for key, value in change.wanted.items() if key != "password"}
        it["attributes"] = {**it["attributes"], **attributes}
        it["version"] += 1
        return Result(self._seen(change.observed.identity))

    def delete(self, change: Change, work: Work) -> Pending | None:
        self._call("delete", change)
        assert change.observed is not None
        self.world.objects.pop(change.observed.identity)
        if self.world.slow_deletes:
            return Pending(change.address, "deletion", {"id": change.observed.identity}, "")
        return None

    def settle(self, waiting: Sequence[Pending]) -> Mapping[ResourceAddress, Standing]:
        self.world.calls.append(f"settle {len(waiting)}")
        return {one.address: Settled(None) for one in waiting}


CLOCK = Clock(lambda: "2026-01-01T00:00:00.000Z", lambda _: False, lambda _: 100.0)
_NO_OPTIONS: Mapping[str, object] = {}


@dataclass(slots=True)
class Bench:
    """A world, a state and handlers; plans and applies sets of Desired."""

    world: World = field(default_factory=World)
    state: State = field(default_factory=lambda: State("lineage", project="toy"))
    events: list[Event] = field(default_factory=list)
    batches: int = 0
    operations: itertools.count[int] = field(default_factory=itertools.count)
    steps: Mapping[StepKey, Step] = field(default_factory=dict)  # of the last apply

    @property
    def handlers(self) -> dict[str, Handler]:
        return {"thing": ToyHandler(self.world), "brick": ToyHandler(self.world, BRICK)}

    def plan(self, *wanted: Desired, **options: object) -> Blueprint:
        chosen = Options(**options)  # type: ignore[arg-type]
        resources = name_resources({one.address: one for one in wanted}, self.state.resources, self.handlers)
        graph = build_graph(resources)
        return self.blueprint(resources, graph, self.decide(resources, graph, chosen), chosen)

    def decide(self, resources: dict[ResourceAddress, Desired], graph: Graph, options: Options) -> Decided:
        sightings = observe(resources, self.state.resources, self.handlers, graph.waits_for)
        decided = decide(Facts(resources, self.state, sightings, self.handlers, graph, options))
        decided = select(decided, graph.waits_for, options)
        return replace(decided, changes=with_replaced(decided.changes, self.handlers))

    def blueprint(
        self, resources: dict[ResourceAddress, Desired], graph: Graph, decided: Decided, options: Options
    ) -> Blueprint:
        steps = build_steps(decided.changes, graph.waits_for, self.handlers)
        manifest = Manifest("containers.yaml", "0" * 64, "toy", None, "0" * 32, resources)
        frame = Frame(manifest, self.state, "0", "2026-01-01", "2026-01-08", is_destroy=options.destroy)
        plan = compose_plan(decided, steps, self.handlers, frame)
        return Blueprint(plan, decided, steps, manifest, graph.waits_for, graph.uses)

    def apply(
        self,
        *wanted: Desired,
        stop: StopSignal | None = None,
        parallelism: int = 4,
        batches: int | None = None,
        options: Mapping[str, object] = _NO_OPTIONS,
    ) -> list[str]:
        """Recovers, plans and applies, cut off after so many batches of events; gives the calls that were made."""
        before = len(self.world.calls)
        recovered = recover(self.state, self.handlers, CLOCK)
        self.take(recovered.events)
        blueprint = self.plan(*wanted, **options)
        self.steps = blueprint.steps
        run = Run(
            "run",
            "tester",
            CLOCK,
            stop or StopSignal(),
            lambda gate: gate.choices[0],
            lambda: f"op{next(self.operations)}",
            parallelism=parallelism,
            again=recovered.again,
        )
        others = set(threading.enumerate())
        for batch in itertools.islice(execute(blueprint, self.handlers, run), batches):
            self.batches += 1
            self.take(batch)
        for hand in set(threading.enumerate()) - others:
            hand.join()  # what was under way when it was cut off
        if batches is None:
            self.take(given_up(recovered.again, self.state, to_come(blueprint)))
        return self.world.calls[before:]

    def take(self, batch: tuple[Event, ...]) -> None:
        self.events.extend(batch)
        self.state = self.state.after(batch)


def thing(key: str, *, kind: str = "thing", **attributes: Value) -> Desired:
    """A wanted toy; `needs` are addresses, attributes may hold references."""
    needs = tuple(attributes.pop("needs", ()))
    options = {one: attributes.pop(one) for one in ("protect", "retain", "adopt") if one in attributes}
    address = ResourceAddress(kind, key)
    return Desired(address, attributes, name=f"toy-{key}", depends_on=needs, **options)


def ref(key: str, output: str = "id", kind: str = "thing") -> Ref:
    """A reference to an output of a toy."""
    return Ref(ResourceAddress(kind, key), (output,), f"${{{kind}s.{key}.{output}}}")
