"""Finds in a plan what leads to a change: the attributes that differ, who made them differ, and the changes they come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.frozen import frozen
from reconciler.model.change import Action
from reconciler.model.plan import (
    Plan,
    PlannedAttribute,
    PlannedChange,
    PlannedDiagnostic,
    PlannedDrift,
    PlannedSource,
)
from reconciler.render.explain.otherwise import Otherwise, is_derived, is_watched, otherwise

_IDLE = (Action.NO_OP, Action.REFUSED)
_WHOLE = (
    Action.CREATE,
    Action.DELETE,
    Action.FORGET,
    Action.MOVE,
    Action.RESUME,
    Action.REFUSED,
    Action.NO_OP,
)
"""What happens to a resource as a whole: no single attribute is the cause."""
_REMEMBERED = ("protect", "retain", "depends_on")
_DEEPEST = 8


@frozen
class Origin:
    """A change from which a value comes, with its own grounds."""

    address: str
    action: str
    reason: str
    source: PlannedSource
    grounds: tuple[Ground, ...] = ()


@frozen
class Ground:
    """Why one attribute differs.

    `kind`: `manifest`, `drift`, `reference`, `derived` from what stands in the manifest, or `memory`: only the state is told.
    """

    kind: str
    why: str
    attribute: PlannedAttribute
    drift: PlannedDrift | None = None
    origins: tuple[Origin, ...] = ()


@frozen
class Explanation:
    """A change with its grounds, what the plan says about it besides, and what would keep it from happening."""

    change: PlannedChange
    grounds: tuple[Ground, ...]
    drift: tuple[PlannedDrift, ...]
    diagnostics: tuple[PlannedDiagnostic, ...]
    waits_for: tuple[str, ...]
    otherwise: Otherwise

    @property
    def causes_of_effect(self) -> tuple[str, ...]:
        """The paths because of which running instances are touched."""
        attributes = self.change.attributes
        return tuple(one.path for one in attributes if one.effect and one.effect == self.change.effect)


def explain(
    plan: Plan, addresses: Iterable[str], waits_for: Mapping[str, tuple[str, ...]] | None = None
) -> list[Explanation]:
    """Why what happens to these resources happens, by their addresses or those they had before.

    What the plan does not speak of is left out. `waits_for` tells more than a plan does, whose idle resources wait for nobody.
    """
    reading = _Reading.of(plan)
    found = (reading.changes.get(one) or reading.moved.get(one) for one in addresses)
    return [_explained(reading, change, waits_for or {}) for change in found if change is not None]


def _explained(
    reading: _Reading, change: PlannedChange, waits_for: Mapping[str, tuple[str, ...]]
) -> Explanation:
    plan = reading.plan
    return Explanation(
        change,
        () if change.action in _WHOLE else tuple(reading.grounds(change)),
        tuple(one for one in plan.drift if one.address == change.address),
        tuple(one for one in plan.diagnostics if one.address == change.address),
        waits_for.get(change.address, change.requires),
        otherwise(plan, change, reading.drift, reading.acting),
    )


@frozen
class _Reading:
    """A plan by address."""

    plan: Plan
    changes: Mapping[str, PlannedChange]
    moved: Mapping[str, PlannedChange]
    drift: Mapping[tuple[str, str], PlannedDrift]
    acting: frozenset[str]

    @classmethod
    def of(cls, plan: Plan) -> _Reading:
        """The plan, ready to be asked."""
        return cls(
            plan,
            {one.address: one for one in plan.changes},
            {one.moved_from: one for one in plan.changes if one.moved_from},
            {(one.address, one.path): one for one in plan.drift},
            frozenset(one.address for one in plan.changes if one.action not in _IDLE),
        )

    def grounds(self, change: PlannedChange, deep: int = 0) -> Iterator[Ground]:
        """Why each attribute of a change differs."""
        for attribute in change.attributes:
            origins = tuple(self._origins(change, attribute, deep)) if deep < _DEEPEST else ()
            drift = self.drift.get((change.address, attribute.path))
            yield _ground(change, attribute, drift, origins)

    def _origins(self, change: PlannedChange, attribute: PlannedAttribute, deep: int) -> Iterator[Origin]:
        for address in attribute.refers_to:
            if address not in self.acting or address == change.address:
                continue
            origin = self.changes[address]
            grounds = () if origin.action in _WHOLE else tuple(self.grounds(origin, deep + 1))
            yield Origin(address, origin.action, origin.reason, origin.source, grounds)


def _ground(
    change: PlannedChange,
    attribute: PlannedAttribute,
    drift: PlannedDrift | None,
    origins: tuple[Origin, ...],
) -> Ground:
    if origins:
        what = "watches" if is_watched(attribute) else "takes its value from"
        names = ", ".join(one.address for one in origins)
        by = f" by {attribute.expression}" if attribute.expression else ""
        return Ground("reference", f"it {what} {names}{by}", attribute, drift, origins)
    if drift is not None and drift.verdict == "revert":
        why = "somebody changed it since the last apply, and the manifest says otherwise"
        return Ground("drift", why, attribute, drift)
    if attribute.path in _REMEMBERED:
        return Ground("memory", "only what is remembered changes", attribute, drift)
    if is_derived(attribute, change):
        return Ground("derived", attribute.note or "it follows from the rest", attribute, drift)
    return Ground("manifest", _wish(attribute), attribute, drift)


def _wish(attribute: PlannedAttribute) -> str:
    if attribute.note:
        return attribute.note
    if attribute.sensitive:
        return "its fingerprint is another than at the last apply"
    return {
        "added": "the manifest wants it, and it is not there",
        "removed": "it is there, and the manifest does not want it any more",
    }.get(attribute.how, "the manifest wants another value than the one that is there")
