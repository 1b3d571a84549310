"""Equal changes of many resources told once: a group says what happens, and to whom."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from reconciler.frozen import frozen
from reconciler.model.plan import Plan, PlannedChange

_FEW = 3
"""So many equal changes are a group."""
_CROWD = 20
"""With more changes than this in a wave, those are a group that set the same things to different values."""
_LAST = 1_000_000
_ORDERED = json.JSONEncoder(sort_keys=True, default=str).encode


@frozen
class Group:
    """Changes that are told as one; `exact`: equal to the letter, else only alike in what they set."""

    changes: tuple[PlannedChange, ...]
    exact: bool = True

    @property
    def first(self) -> PlannedChange:
        """The one that speaks for all."""
        return self.changes[0]


@frozen
class Wave:
    """What goes together; number 0 is what only memory is told."""

    number: int
    groups: tuple[Group, ...]
    changes: int
    earlier: tuple[PlannedChange, ...] = ()  # whose first step goes here, while they stand in a later wave


def waves(plan: Plan, *, fold: bool = True) -> Iterator[Wave]:
    """The acting changes in the order of execution, equal ones folded; memory alone comes last."""
    acting = [one for one in plan.changes if one.action not in ("no_op", "refused")]
    acting.sort(key=lambda one: one.wave or _LAST)
    for number, members in groupby(acting, key=lambda one: one.wave):
        changes = list(members)
        groups = _folded(changes) if fold else [Group((one,)) for one in changes]
        yield Wave(number, tuple(groups), len(changes))


def all_waves(plan: Plan, *, fold: bool = True) -> Iterator[Wave]:
    """The same with the first steps of those that have two, so that no wave is left out: a replacement's deletion."""
    earlier: dict[int, list[PlannedChange]] = {}
    for change in plan.changes:
        if change.steps and 0 < change.steps[0].wave < change.wave:
            earlier.setdefault(change.steps[0].wave, []).append(change)
    told = {wave.number: wave for wave in waves(plan, fold=fold)}
    for number in sorted({*told, *earlier}, key=lambda one: one or _LAST):
        wave = told.get(number, Wave(number, (), 0))
        yield replace(wave, earlier=tuple(earlier.get(number, ())))


def _folded(changes: Sequence[PlannedChange]) -> list[Group]:
    if len(changes) < _FEW:
        return [Group((one,)) for one in changes]
    crowds = Counter(map(_outline, changes))
    singles = [Group((one,)) for one in changes]
    groups = _grouped(
        singles, lambda one: _likeness(one) if crowds[_outline(one)] >= _FEW else one.address, exact=True
    )
    if len(groups) > _CROWD:
        groups = _grouped(groups, _shape, exact=False)
    return groups


def _grouped(groups: Sequence[Group], key: Any, *, exact: bool) -> list[Group]:
    """Groups of at least a few alike, where the first of them stood."""
    alike: dict[object, list[Group]] = {}
    for group in groups:
        alike.setdefault(key(group.first), []).append(group)
    found: list[Group] = []
    for members in alike.values():
        changes = tuple(change for group in members for change in group.changes)
        if len(changes) >= _FEW and len(members) > 1:
            found.append(Group(changes, exact))
        else:
            found.extend(members)
    return found


def _outline(change: PlannedChange) -> object:
    """What equal changes share in any case, and few others do: quick to compare."""
    return change.kind, change.action, change.effect, change.reason


def _likeness(change: PlannedChange) -> object:
    attributes = tuple(
        (one.path, one.how, one.sensitive, one.known_after, _key(one.before), _key(one.after))
        for one in change.attributes
    )
    extra = (_key(change.details), change.notes, change.moved_from) if _says_more(change) else ()
    return _outline(change), change.hazards, attributes, extra


def _says_more(change: PlannedChange) -> bool:
    return bool(change.details or change.notes or change.moved_from)


def _shape(change: PlannedChange) -> object:
    paths = tuple((one.path, one.how) for one in change.attributes)
    codes = tuple(one.code for one in change.hazards)
    return _outline(change), codes, paths, change.notes


def _key(value: Any) -> object:
    """Something hashable that tells values apart, also `1` and `true`."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return type(value), value
    return _ORDERED(value)
