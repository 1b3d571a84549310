"""Changes and graph to ordered steps: users before what they used goes, dependents before what they depend on, and so on.

`requires` blocks (a failure skips what waits), `after` only orders. Waves are for the reader; the executor knows no barrier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.engine.replacing import places, stands_beside
from reconciler.engine.waves import in_waves
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Action, Change, Step, StepKey
from reconciler.model.handler import Handler

_FORWARD = {
    Action.CREATE: "create",
    Action.UPDATE: "update",
    Action.REPLACE: "create",
    Action.ADOPT: "adopt",
    Action.RUN: "run",
    Action.RESUME: "resume",
    Action.FORGET: "forget",
    Action.MOVE: "move",
}
Edges = Mapping[ResourceAddress, frozenset[ResourceAddress]]


def build_steps(
    changes: Mapping[ResourceAddress, Change], waits_for: Edges, handlers: Mapping[str, Handler]
) -> dict[StepKey, Step]:
    """Every operation of a set of changes, in an order in which each comes after what it waits for."""
    building = _Building(changes, waits_for, handlers)
    for change in changes.values():
        building.place(change)
    for change in changes.values():
        building.link(change)
    building.link_exclusive()
    return in_waves(building.steps())


@dataclass(slots=True)
class _Building:
    changes: Mapping[ResourceAddress, Change]
    waits_for: Edges
    handlers: Mapping[str, Handler]
    forward: dict[ResourceAddress, StepKey] = field(default_factory=dict)
    removal: dict[ResourceAddress, StepKey] = field(default_factory=dict)
    aside: dict[ResourceAddress, list[StepKey]] = field(default_factory=dict)  # removals, by their successor
    requires: dict[StepKey, set[StepKey]] = field(default_factory=dict)
    after: dict[StepKey, set[StepKey]] = field(default_factory=dict)

    def place(self, change: Change) -> None:
        if self._removes(change):
            removal = self.removal[change.address] = self._new(change, "delete")
            if change.address.replaced:
                self.aside.setdefault(change.address.successor, []).append(removal)
        elif change.ends_deletion:
            # What an earlier run began to delete is in the way of others until it is gone.
            self.removal[change.address] = self._new(change, "resume")
            if change.action is Action.RESUME:
                return
        if operation := "refresh" if change.state_only else _FORWARD.get(change.action):
            self.forward[change.address] = self._new(change, operation)

    def _removes(self, change: Change) -> bool:
        kind = self.handlers[change.address.kind].kind
        if change.action is Action.REPLACE:
            return kind.deletable and not stands_beside(change, kind)
        return change.action is Action.DELETE and kind.deletable

    def _is_harmless(self, address: ResourceAddress) -> bool:
        return self.handlers[address.kind].kind.harmless

    def _new(self, change: Change, operation: str) -> StepKey:
        key = StepKey(change.address, operation)
        self.requires[key] = set()
        self.after[key] = set()
        return key

    # edges

    def link(self, change: Change) -> None:
        address = change.address
        forward, removal = self.forward.get(address), self.removal.get(address)
        if forward and removal:
            self.requires[forward].add(removal)
        now, before = self.waits_for.get(address, frozenset()), self._needed_before(change)
        for other in now:
            self._link_wanted(change, other)
        for other in before - now:
            self._link_remembered(change, other)
        for other in (now | before | {address}) & self.aside.keys():
            self._link_aside(change, other)

    def _link_aside(self, change: Change, successor: ResourceAddress) -> None:
        """What was replaced goes when its successor is there and nobody uses it any more."""
        for step in filter(None, (self.forward.get(change.address), self.removal.get(change.address))):
            for removal in self.aside[successor]:
                self.requires[removal].add(step)

    def _needed_before(self, change: Change) -> frozenset[ResourceAddress]:
        return frozenset(change.prior.depends_on) if change.prior else frozenset()

    def _link_wanted(self, change: Change, other: ResourceAddress) -> None:
        """`change` waits for `other`, now and in what is wanted."""
        forward, removal = self.forward.get(change.address), self.removal.get(change.address)
        there, gone = self.forward.get(other), self.removal.get(other)
        if forward and there:
            self.requires[forward].add(there)
        if removal and gone and other in self._needed_before(change):
            self.requires[gone].add(removal)
        elif removal and there and not gone:
            self._order_removal(removal, there, other)
        self._harmless_first(change, other)

    def _order_removal(self, removal: StepKey, there: StepKey, other: ResourceAddress) -> None:
        """What is new or can fail without effect is made before the old one goes; what changes in place, after."""
        if self.changes[other].action is Action.CREATE or self._is_harmless(other):
            self.after[removal].add(there)
        else:
            self.after[there].add(removal)

    def _link_remembered(self, change: Change, other: ResourceAddress) -> None:
        """`change` used to wait for `other`, and does so no longer (or is not wanted any more itself)."""
        forward, removal = self.forward.get(change.address), self.removal.get(change.address)
        there, gone = self.forward.get(other), self.removal.get(other)
        leaving = removal or (forward if change.action in (Action.UPDATE, Action.RESUME) else None)
        if gone and leaving:
            self.requires[gone].add(leaving)
        elif there and removal and not change.address.replaced and not self._is_harmless(other):
            self.after[there].add(removal)

    def _harmless_first(self, change: Change, other: ResourceAddress) -> None:
        """A build that can fail without effect goes before a sibling that is live at once."""
        live = self.forward.get(other)
        if not live or self._is_harmless(other):
            return
        for sibling in self.waits_for.get(change.address, ()):
            harmless = self.forward.get(sibling)
            if harmless and self._is_harmless(sibling):
                self.after[live].add(harmless)

    def link_exclusive(self) -> None:
        """Two objects cannot share a name or a namespace: the one that goes, goes first."""
        leaving: dict[tuple[str, str, str], StepKey] = {}
        for address, key in self.removal.items():
            prior = self.changes[address].prior
            for place in places(self.handlers[address.kind].kind, prior.attributes) if prior else ():
                leaving[place] = key
        for address, key in self.forward.items() if leaving else ():
            for place in places(self.handlers[address.kind].kind, self.changes[address].wanted):
                gone = leaving.get(place)
                if gone is not None and gone.address != address:
                    self.requires[key].add(gone)

    # result

    def steps(self) -> dict[StepKey, Step]:
        return {key: self._step(key) for key in self.requires}

    def _step(self, key: StepKey) -> Step:
        change = self.changes[key.address]
        holder = change.desired or change.prior
        return Step(
            key,
            tuple(sorted(self.requires[key])),
            tuple(sorted(self.after[key] - self.requires[key] - {key})),
            seconds=self.handlers[key.address.kind].kind.expected_seconds.get(key.operation, 1.0),
            lane=holder.lane if holder else "",
        )
