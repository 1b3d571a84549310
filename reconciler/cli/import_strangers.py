"""What an account holds that neither this manifest names nor any state of its project: looked for, and given keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from reconciler.cli.memories import all_memories
from reconciler.cli.workplace import Workplace, binding_handlers
from reconciler.engine.graph import build_graph
from reconciler.engine.refresh import name_resources, observe
from reconciler.errors import ManifestError
from reconciler.frozen import frozen
from reconciler.kinds import SECTIONS
from reconciler.manifest import read_manifest
from reconciler.manifest.findings import Findings
from reconciler.manifest.naming import Naming
from reconciler.manifest.reader import parse
from reconciler.manifest.starting import map_at, slug
from reconciler.model.address import ResourceAddress
from reconciler.model.describing import Described, Known
from reconciler.model.handler import Sighting
from reconciler.model.kind import Kind
from reconciler.model.manifest import Inputs
from reconciler.model.resource import Observed

KINDS = tuple(kind for kind in SECTIONS.values() if kind not in ("image", "job", "account"))
"""Those that are listed: images are named by what runs them, a run is over, and the account is always there."""

_SECTION_OF = {kind: section for section, kind in SECTIONS.items()}
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]*")
_Identity = tuple[str, str]  # kind and id


@frozen
class Stranger:
    """Something that is there, and the address that it gets."""

    address: ResourceAddress
    observed: Observed
    default_name: str
    described: Described

    @property
    def section(self) -> str:
        """Where its block stands."""
        return _SECTION_OF[self.address.kind]


def find_strangers(workplace: Workplace, text: str) -> list[Stranger]:
    """Everything of the account that is nobody's yet, in the order of sections; `text` is the manifest's."""
    sightings = _seen(workplace)
    found = _found(sightings)
    ours = {identity: one for identity, one in found.items() if one[0] in workplace.manifest.resources}
    taken = {*found, *_of_other_environments(workplace)}
    names = _names_of_other_environments(workplace, text)
    others = [
        (kind, one)
        for kind in KINDS
        for one in sorted(sightings[kind].others, key=lambda one: one.identity)
        if (kind, one.identity) not in taken and (kind, one.name) not in names
    ]
    keys = _Keys(workplace, text)
    others.sort(key=lambda one: (KINDS.index(one[0]), keys.wished(*one)))
    addresses = {(kind, one.identity): keys.address(kind, one) for kind, one in others}
    outputs = {addresses[kind, one.identity]: one.outputs for kind, one in others}
    known = Known(
        {identity: address for identity, (address, _) in ours.items()} | addresses,
        {address: one.outputs for address, one in ours.values()} | outputs,
        _SECTION_OF,
        workplace.clients.registry_host,
        workplace.clients.account_id,
    )
    return list(_described(workplace, others, addresses, keys, known))


def _described(
    workplace: Workplace,
    others: Iterable[tuple[str, Observed]],
    addresses: Mapping[_Identity, ResourceAddress],
    keys: _Keys,
    known: Known,
) -> Iterator[Stranger]:
    for kind, observed in others:
        address = addresses[kind, observed.identity]
        described = workplace.house.handlers[kind].describe(observed, known)
        if described is not None:
            yield Stranger(address, observed, keys.default_name(address), described)


def _seen(workplace: Workplace) -> Mapping[str, Sighting]:
    """One thorough look at every kind that is listed."""
    handlers = {kind: workplace.house.handlers[kind] for kind in KINDS}
    priors = workplace.state().resources
    named = name_resources(workplace.manifest.resources, priors, workplace.house.handlers)
    waits_for = build_graph(named).waits_for
    return observe(
        {address: one for address, one in named.items() if address.kind in handlers},
        {address: one for address, one in priors.items() if address.kind in handlers},
        handlers,
        {
            address: [other for other in others if other.kind in handlers]
            for address, others in waits_for.items()
            if address.kind in handlers
        },
        others=True,
        thorough=True,
    )


def _found(sightings: Mapping[str, Sighting]) -> dict[_Identity, tuple[ResourceAddress, Observed]]:
    """What the manifest or its state has already, found by its id or by its name."""
    found: dict[_Identity, tuple[ResourceAddress, Observed]] = {}
    for kind, sighting in sightings.items():
        alike = [(address, one) for address, some in sighting.by_key.items() for one in some]
        for address, one in (*alike, *sighting.by_identity.items()):
            found[kind, one.identity] = address, one
    return found


def _of_other_environments(workplace: Workplace) -> Iterator[_Identity]:
    for memory in all_memories(workplace.common):
        yield from ((address.kind, prior.identity) for address, prior in memory.state.resources.items())


def _names_of_other_environments(workplace: Workplace, text: str) -> set[_Identity]:
    """What the manifest names elsewhere, as far as it can be read without asking anybody."""
    path = workplace.common.manifest_path()
    handlers = binding_handlers(workplace.clients.registry_host)
    inputs = Inputs(offline=True, registry_host=workplace.clients.registry_host)
    names: set[_Identity] = set()
    for environment in map_at(parse(text, "", Findings()), "environments"):
        if environment != workplace.manifest.environment:
            with suppress(ManifestError):
                resources = read_manifest(path, handlers, environment, inputs).resources
                names |= {(address.kind, one.name) for address, one in resources.items() if not one.external}
    return names


class _Keys:
    """Hands out keys: what a default name leaves of a name, else the name as a key may be written; none twice."""

    def __init__(self, workplace: Workplace, text: str) -> None:
        manifest = workplace.manifest
        root = parse(text, "", Findings())
        overlay = map_at(map_at(root, "environments"), manifest.environment or "")
        template = overlay.get("naming") or (root.get("naming") if isinstance(root, dict) else None)
        self._naming = Naming(
            manifest.project, manifest.environment, template if isinstance(template, str) else ""
        )
        self._kinds: Mapping[str, Kind] = {kind: workplace.house.handlers[kind].kind for kind in KINDS}
        self._taken = {
            (kind, key)
            for section, kind in SECTIONS.items()
            for place in (root, overlay)
            for key in map_at(place, section)
        }
        self._prefixes = [f"{manifest.project}-"]
        if manifest.environment:
            self._prefixes.insert(0, f"{manifest.project}-{manifest.environment}-")

    def default_name(self, address: ResourceAddress) -> str:
        """What it would be called without saying; "" for kinds whose names are not of our making."""
        return self._naming.default_name(self._kinds[address.kind], address)

    def address(self, kind: str, observed: Observed) -> ResourceAddress:
        """The address of something that is there."""
        wished = self.wished(kind, observed)
        key, number = wished, 2
        while (kind, key) in self._taken:
            key, number = f"{wished}-{number}", number + 1
        self._taken.add((kind, key))
        return ResourceAddress(kind, key)

    def wished(self, kind: str, observed: Observed) -> str:
        """What it would be called if nothing else were."""
        name = observed.name or _called(observed)
        if not self._kinds[kind].named and observed.name:
            return name if _KEY.fullmatch(name) else slug(name)
        before, _, behind = self.default_name(ResourceAddress(kind, "\0")).partition("\0")
        ends = [(before, behind)] if before or behind else []
        for prefix, suffix in (*ends, *((prefix, "") for prefix in self._prefixes)):
            inner = name.removeprefix(prefix).removesuffix(suffix)
            if prefix + inner + suffix == name and _KEY.fullmatch(inner):
                return inner
        return name if _KEY.fullmatch(name) else slug(name)


def _called(observed: Observed) -> str:
    """What to call something without a name: after what runs there, and where."""
    image = re.split("[@:]", str(observed.attributes.get("image") or "").rpartition("/")[2])[0]
    location = str(observed.attributes.get("location") or "")
    return "-".join(part for part in (image, location) if part)
