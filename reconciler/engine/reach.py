"""What is reached from a change: everything that depends on it, by however many hops. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from reconciler.engine.graph import Edges, reversed_edges
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Action, Change
from reconciler.model.plan import PlannedReach

_REACHING = frozenset({Action.UPDATE, Action.REPLACE, Action.DELETE, Action.ADOPT})
_NAMED = 20
_PATIENCE = 300_000
"""So many dependents are counted in one plan; where everything depends on everything, it would take a minute."""


class Reaches:
    """Answers for one plan after the other of its changes; a plan that changes nothing that exists costs nothing."""

    def __init__(self, changes: Mapping[ResourceAddress, Change], waits_for: Edges) -> None:
        self._changes = changes
        self._waits_for = waits_for
        self._patience = _PATIENCE

    def of(self, change: Change) -> PlannedReach | None:
        """What depends on the resource of a change, the nearest first; None where nothing does."""
        if change.action not in _REACHING:
            return None
        found, has_more = self._dependents(change.address)
        if not found:
            return None
        changing = sum(self._acts(address) for address in found)
        return PlannedReach(len(found), changing, tuple(map(str, found[:_NAMED])), has_more)

    def _dependents(self, start: ResourceAddress) -> tuple[list[ResourceAddress], bool]:
        found: dict[ResourceAddress, None] = {start: None}
        waiting = [start]
        for address in waiting:  # grows while it is walked
            if self._patience <= 0:
                return waiting[1:], True
            for other in sorted(self._edges.get(address, ())):
                if other not in found:
                    found[other] = None
                    waiting.append(other)
                    self._patience -= 1
        return waiting[1:], False

    def _acts(self, address: ResourceAddress) -> bool:
        change = self._changes.get(address)
        return change is not None and change.action is not Action.NO_OP

    @cached_property
    def _edges(self) -> Edges:
        """Who waits for whom now, and who used to, where that changes."""
        edges = dict(self._waits_for)
        for address, change in self._changes.items():
            if change.action is not Action.NO_OP and change.prior is not None and change.prior.depends_on:
                edges[address] = edges.get(address, frozenset()) | frozenset(change.prior.depends_on)
        return reversed_edges(edges)
