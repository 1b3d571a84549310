"""One resource seen three ways: what the manifest wants, what we remember, what is there.

Attributes are nested plain dicts in the manifest's vocabulary, canonical on all three sides: objects that have a name of their
own (ports, keys, variables) stand in a dict under it, sets are sorted lists, so that comparing is walking two dicts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace

from reconciler.frozen import frozen
from reconciler.model.address import ResourceAddress
from reconciler.model.diagnostic import Source
from reconciler.model.value import Attributes, Path, Value


@frozen
class Pending:
    """Something the service is still doing, as plain JSON: any later process can go on with it.

    `what` is `rollout`, `deletion`, `preparation` or the kind's own word; `since` is UTC in ISO 8601. A token with
    `wait: false` says that an apply is not to wait for its end.
    """

    address: ResourceAddress
    what: str
    token: Mapping[str, Value]
    since: str


@frozen
class Desired:
    """A resource as the manifest wants it. Attributes may hold pointers until the engine has resolved them."""

    address: ResourceAddress
    attributes: Attributes
    name: str = ""  # the remote name in force; "" for kinds without one
    named_by_default: bool = True  # the name was worked out, so state may remember an older one
    outputs: Attributes = field(default_factory=dict)  # known before anything is applied
    depends_on: tuple[ResourceAddress, ...] = ()
    adopt: bool = False
    external: bool = False
    import_id: str = ""  # from `imports`, or the `id` of an external resource
    protect: bool = False
    retain: bool = False
    ignore_changes: tuple[Path, ...] = ()
    replace_on: tuple[Path, ...] = ()  # own attributes; addresses stand in attributes["replace_on"]
    settings: Mapping[str, Value] = field(default_factory=dict)  # how to go about it; never compared
    uniqueness: str = ""  # where it depends on the resource rather than on the kind
    lane: str = ""
    source: Source = Source()
    sources: Mapping[Path, Source] = field(default_factory=dict)
    then: Prior | None = None  # the entry of an earlier state that it was made from, instead of the manifest

    def source_of(self, path: Path) -> Source:
        """Where an attribute stands in the manifest: its own line, else that of what holds it."""
        for end in range(len(path), 0, -1):
            if found := self.sources.get(path[:end]):
                return found
        return self.source


@frozen
class Prior:
    """What we remember of a resource: what the manifest managed at the last apply, and what came of it.

    No foreign value and no secret value is ever in here; a secret is `{"$secret": fingerprint}`.
    """

    address: ResourceAddress
    identity: str
    name: str = ""
    named_by_default: bool = True
    attributes: Attributes = field(default_factory=dict)
    outputs: Attributes = field(default_factory=dict)
    facts: Attributes = field(default_factory=dict)  # what the kind wants to remember
    depends_on: tuple[ResourceAddress, ...] = ()  # everything it waited for, explicit or by reference
    uses: tuple[ResourceAddress, ...] = ()  # the part of it whose values it used
    protect: bool = False
    retain: bool = False
    freshness: str = ""  # etag, version or time of the last sighting
    revision: int = 1  # rises with every applied change; what `rollout_on` watches
    owes: tuple[str, ...] = ()  # checkpoints of a step that failed half-way
    pending: tuple[Pending, ...] = ()
    lane: str = ""
    applied_at: str = ""
    applied_by: str = ""

    @property
    def deletion(self) -> Pending | None:
        """Its deletion, where that is under way."""
        return next((one for one in self.pending if one.what == "deletion"), None)

    def renamed(self, address: ResourceAddress, moves: Mapping[ResourceAddress, ResourceAddress]) -> Prior:
        """The same under this address, where others have moved as well. What stood where they are now is long gone."""
        if address == self.address and not (moves.keys() | moves.values()).intersection(self.depends_on):
            return self
        arrived = set(moves.values())
        waits_for, uses = (
            tuple(sorted(moves.get(one, one) for one in it if one in moves or one not in arrived))
            for it in (self.depends_on, self.uses)
        )
        return replace(self, address=address, depends_on=waits_for, uses=uses)


def set_aside(prior: Prior) -> Prior:
    """What was replaced, beside its successor until it is deleted; its guards were answered when that was planned."""
    address = prior.address._replace(replaced=prior.identity)
    return replace(prior, address=address, protect=False, retain=False, pending=(), owes=())


@frozen
class Observed:
    """A resource as the service shows it. `raw` is the service's own object, to overlay what is replaced whole; never stored."""

    identity: str
    name: str
    attributes: Attributes
    outputs: Attributes = field(default_factory=dict)
    freshness: str = ""
    created_at: str = ""
    unsettled: Pending | None = None  # seen to be moving: a rollout in flight, a running deletion
    owes: tuple[str, ...] = ()  # seen to be left half done: configuration changed, instances not
    raw: Mapping[str, Value] = field(default_factory=dict)
    elsewhere: str = ""  # why this cannot be ours although the id matches: another namespace, account, link
    changed_at: str = ""  # when anybody last changed it, as the service tells
    changed_by: str = ""  # who did, and with what, where the service tells
