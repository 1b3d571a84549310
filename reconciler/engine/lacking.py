"""Stops what cannot be brought back: changes to what an earlier state remembers that need what is not there any more. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.engine.graph import closure
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Action, Change
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.handler import Handler

LACKING = "P121"

Changes = Mapping[ResourceAddress, Change]


def refuse_what_lacks(
    changes: Changes, handlers: Mapping[str, Handler]
) -> tuple[dict[ResourceAddress, Change], list[Diagnostic]]:
    """The changes that are refused instead, and why. What a refused resource uses now stays as well: it goes on using it."""
    refused: dict[ResourceAddress, Change] = {}
    problems: list[Diagnostic] = []
    for address, change in changes.items():
        if change.desired is None or change.desired.then is None or change.action.is_idle:
            continue
        if lack := handlers[address.kind].lacks(change):
            refused[address] = _refused(change, lack.what)
            problems.append(Diagnostic(Severity.ERROR, LACKING, lack.what, lack.fix, str(address)))
    for address in _still_used(tuple(refused), changes) if refused else ():
        refused[address] = _refused(changes[address], "what uses it cannot be brought back")
    return refused, problems


def _refused(change: Change, reason: str) -> Change:
    return Change(change.address, Action.REFUSED, change.desired, change.prior, reason=reason)


def _still_used(users: Iterable[ResourceAddress], changes: Changes) -> list[ResourceAddress]:
    """What would be deleted although one of these depends on it, directly or by way of others that stay."""
    edges = {a: frozenset(one.prior.depends_on) for a, one in changes.items() if one.prior is not None}
    held = closure(users, edges)
    return [address for address in held if address in changes and changes[address].action is Action.DELETE]
