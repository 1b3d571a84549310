"""What remains of a set of changes under `--target`, `--exclude` and `--refresh-only`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.engine.changes import Decided, Options
from reconciler.engine.diff import Drifted
from reconciler.engine.graph import Edges, closure, reversed_edges
from reconciler.errors import PlanError
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Action, AttributeChange, Change, Effect

_GOING = (Action.DELETE, Action.REPLACE, Action.FORGET)


def select(decided: Decided, waits_for: Edges, options: Options) -> Decided:
    """The changes that the options leave: a target takes along what it needs, what is left out all that needs it.

    Raises PlanError for an address that is neither in the manifest nor in the state.
    """
    if options.refresh_only:
        return _refreshed(decided)
    if not options.targets and not options.excludes:
        return decided
    needs = _needs(decided, waits_for)
    selected = set(decided.changes)
    if options.targets:
        selected = closure(_named(options.targets, decided), needs)
    if options.excludes:
        selected -= closure(_named(options.excludes, decided), reversed_edges(needs))
    changes = {address: change for address, change in decided.changes.items() if address in selected}
    drift = tuple(one for one in decided.drift if one[0] in selected)
    others = {str(address) for address in decided.changes if address not in selected}
    diagnostics = tuple(one for one in decided.diagnostics if one.address not in others)
    return replace(decided, changes=changes, drift=drift, diagnostics=diagnostics)


def _needs(decided: Decided, waits_for: Edges) -> Edges:
    """What cannot go on without what: what is made needs what it waits for; what goes, that those leave it who used it."""
    needs: dict[ResourceAddress, set[ResourceAddress]] = {address: set() for address in decided.changes}
    replaced = [address for address in decided.changes if address.replaced]
    for address, change in decided.changes.items():
        before = frozenset(change.prior.depends_on if change.prior else ())
        now = waits_for.get(address, frozenset())
        needs[address] |= now
        for other in before:
            gone = decided.changes.get(other)
            if gone is not None and gone.action in _GOING:
                needs[other].add(address)
        for one in replaced:
            if one != address and one.successor in {address, *now, *before}:
                needs[one].add(address)
    return {address: frozenset(others) for address, others in needs.items()}


def _named(addresses: tuple[ResourceAddress, ...], decided: Decided) -> list[ResourceAddress]:
    """The resources meant: an address without an instance means all of a `for_each`."""
    found = []
    for address in addresses:
        meant = [
            one
            for one in decided.changes
            if address in (one, one.successor) or (not address.each and one.block == address)
        ]
        if not meant:
            raise PlanError(
                f"{address} is neither in the manifest nor in the state",
                fix="`state list` and `validate` show what there is",
            )
        found.extend(meant)
    return found


def _refreshed(decided: Decided) -> Decided:
    """Only what differs between memory and world, as changes of memory."""
    drift_by_address: dict[ResourceAddress, list[Drifted]] = {}
    for address, one in decided.drift:
        drift_by_address.setdefault(address, []).append(one)
    changes = {
        address: _accepted(decided.changes[address], found)
        for address, found in drift_by_address.items()
        if decided.changes[address].action is not Action.REFUSED
    }
    drift = tuple((address, replace(one, verdict="accept")) for address, one in decided.drift)
    return replace(decided, changes=changes, drift=drift)


def _accepted(change: Change, found: list[Drifted]) -> Change:
    if change.observed is None:
        return replace(change, action=Action.FORGET, attributes=(), effect=Effect.NONE, reason="it is gone")
    return replace(
        change,
        action=Action.UPDATE,
        state_only=True,
        effect=Effect.NONE,
        hazards=(),
        attributes=tuple(AttributeChange(one.path, one.recorded, one.live) for one in found),
        reason="what is there is accepted",
    )


def with_moves(
    priors: Mapping[ResourceAddress, object], moves: Mapping[ResourceAddress, ResourceAddress]
) -> dict[ResourceAddress, ResourceAddress]:
    """The moves (new to old) that still have something to move and a free place to move it to."""
    leaving = set(moves.values())
    return {
        target: origin
        for target, origin in moves.items()
        if origin in priors and (target not in priors or target in leaving)
    }
