"""Decides which live object a resource is: by the id in state, else by its natural key (interface 1.1 "Identity")."""

from __future__ import annotations

from collections.abc import Collection

from reconciler.frozen import frozen
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.handler import Sighting
from reconciler.model.resource import Desired, Observed, Prior


@frozen
class Identified:
    """What a resource turned out to be. `refused` stops it; `gone`: its id is no longer there."""

    observed: Observed | None = None
    refused: Diagnostic | None = None
    adopted: bool = False
    gone: bool = False
    in_the_way: Observed | None = None  # an object of ours that has to go first


def identify(
    desired: Desired, prior: Prior | None, sighting: Sighting, going: Collection[str], *, named: bool = True
) -> Identified:
    """Which live object this is, if any, and whether it may be touched.

    `going` are the ids of objects of ours under other addresses, or whose deletion still runs: no strangers. Whether one
    of them leaves in time is for whoever has seen all changes to say. `named`: whether another name is a way out.
    """
    by_identity = sighting.by_identity.get(desired.address)
    if desired.external:
        return _external(desired, by_identity, sighting)
    if prior is not None and prior.identity and not prior.deletion:
        if by_identity is not None:
            return _known(desired, prior, by_identity)
        return _unknown(desired, sighting, going, gone=True, named=named)
    if desired.import_id:
        return _imported(desired, by_identity)
    return _unknown(desired, sighting, going, gone=False, named=named)


def _known(desired: Desired, prior: Prior, observed: Observed) -> Identified:
    if observed.elsewhere:
        return Identified(refused=_mismatch(desired, prior, observed.elsewhere))
    if prior.name and observed.name and observed.name != prior.name:
        what = f'it answers with the name "{observed.name}", not "{prior.name}"'
        return Identified(refused=_mismatch(desired, prior, what))
    return Identified(observed)


def _mismatch(desired: Desired, prior: Prior, what: str) -> Diagnostic:
    return _stop(
        desired,
        "P110",
        f"the id in state, {prior.identity}, is not what it was: {what}",
        f"take over the right one with `import {desired.address} ID`, or let go of it with `state rm {desired.address}`",
    )


def _imported(desired: Desired, observed: Observed | None) -> Identified:
    if observed is not None:
        return Identified(observed, adopted=True)
    return Identified(
        refused=_stop(
            desired,
            "P111",
            f"there is nothing to import under {desired.import_id}",
            "check the id under `imports`",
        )
    )


def _external(desired: Desired, by_identity: Observed | None, sighting: Sighting) -> Identified:
    found = (by_identity,) if by_identity else sighting.by_key.get(desired.address, ())
    if len(found) == 1:
        return Identified(found[0])
    if found:
        return Identified(refused=_several(desired, found))
    looked_for = desired.import_id or desired.name
    return Identified(
        refused=_stop(
            desired,
            "P112",
            f'it is external, but nothing is there under "{looked_for}"',
            "correct its `name` or `id`, or take out `external: true` to have it made",
        )
    )


def _unknown(
    desired: Desired, sighting: Sighting, going: Collection[str], *, gone: bool, named: bool
) -> Identified:
    found = sighting.by_key.get(desired.address, ())
    ours = [one for one in found if one.identity in going]
    others = [one for one in found if one.identity not in going]
    if not others:
        return Identified(gone=gone, in_the_way=ours[0] if ours else None)
    if len(others) > 1:
        return Identified(refused=_several(desired, others), gone=gone)
    if desired.adopt:
        return Identified(others[0], adopted=True, gone=gone)
    return Identified(refused=_taken(desired, others[0], named=named), gone=gone)


def _several(desired: Desired, found: tuple[Observed, ...] | list[Observed]) -> Diagnostic:
    listed = ", ".join(f"{one.identity} (created {one.created_at or 'at an unknown time'})" for one in found)
    return _stop(
        desired,
        "P113",
        f'there are {len(found)} of the name "{desired.name}": {listed}',
        f"say which one is meant with `import {desired.address} ID`",
    )


def _taken(desired: Desired, observed: Observed, *, named: bool) -> Diagnostic:
    if observed.name and observed.name != desired.name:
        return _stop(
            desired,
            "P114",
            f'its place is taken by "{observed.name}" ({observed.identity}), which is not in the state',
            f"to take that one over, say `name: {observed.name}` with `adopt: true`,"
            f" or `import {desired.address} {observed.identity}`",
        )
    other = "choose another `name`" if named else "take it out of the manifest"
    return _stop(
        desired,
        "P115",
        f'"{desired.name}" exists already ({observed.identity}) and is not in the state',
        f"take it over with `adopt: true` or `import {desired.address} {observed.identity}`, or {other}",
    )


def _stop(desired: Desired, code: str, summary: str, detail: str) -> Diagnostic:
    return Diagnostic(Severity.ERROR, code, summary, detail, str(desired.address), desired.source)
