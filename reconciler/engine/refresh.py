"""Prepares what is wanted, and asks every handler what is really there. Decides nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field, replace

from reconciler.engine.resolve import Scope, resolve
from reconciler.frozen import frozen
from reconciler.model.address import ResourceAddress
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.handler import Handler, Look, PrepareContext, Prepared, Sighting, Subject
from reconciler.model.kind import Kind, Lend
from reconciler.model.resource import Desired, Observed, Prior
from reconciler.model.value import Attributes, Ref

Handlers = Mapping[str, Handler]
Resources = Mapping[ResourceAddress, Desired]
Priors = Mapping[ResourceAddress, Prior]
_LOOKS = itertools.count(1)  # lists are shared within one look, and never between two


@frozen
class Readied:
    """What is wanted, with what this machine knows about it."""

    resources: dict[ResourceAddress, Desired]
    diagnostics: tuple[Diagnostic, ...] = ()
    recorded: dict[str, dict[str, str]] = field(default_factory=dict)  # by kind
    kept: dict[str, Mapping[str, str]] = field(default_factory=dict)  # by hash


def name_resources(
    resources: Resources, priors: Priors, handlers: Handlers
) -> dict[ResourceAddress, Desired]:
    """Puts the remote names in force: a name that was worked out at creation stays (interface 1.1 "Names")."""
    named = {}
    for address, desired in resources.items():
        if not handlers[address.kind].kind.named:
            named[address] = desired
            continue
        prior = priors.get(address)
        name = prior.name if prior and prior.name and desired.named_by_default else desired.name
        attributes = {"name": name, **desired.attributes, **({"name": name} if name else {})}
        named[address] = replace(desired, name=name, attributes=attributes)
    return named


def prepare(
    resources: Resources,
    handlers: Handlers,
    context: PrepareContext,
    recorded: Mapping[str, Mapping[str, str]],
) -> Readied:
    """Lets every kind look at this machine: hashes, fingerprints, resolved tags; at what it takes to have again what was."""
    readied = dict(resources)
    diagnostics: list[Diagnostic] = []
    answered: dict[str, dict[str, str]] = {}
    kept: dict[str, Mapping[str, str]] = {}
    lends: list[Lend] = []
    for kind, wishes in _by_kind(resources.values()).items():
        answers = _answers(handlers[kind], wishes, replace(context, recorded=recorded.get(kind, {})))
        for address, prepared in answers.items():
            desired = readied[address]
            readied[address] = replace(
                desired,
                attributes={**desired.attributes, **prepared.attributes},
                outputs={**desired.outputs, **prepared.outputs},
                settings={**desired.settings, **prepared.settings},
            )
            diagnostics.extend(prepared.diagnostics)
            answered.setdefault(kind, {}).update(prepared.recorded)
            kept.update(prepared.kept)
            lends.extend(prepared.lends)
    _fill_slots(readied, lends)
    return Readied(readied, tuple(diagnostics), answered, kept)


def _answers(
    handler: Handler, wishes: Sequence[Desired], context: PrepareContext
) -> Mapping[ResourceAddress, Prepared]:
    recalled = [wish for wish in wishes if wish.then is not None]
    if not recalled:
        return handler.prepare(wishes, context)
    written = [wish for wish in wishes if wish.then is None]
    prepared = handler.prepare(written, context) if written else {}
    return {**prepared, **handler.recall(recalled, context)}


def _fill_slots(resources: dict[ResourceAddress, Desired], lends: Iterable[Lend]) -> None:
    """Puts what is lent by its member into slots that take many."""
    for lend in lends:
        if not isinstance(lend.to, ResourceAddress) or lend.to not in resources:
            continue
        desired = resources[lend.to]
        slot = {**desired.attributes.get(lend.slot, {}), lend.member: lend.value}
        resources[lend.to] = replace(desired, attributes={**desired.attributes, lend.slot: slot})


def _by_kind(wishes: Iterable[Desired]) -> dict[str, list[Desired]]:
    sorted_out: dict[str, list[Desired]] = {}
    for desired in wishes:
        sorted_out.setdefault(desired.address.kind, []).append(desired)
    return sorted_out


def next_look() -> int:
    """The number of a new look."""
    return next(_LOOKS)


def observe(
    resources: Resources,
    priors: Priors,
    handlers: Handlers,
    waits_for: Mapping[ResourceAddress, Iterable[ResourceAddress]],
    *,
    others: bool = False,
    thorough: bool = False,
) -> dict[str, Sighting]:
    """What is there, by kind. Kinds whose values others need to find themselves (a namespace) are asked first."""
    number = next_look()
    scope = Scope(texts={address: desired.attributes for address, desired in resources.items()})
    sightings: dict[str, Sighting] = {}
    for level in _kind_levels(resources, priors, waits_for, handlers if others else {}):
        asked = {
            kind: Look(number, _subjects(handlers[kind].kind, resources, priors, scope), others, thorough)
            for kind in level
        }
        for kind, sighting in _ask_all(asked, handlers).items():
            sightings[kind] = sighting
            for address, observed in sighting.by_identity.items():
                scope.outputs[address] = observed.outputs
            for address, found in sighting.by_key.items():
                if len(found) == 1:
                    scope.outputs.setdefault(address, found[0].outputs)
    return sightings


def _ask_all(asked: Mapping[str, Look], handlers: Handlers) -> dict[str, Sighting]:
    if len(asked) == 1:
        return {kind: handlers[kind].observe(look) for kind, look in asked.items()}
    with ThreadPoolExecutor(max_workers=len(asked)) as pool:
        waiting = {kind: pool.submit(handlers[kind].observe, look) for kind, look in asked.items()}
        return {kind: future.result() for kind, future in waiting.items()}


def _subjects(kind: Kind, resources: Resources, priors: Priors, scope: Scope) -> Sequence[Subject]:
    subjects = [
        Subject(
            address,
            desired.name,
            identity=prior.identity if (prior := priors.get(address)) else "",
            import_id=desired.import_id,
            external=desired.external,
            prior=prior,
            wanted=_found_by(kind, desired, scope) if prior else resolve(desired.attributes, scope),
        )
        for address, desired in resources.items()
        if address.kind == kind.name
    ]
    subjects += [
        Subject(address, prior.name, identity=prior.identity, prior=prior)
        for address, prior in priors.items()
        if address.kind == kind.name and address not in resources
    ]
    return subjects


def _found_by(kind: Kind, desired: Desired, scope: Scope) -> Attributes:
    """A wish whose id is known: only what else it is found by need not be a pointer any more."""
    attributes = desired.attributes
    pointing = {key: attributes[key] for key in kind.exclusive if isinstance(attributes.get(key), Ref)}
    return {**attributes, **resolve(pointing, scope)} if pointing else attributes


def _kind_levels(
    resources: Resources,
    priors: Priors,
    waits_for: Mapping[ResourceAddress, Iterable[ResourceAddress]],
    everything: Iterable[str],
) -> list[list[str]]:
    kinds = {address.kind for address in resources} | {address.kind for address in priors} | set(everything)
    first: dict[str, set[str]] = {kind: set() for kind in kinds}
    for address, others in waits_for.items():
        first[address.kind].update(other.kind for other in others if other.kind != address.kind)
    levels: list[list[str]] = []
    done: set[str] = set()
    while kinds - done:
        level = sorted(kind for kind in kinds - done if first[kind] <= done)
        # Kinds that wait for each other (worker and worker's image, say) are asked together.
        level = level or sorted(kinds - done)
        levels.append(level)
        done.update(level)
    return levels


def from_memory(priors: Priors, kinds: Iterable[str]) -> dict[str, Sighting]:
    """What `--no-refresh` sees: the world as it was left."""
    found: dict[str, dict[ResourceAddress, Observed]] = {kind: {} for kind in kinds}
    for address, prior in priors.items():
        found.setdefault(address.kind, {})[address] = Observed(
            prior.identity, prior.name, prior.attributes, prior.outputs, prior.freshness
        )
    return {kind: Sighting(by_identity=seen) for kind, seen in found.items()}
