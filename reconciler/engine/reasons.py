"""Why something is done or refused, in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.model.address import ResourceAddress
from reconciler.model.change import AttributeChange, Change
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.resource import Prior
from reconciler.model.value import path_text


def owed(change: Change) -> str:
    """What an earlier run left undone, as a reason; "" where it left nothing."""
    owes = (*(change.prior.owes if change.prior else ()), *(change.observed.owes if change.observed else ()))
    return f"an earlier run stopped half-way: {', '.join(dict.fromkeys(owes))}" if owes else ""


def forcing(attributes: Sequence[AttributeChange]) -> str:
    """Why an object has to be replaced."""
    forced = [path_text(one.path) for one in attributes if one.forces_replacement]
    return f"{listed(forced)} cannot be changed in place"


def differing(attributes: Sequence[AttributeChange]) -> str:
    """Which attributes change."""
    paths = [path_text(one.path) for one in attributes]
    return f"{listed(paths)} {'changes' if len(paths) == 1 else 'change'}"


def managed_from_now_on(attributes: Sequence[AttributeChange]) -> str:
    """Why something is remembered that is there already."""
    paths = [path_text(one.path) for one in attributes]
    return f"{listed(paths)} {'is' if len(paths) == 1 else 'are'} there already, and managed from now on"


def listed(paths: Sequence[str]) -> str:
    """Some names, and how many more there are."""
    if len(paths) <= 3:
        return ", ".join(paths)
    return f"{', '.join(paths[:2])} and {len(paths) - 2} more"


def place_is_held(change: Change, owner: ResourceAddress) -> Diagnostic:
    """The error of a new resource whose name or namespace one of ours keeps."""
    assert change.desired is not None
    return Diagnostic(
        Severity.ERROR,
        "P116",
        f"its place is held by {owner}, which stays",
        f"take {owner} out of the manifest, or say under `moved` that it becomes {change.address}",
        str(change.address),
        change.desired.source,
    )


def not_ours(prior: Prior, what: str) -> Diagnostic:
    """The error of an id that answers as another object."""
    return Diagnostic(
        Severity.ERROR,
        "P110",
        f"the id in state, {prior.identity}, is not what it was: {what}",
        f"let go of it with `state rm {prior.address}`",
        str(prior.address),
    )
