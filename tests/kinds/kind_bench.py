"""Plans and applies with real handlers, through the engine, against whatever these speak to. The state is in memory."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.engine.carry import Clock
from reconciler.engine.executor import Run, execute
from reconciler.engine.planner import Blueprint
from reconciler.errors import ManifestError
from reconciler.model.address import ResourceAddress
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.event import Event, StepBegun, StepFailed
from reconciler.model.handler import Gate, Handler
from reconciler.model.manifest import Manifest
from reconciler.model.plan import PlannedChange, RecordedInputs
from reconciler.model.resource import Desired, Prior
from reconciler.model.state import Intent, State
from reconciler.model.stop import StopSignal
from reconciler.workflow import House, Wish, make_plan

ACCOUNT = "a" * 32


@dataclass
class KindBench:
    """Handlers and a memory; each plan starts from what the last apply left."""

    handlers: dict[str, Handler]
    state: State = field(default_factory=lambda: State("lineage", project="shop"))
    stop: StopSignal = field(default_factory=StopSignal)
    events: list[Event] = field(default_factory=list)
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def house(self) -> House:
        clock = Clock(lambda: "2026-01-01T00:00:00.000Z", lambda _: False, lambda _: 100.0)
        return House(self.handlers, clock, self.stop, "tester", "0", self.new_id, lambda at, _: at)

    def new_id(self) -> str:
        return f"{next(self.numbers):032x}"

    def plan(self, *wanted: Desired, saved: Blueprint | None = None, **how: Any) -> Blueprint:
        manifest = Manifest(
            "containers.yaml", "0" * 64, "shop", None, ACCOUNT, {one.address: one for one in wanted}
        )
        recorded = saved.plan.inputs if saved else RecordedInputs()
        return make_plan(manifest, self.state, self.house, replace(Wish(recorded=recorded), **how))

    def apply(self, *wanted: Desired, again: Iterable[ResourceAddress] = (), **how: Any) -> list[Event]:
        """Plans and applies; gives the events."""
        blueprint = self.plan(*wanted, must_fetch=True, **how)
        run = Run(
            "run",
            "tester",
            self.house.clock,
            self.stop,
            _first_choice,
            self.new_id,
            again={one: Intent(StepBegun(one, "create", "earlier", "")) for one in again},
        )
        begun = len(self.events)
        for batch in execute(blueprint, self.handlers, run):
            self.events.extend(batch)
            self.state = self.state.after(batch)
        return self.events[begun:]

    def prior(self, address: ResourceAddress) -> Prior:
        return self.state.resources[address]


def _first_choice(gate: Gate) -> str:
    return gate.choices[0]


def changes(blueprint: Blueprint) -> dict[str, PlannedChange]:
    """What a plan shows, by address."""
    return {one.address: one for one in blueprint.plan.changes}


def failures(events: Iterable[Event]) -> list[str]:
    """What went wrong, as it is told."""
    return [f"{one.message}; {one.fix}" for one in events if isinstance(one, StepFailed)]


def findings(error: ManifestError) -> list[str]:
    """What stopped a plan, as it is told."""
    return [told(one) for one in error.diagnostics]


def told(finding: Diagnostic) -> str:
    return f"{finding.address}: {finding.summary}; {finding.detail}"
