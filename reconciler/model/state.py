"""What we manage. `State.after` is a pure fold: the state after an apply is the state before plus its events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.frozen import frozen
from reconciler.model.address import ResourceAddress
from reconciler.model.event import (
    Event,
    OutputsChanged,
    StepBegun,
    StepCheckpointed,
    StepFailed,
    StepLeftUnsettled,
    StepRecovered,
    StepSettled,
    StepSucceeded,
    StepVoided,
)
from reconciler.model.resource import Prior, set_aside
from reconciler.model.value import Value


@frozen
class Tombstone:
    """An object we deleted not long ago, so that its running deletion is not taken for somebody else's object."""

    identity: str
    address: ResourceAddress
    deleted_at: str


@frozen
class Intent:
    """A step that began and has not ended, with the checkpoints it reached."""

    begun: StepBegun
    checkpoints: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)


@frozen
class State:
    """Everything remembered about one environment of one project on one account."""

    lineage: str
    serial: int = 0
    project: str = ""
    environment: str | None = None
    target: str = "cloudflare"
    account_id: str = ""
    api_base_url: str = ""
    resources: Mapping[ResourceAddress, Prior] = field(default_factory=dict)
    outputs: Mapping[str, Value] = field(default_factory=dict)
    tombstones: tuple[Tombstone, ...] = ()
    intents: Mapping[str, Intent] = field(default_factory=dict)  # by operation id
    fingerprint_key_id: str = ""

    def own_identities(self) -> dict[str, set[str]]:
        """By kind, the ids of what is ours, or was not long ago: an id tells apart objects of one kind only."""
        ours: dict[str, set[str]] = {}
        for address, prior in self.resources.items():
            ours.setdefault(address.kind, set()).add(prior.identity)
        for stone in self.tombstones:
            ours.setdefault(stone.address.kind, set()).add(stone.identity)
        return ours

    def renamed(self, moves: Mapping[ResourceAddress, ResourceAddress]) -> State:
        """The state with resources under other addresses, from old to new; what waits for them does so under the new one."""
        found = {moves.get(address, address): prior for address, prior in self.resources.items()}
        return replace(self, resources={address: it.renamed(address, moves) for address, it in found.items()})

    def after(self, events: Iterable[Event]) -> State:
        """The state once these have happened. The order of events of different resources does not matter."""
        folding = _Folding(dict(self.resources), dict(self.intents), list(self.tombstones), self.outputs)
        for event in events:
            folding.take(event)
        return replace(
            self,
            resources=folding.resources,
            intents=folding.intents,
            tombstones=tuple(folding.tombstones),
            outputs=folding.outputs,
        )


@dataclass(slots=True)
class _Folding:
    """The mutable middle of one fold."""

    resources: dict[ResourceAddress, Prior]
    intents: dict[str, Intent]
    tombstones: list[Tombstone]
    outputs: Mapping[str, Value]

    def take(self, event: Event) -> None:
        match event:
            case StepBegun():
                self._begin(event)
            case StepCheckpointed():
                self._checkpoint(event)
            case StepSucceeded() | StepRecovered():
                self._set_aside(event)
                self._end(event.operation, event.address, event.prior)
                if event.deleted:
                    self._forget_what_went(event.address, event.deleted)
                    self.tombstones.append(Tombstone(event.deleted, event.address, event.at))
            case StepSettled():
                self._end(event.operation, event.address, event.prior)
            case StepLeftUnsettled():
                self._end(event.operation, event.address, event.prior)
            case StepFailed():
                self._fail(event)
            case StepVoided():
                self.intents.pop(event.operation, None)
            case OutputsChanged():
                self.outputs = event.outputs
            case _:
                pass

    def _begin(self, event: StepBegun) -> None:
        """A repeat takes the place of the attempt that was cut off, with the checkpoints that one had reached."""
        earlier = self.intents.pop(event.repeats, None)
        self.intents[event.operation] = Intent(event, earlier.checkpoints if earlier else {})

    def _set_aside(self, event: StepSucceeded | StepRecovered) -> None:
        """What a new object has replaced is remembered beside it until it is deleted."""
        intent, old = self.intents.get(event.operation), self.resources.get(event.address)
        if intent is None or old is None or event.prior is None or not intent.begun.replaces:
            return
        if old.identity == intent.begun.replaces != event.prior.identity:
            aside = set_aside(old)
            self.resources[aside.address] = aside

    def _forget_what_went(self, address: ResourceAddress, deleted: str) -> None:
        """What had to go before its successor could come is still known under its old address."""
        known = self.resources.get(address.successor)
        if address.replaced and known is not None and known.identity == deleted:
            del self.resources[address.successor]

    def _checkpoint(self, event: StepCheckpointed) -> None:
        if intent := self.intents.get(event.operation):
            reached = {**intent.checkpoints, event.name: event.facts}
            self.intents[event.operation] = Intent(intent.begun, reached)

    def _end(self, operation: str, address: ResourceAddress, prior: Prior | None) -> None:
        self.intents.pop(operation, None)
        if prior is None:
            self.resources.pop(address, None)
        else:
            self.resources[address] = prior

    def _fail(self, event: StepFailed) -> None:
        if event.uncertain:
            return
        self.intents.pop(event.operation, None)
        if event.prior is not None:
            self.resources[event.address] = event.prior
