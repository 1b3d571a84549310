"""What the resources of a plan may cost a month, before and after: from asleep to always on and busy. Pure.

Reads what every kind that runs containers calls the same (interface 1.4): `instance_type`, `max_instances`, `instances`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from reconciler.engine.prices import Meters, Prices, Size
from reconciler.frozen import frozen
from reconciler.model.change import Action, Change
from reconciler.model.plan import CostChange, CostRange, CostSide, PlannedCost
from reconciler.model.value import Attributes


@frozen
class Usage:
    """What one resource may run at once; `always_on` of the instances never sleep."""

    size: Size
    instances: int
    always_on: int


def cost_of(changes: Iterable[Change], prices: Prices) -> PlannedCost | None:
    """The cost of all of them, and of each whose cost changes; None where nothing runs containers."""
    before, after = _Sum(prices), _Sum(prices)
    changed: list[CostChange] = []
    not_counted: list[str] = []
    for change in changes:
        there, then = _sides(change)
        was = usage_of(there, prices)
        becomes = was if then is there else usage_of(then, prices)
        if (was is None and _may_run(there)) or (becomes is None and _may_run(then)):
            not_counted.append(str(change.address))
            continue
        before.add(was)
        after.add(becomes)
        if was != becomes:
            changed.append(CostChange(str(change.address), before.side(was), after.side(becomes)))
    if not (before.counts or after.counts or not_counted):
        return None
    return PlannedCost(
        prices.currency,
        prices.as_of,
        before.range(),
        after.range(),
        tuple(changed),
        tuple(_assumptions(prices)),
        tuple(not_counted),
    )


def usage_of(attributes: Attributes, prices: Prices) -> Usage | None:
    """What these attributes make run at most and at least; None where they do not tell."""
    size = prices.size(attributes.get("instance_type"))
    if size is None or attributes.get("jobs"):
        return None
    if attributes.get("namespace") is not None:
        most = attributes.get("max_instances")
        return Usage(size, most, 0) if isinstance(most, int) else None
    number = attributes.get("instances", 1)
    return Usage(size, number, number) if isinstance(number, int) else None


def _may_run(attributes: Attributes) -> bool:
    """Whether these attributes are those of something that runs containers, however many and large."""
    return "instance_type" in attributes or "scheduling_policy" in attributes


def _sides(change: Change) -> tuple[Attributes, Attributes]:
    """What runs before and after; nothing of what is somebody else's. What is only forgotten runs on."""
    if change.action is Action.NO_OP:
        return (_NOTHING, _NOTHING) if _is_external(change) else (change.wanted, change.wanted)
    there = change.observed.attributes if change.observed else _NOTHING
    if change.state_only or change.action in (Action.FORGET, Action.REFUSED):
        return there, there
    return there, change.wanted if change.desired else _NOTHING


def _is_external(change: Change) -> bool:
    return change.desired is not None and change.desired.external


_NOTHING: Attributes = {}


@dataclass(slots=True)
class _Sum:
    """One side of the plan: of each size, how many instances there may be, and how many never sleep."""

    prices: Prices
    counts: dict[Size, list[int]] = field(default_factory=dict)

    def add(self, usage: Usage | None) -> None:
        if usage is not None:
            counted = self.counts.setdefault(usage.size, [0, 0])
            counted[0] += usage.instances
            counted[1] += usage.always_on

    def range(self) -> CostRange:
        floor = _meters((size, always_on) for size, (_, always_on) in self.counts.items())
        ceiling = _meters((size, instances) for size, (instances, _) in self.counts.items())
        return CostRange(self.prices.billed(_idle(floor)), self.prices.billed(ceiling))

    def side(self, usage: Usage | None) -> CostSide | None:
        """One resource by itself, nothing of it being included."""
        if usage is None:
            return None
        floor, ceiling = (_meters([(usage.size, count)]) for count in (usage.always_on, usage.instances))
        cost = CostRange(self.prices.monthly(_idle(floor)), self.prices.monthly(ceiling))
        return CostSide(usage.instances, usage.always_on, usage.size.name, cost)


def _meters(counted: Iterable[tuple[Size, int]]) -> Meters:
    vcpu = memory = disk = 0.0
    for size, count in counted:
        vcpu += size.vcpu * count
        memory += size.memory_gib * count
        disk += size.disk_gb * count
    return Meters(vcpu, memory, disk)


def _idle(meters: Meters) -> Meters:
    """The same with nothing to do: CPU is billed while it is used (reference 5.3)."""
    return replace(meters, vcpu=0.0)


def _assumptions(prices: Prices) -> Iterator[str]:
    included = prices.included
    yield f"prices of {prices.as_of}, {prices.hours_per_month / 24:g} days"
    yield "asleep: what is behind a class sleeps, the rest idles"
    yield "always on: all instances, CPU at 100 %"
    yield (
        f"totals less the account's {included['memory_gib_hours']:g} GiB-hours, {included['vcpu_minutes']:g} vCPU-minutes"
        f" and {included['disk_gb_hours']:g} GB-hours"
    )
    yield "without Workers, Durable Objects, traffic, logs, jobs"
