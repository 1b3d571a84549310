"""What of a change lives in the state alone: recording it touches nothing in the cloud."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.engine.diff import kept_by_service, newly_managed
from reconciler.model.address import ResourceAddress
from reconciler.model.change import AttributeChange, Change
from reconciler.model.kind import Kind
from reconciler.model.value import Value, path_text


def guards_and_edges(
    change: Change, waits_for: frozenset[ResourceAddress], moved: Mapping[ResourceAddress, ResourceAddress]
) -> tuple[AttributeChange, ...]:
    """Guards, and what it waits for, that are recorded otherwise; `moved` leads from new addresses to those of the state."""
    desired, prior = change.desired, change.prior
    if desired is None or prior is None:
        return ()
    pairs: list[tuple[str, Value, Value]] = [
        ("protect", prior.protect, desired.protect),
        ("retain", prior.retain, desired.retain),
    ]
    recorded = frozenset(moved.get(one, one) for one in prior.depends_on)
    if waits_for != recorded:
        pairs.append(("depends_on", sorted(map(str, recorded)), sorted(map(str, waits_for))))
    return tuple(
        AttributeChange((key,), before, after, source=desired.source_of((key,)), state_only=True)
        for key, before, after in pairs
        if before != after
    )


def managed_from_here(kind: Kind, change: Change) -> tuple[AttributeChange, ...]:
    """What is there as it is wanted, and is remembered from now on."""
    desired, prior, observed = change.desired, change.prior, change.observed
    if desired is None or prior is None or observed is None or change.wanted == prior.attributes:
        return ()
    return tuple(newly_managed(kind, desired, change.wanted, prior, observed))


def left_to_the_service(kind: Kind, change: Change) -> Iterator[AttributeChange]:
    """Paths that left the manifest and that the service keeps: said once, then forgotten (interface 1.1)."""
    assert change.desired is not None
    assert change.observed is not None
    for path in kept_by_service(kind, change.desired, change.wanted, change.prior, change.observed):
        live = change.observed.attributes.get(path[0])
        note = (
            f"the service keeps it; `replace_on: [{path_text(path)}]` replaces the resource to get rid of it"
        )
        yield AttributeChange(path, live, live, source=change.desired.source, note=note, state_only=True)
