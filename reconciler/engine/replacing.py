"""Replacements whose new object stands beside the old one until that is deleted. Pure.

The old object is a resource of its own from the moment its successor is there: remembered, deleted and recovered like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.model.address import ResourceAddress
from reconciler.model.change import Action, Change
from reconciler.model.handler import Handler
from reconciler.model.kind import Kind
from reconciler.model.resource import set_aside
from reconciler.model.value import Attributes

Changes = Mapping[ResourceAddress, Change]


def with_replaced(changes: Changes, handlers: Mapping[str, Handler]) -> dict[ResourceAddress, Change]:
    """The changes, and the deletion of every object that is replaced by one beside it."""
    deletions = [
        _deletion(change)
        for change in changes.values()
        if change.action is Action.REPLACE and stands_beside(change, handlers[change.address.kind].kind)
        if handlers[change.address.kind].kind.deletable
    ]
    return {**changes, **{one.address: one for one in deletions}} if deletions else dict(changes)


def _deletion(change: Change) -> Change:
    assert change.prior is not None
    old = set_aside(change.prior)
    return Change(old.address, Action.DELETE, prior=old, observed=change.observed, reason="it is replaced")


def stands_beside(change: Change, kind: Kind) -> bool:
    """Whether the new object of a replacement can stand beside the old one: not where both need the same place."""
    if not kind.create_first or change.prior is None:
        return False
    return set(places(kind, change.wanted)).isdisjoint(places(kind, change.prior.attributes))


def places(kind: Kind, attributes: Attributes) -> Iterator[tuple[str, str, str]]:
    """What no two objects of a kind can share: kind, attribute and value."""
    for path in kind.exclusive:
        value = attributes.get(path)
        if isinstance(value, str) and value:
            yield kind.name, path, value


def belongs_to(address: ResourceAddress, changes: Changes) -> ResourceAddress:
    """The address under which a plan shows a step: what is replaced is a part of its replacement."""
    successor = changes.get(address.successor) if address.replaced else None
    return address.successor if successor and successor.action is Action.REPLACE else address


def shown(changes: Changes) -> Iterator[Change]:
    """The changes that a plan lists and counts."""
    return (one for address, one in changes.items() if belongs_to(address, changes) == address)
