"""Everything the house knows about the account itself: what a container gets that says nothing (reference 2.11).

It is there before us and after us: its creation here only remembers what it finds, and its destruction puts that back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from reconciler.clients.explaining import explained
from reconciler.errors import ReconcilerError
from reconciler.kinds.shared.room import without_room
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Action, Change
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.handler import (
    BindContext,
    Bound,
    Handler,
    Judgement,
    Look,
    PrepareContext,
    Prepared,
    Result,
    Sighting,
    Work,
)
from reconciler.model.kind import Attribute, Kind, Output, Removal, Uniqueness, worst_effect
from reconciler.model.resource import Desired, Observed, Pending
from reconciler.model.value import Attributes, Value

NAMED = "Q101"

_BEFORE = "before"  # the defaults of before the first apply, under this name among the facts
_KEYS = ("vcpus", "memory_mib", "disk_mb")
_REFUSALS = {
    "VALIDATE_INPUT": "keep `defaults` within the account's limits; an output of `${account.limits}` shows them"
}


def _default(key: str, schema: Mapping[str, Any], description: str) -> Attribute:
    return Attribute(f"defaults.{key}", schema, description, removal=Removal.RESET)


KIND = Kind(
    name="account",
    section="account",
    description="The account's own settings: what a container gets that does not say.",
    attributes=(
        _default("vcpus", {"type": "number", "exclusiveMinimum": 0}, "Processors."),
        _default("memory_mib", {"type": "integer", "minimum": 1}, "Memory in MiB."),
        _default("disk_mb", {"type": "integer", "minimum": 1}, "Disk in MB."),
    ),
    outputs=(
        Output("id", "The account's id."),
        Output("limits", "What one container and all of them may have.", stable=False),
        Output("locations", "Where containers may run, each with its limits.", stable=False),
        Output("defaults", "What a container gets that does not say.", stable=False),
    ),
    uniqueness=Uniqueness.CONTENT,
    exclusive=(),
    named=False,
    singleton=True,
)


class MeApi(Protocol):
    """The part of Cloudflare's API that the account needs."""

    def get_account(self) -> Mapping[str, Any]:
        """Limits, locations and defaults."""

    def update_account(self, defaults: Mapping[str, Any]) -> Mapping[str, Any]:
        """Changes those defaults that are given."""


class AccountHandler(Handler):
    """Knows the account."""

    kind = KIND

    def __init__(self, api: MeApi | None = None) -> None:
        self._api = api

    # thinking

    def bind(self, block: Attributes, context: BindContext) -> Bound:
        """Nothing but `defaults`."""
        if context.name is not None or context.address.each:
            key = "name" if context.name is not None else "for_each"
            summary = "there is one account, and it has no name of our making"
            context.report((key,), NAMED, summary, f"leave `{key}` out")
        given = block.get("defaults")
        defaults = {} if context.external else given
        return Bound({"defaults": defaults} if defaults is not None else {}, name=KIND.name)

    def judge(self, change: Change) -> Judgement:
        """Only containers that are made later notice."""
        notes = (
            ("what was there before the first apply is put back",) if change.action is Action.DELETE else ()
        )
        return Judgement(worst_effect(KIND, change), notes=notes)

    # looking

    def prepare(
        self, wishes: Sequence[Desired], context: PrepareContext
    ) -> Mapping[ResourceAddress, Prepared]:
        """A default that the manifest no longer sets goes back to what it was before the first apply."""
        prepared = {}
        for wish in wishes:
            prior = context.priors.get(wish.address)
            wanted = wish.attributes.get("defaults", {})
            if prior is not None and isinstance(wanted, Mapping):
                managed, before = prior.attributes.get("defaults", {}), prior.facts.get(_BEFORE, {})
                restored = {key: before[key] for key in managed if key in before}
                prepared[wish.address] = Prepared({"defaults": {**restored, **wanted}})
        return prepared

    def recall(
        self, wishes: Sequence[Desired], context: PrepareContext
    ) -> Mapping[ResourceAddress, Prepared]:
        """What was not set then goes back to what it was before the first apply, too."""
        return self.prepare(wishes, context)

    def observe(self, look: Look) -> Sighting:
        """The account is always there; it is nobody's until an apply has remembered what was there before."""
        if not look.subjects:
            return Sighting()
        seen = _observed(self._account.get_account())
        by_identity: dict[ResourceAddress, Observed] = {}
        by_key: dict[ResourceAddress, tuple[Observed, ...]] = {}
        for subject in look.subjects:
            if subject.external:
                by_key[subject.address] = (seen,)
            elif seen.identity in (subject.identity, subject.import_id):
                by_identity[subject.address] = seen
        return Sighting(by_identity, by_key)

    def survey(self, changes: Sequence[Change]) -> Iterable[Diagnostic]:
        """Holds everything that runs containers against the account's limits, totals and locations."""
        return without_room(lambda: self._account.get_account(), changes)

    @property
    def _account(self) -> MeApi:
        if self._api is None:
            raise ReconcilerError("the account cannot be asked for here")
        return self._api

    # doing

    def create(self, change: Change, work: Work) -> Result:
        """Remembers what is there, then sets what is wanted."""
        before = work.before.get(_BEFORE)
        if before is None:
            before = _observed(self._account.get_account()).attributes["defaults"]
            work.checkpoint(_BEFORE, before)
        return self._set(change.wanted.get("defaults") or {}, {_BEFORE: before})

    def update(self, change: Change, work: Work) -> Result:
        """Sets what is wanted; taken over, it remembers what it found."""
        del work
        assert change.observed is not None
        known = change.prior.facts if change.prior else {}
        facts = {} if _BEFORE in known else {_BEFORE: change.observed.attributes["defaults"]}
        return self._set(change.wanted.get("defaults") or {}, facts)

    def delete(self, change: Change, work: Work) -> Pending | None:
        """Puts back what was there before the first apply, where we have set something else."""
        del work
        prior = change.prior
        before = prior.facts.get(_BEFORE) if prior else None
        managed = prior.attributes.get("defaults") if prior else None
        if isinstance(before, Mapping) and isinstance(managed, Mapping):
            self._set({key: before[key] for key in _KEYS if key in before}, {})
        return None

    def _set(self, defaults: Mapping[str, Value], facts: Mapping[str, Value]) -> Result:
        with explained(_REFUSALS):
            document = self._account.update_account(defaults) if defaults else self._account.get_account()
        return Result(_observed(document), facts=facts)


def _observed(document: Mapping[str, Any]) -> Observed:
    defaults = {key: document["defaults"][key] for key in _KEYS if key in document.get("defaults", {})}
    identity = str(document["external_account_id"])
    outputs = {
        "id": identity,
        "limits": document.get("limits", {}),
        "locations": document.get("locations", []),
        "defaults": defaults,
    }
    return Observed(identity, KIND.name, {"defaults": defaults}, outputs)
