"""The verbs of the kind `secret`: account secrets (reference 2.4), and the memory of those that go nowhere by themselves.

A value cannot be read back: it is compared with what was sent last; its version tells whether somebody else sent another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol

from reconciler.clients.fingerprint import FingerprintKeys
from reconciler.errors import ConflictError, NotFoundError, ReconcilerError
from reconciler.kinds.secret.facts import KIND, needs_account_secret, read_block
from reconciler.kinds.secret.fetching import Fetch, Fetching, Scrub, is_imported, is_in_account, source_of
from reconciler.model.address import ResourceAddress
from reconciler.model.change import SHOWN, Action, Change, Effect, Hazard
from reconciler.model.describing import Described, Known, external
from reconciler.model.handler import (
    BindContext,
    Bound,
    Handler,
    Judgement,
    Lack,
    Look,
    PrepareContext,
    Prepared,
    Result,
    Sighting,
    Subject,
    Work,
)
from reconciler.model.kind import worst_effect
from reconciler.model.resource import Desired, Observed, Pending
from reconciler.model.value import Attributes, Secret, Value

ROTATES = "ROTATES_SECRET"


class SecretsApi(Protocol):
    """The part of Cloudflare's API that account secrets need."""

    def list_secrets(self) -> Sequence[Mapping[str, Any]]:
        """Names and versions."""

    def create_secret(self, name: str, value: str) -> Mapping[str, Any]:
        """A new one; ConflictError if the name is taken."""

    def update_secret(self, name: str, value: str) -> Mapping[str, Any]:
        """A new value, and with it a new version."""

    def delete_secret(self, name: str) -> None:
        """Gone at once."""


def _no_source(source: Mapping[str, Value]) -> str:
    del source
    raise ReconcilerError("secrets cannot be fetched here")


class SecretHandler(Handler):
    """Knows secrets. `fetch` gets a value from the source under `from`, `scrub` is told every value that was fetched."""

    kind = KIND

    def __init__(
        self,
        api: SecretsApi | None = None,
        *,
        fetch: Fetch = _no_source,
        scrub: Scrub = lambda _value: None,
        keys: FingerprintKeys | None = None,
    ) -> None:
        self._api = api
        self._fetch = fetch
        self._scrub = scrub
        self._keys = keys

    # thinking

    def bind(self, block: Attributes, context: BindContext) -> Bound:
        """Reads the block by the rules of interface 1.5."""
        return read_block(block, context)

    def judge(self, change: Change) -> Judgement:
        """A new value reaches what runs when it is next placed; a worker that takes it speaks for itself."""
        if not _goes_to_account(change):
            return Judgement(Effect.NONE, tuple(_hazards(change)), writes=0, sends=False)
        return Judgement(worst_effect(KIND, change), tuple(_hazards(change)), notes=tuple(_notes(change)))

    # looking

    def prepare(
        self, wishes: Sequence[Desired], context: PrepareContext
    ) -> Mapping[ResourceAddress, Prepared]:
        """Fetches values, and works out their fingerprints."""
        return Fetching(self._fetch, self._scrub, self._keys, context).prepare(wishes)

    def recall(
        self, wishes: Sequence[Desired], context: PrepareContext
    ) -> Mapping[ResourceAddress, Prepared]:
        """No state holds a value: it stays what it is, and is at hand where its source of then still gives that one."""
        return Fetching(self._fetch, self._scrub, self._keys, context).recall(wishes)

    def lacks(self, change: Change) -> Lack | None:
        """Only what is sent to the account needs its value."""
        return super().lacks(change) if _goes_to_account(change) else None

    def observe(self, look: Look) -> Sighting:
        """One list for all account secrets, and none where there are none; the others are what we remember of them."""
        asked = {subject.address for subject in look.subjects if _may_be_in_account(subject)}
        documents = {str(one["name"]): one for one in self._list(look, asked)}
        by_identity: dict[ResourceAddress, Observed] = {}
        by_key: dict[ResourceAddress, tuple[Observed, ...]] = {}
        for subject in look.subjects:
            if subject.prior is not None and not is_in_account(subject.prior):
                by_identity[subject.address] = _as_remembered(subject)
            elif (document := documents.get(subject.identity or subject.import_id)) is not None:
                by_identity[subject.address] = _observed(document, subject)
            elif subject.address in asked and subject.name in documents:
                by_key[subject.address] = (_observed(documents[subject.name], subject),)
        known = {subject.identity or subject.name for subject in look.subjects}
        others = [_observed(one) for name, one in documents.items() if look.others and name not in known]
        return Sighting(by_identity, by_key, tuple(others))

    def describe(self, observed: Observed, known: Known) -> Described | None:
        """It can be named, and no more."""
        del observed, known
        return external("its value cannot be read", "`from: {env: NAME}`")

    def _list(self, look: Look, asked: Collection[ResourceAddress]) -> Sequence[Mapping[str, Any]]:
        return self._account.list_secrets() if asked or look.others else ()

    @property
    def _account(self) -> SecretsApi:
        if self._api is None:
            raise ReconcilerError("the account's secrets cannot be asked for here")
        return self._api

    # doing

    def create(self, change: Change, work: Work) -> Result:
        """Creates an account secret; what no application needs is only remembered."""
        if not needs_account_secret(change.wanted):
            return _local(change)
        return self._create(change, work)

    def update(self, change: Change, work: Work) -> Result:
        """Sends the value where it has changed, or where somebody else changed it."""
        if not _goes_to_account(change):
            return _local(change)
        if not _is_there(change):
            return self._create(change, work)
        if not _has_to_be_sent(change, work):
            return _unsent(change)
        try:
            document = self._account.update_secret(change.name, _value(change))
        except NotFoundError:
            return self._create(change, work)
        return _sent(change, document)

    def delete(self, change: Change, work: Work) -> Pending | None:
        """Deletes the account secret, if there is one of ours."""
        del work
        if change.prior is not None and is_in_account(change.prior):
            self._account.delete_secret(change.prior.identity)
        return None

    def _create(self, change: Change, work: Work) -> Result:
        value = _value(change)
        try:
            document = self._account.create_secret(change.name, value)
        except ConflictError as error:
            # A value cannot be read: one that a lost attempt of ours has left is written again.
            if work.again:
                return _sent(change, self._account.update_secret(change.name, value))
            raise ConflictError(
                f'the account has a secret "{change.name}" already',
                status=error.status,
                code=error.code,
                fix="take it over with `adopt: true`, or choose another `name`",
            ) from None
        return _sent(change, document)


def _goes_to_account(change: Change) -> bool:
    """Once in the account, it stays there until it leaves the manifest: who still uses it is not for us to see."""
    return needs_account_secret(change.wanted) or is_in_account(change.prior) or _is_there(change)


def _is_there(change: Change) -> bool:
    return change.observed is not None and change.observed.outputs.get("version") is not None


def _may_be_in_account(subject: Subject) -> bool:
    if subject.prior is not None:
        return is_in_account(subject.prior)
    return bool(subject.import_id or subject.external) or needs_account_secret(subject.wanted or {})


def _has_to_be_sent(change: Change, work: Work) -> bool:
    owed = bool(change.prior and change.prior.owes)
    return owed or work.again or change.touches("value", "as_sent") or change.action is Action.ADOPT


def _value(change: Change) -> str:
    secret = change.wanted.get("value")
    if not isinstance(secret, Secret) or not secret.at_hand:
        source = ", ".join(f"`{name}`" for name in source_of(change.wanted))
        raise ReconcilerError(
            "its value has to be sent and is not at hand",
            fix=f"make its source {source} available and run again",
            address=str(change.address),
        )
    return secret.reveal()


def _local(change: Change) -> Result:
    """Nothing is sent: whoever uses the value gets it by reference."""
    outputs = {"name": change.name, "version": None, "value": change.wanted.get("value")}
    return Result(Observed(change.name, change.name, {"name": change.name}, outputs))


def _unsent(change: Change) -> Result:
    assert change.observed is not None
    return Result(change.observed)


def _sent(change: Change, document: Mapping[str, Any]) -> Result:
    version = document["version"]
    outputs = {"name": change.name, "version": version, "value": change.wanted.get("value")}
    attributes = {"name": change.name, "as_sent": True}
    observed = Observed(change.name, change.name, attributes, outputs, str(version))
    return Result(observed, facts={"version": version})


def _observed(document: Mapping[str, Any], subject: Subject | None = None) -> Observed:
    name, version = str(document["name"]), document["version"]
    sent = subject.prior.facts.get("version") if subject and subject.prior else None
    return Observed(
        name,
        name,
        {"name": name, "as_sent": version == sent},
        {"name": name, "version": version},
        str(version),
        str(document.get("created_at", "")),
        changed_at=str(document.get("updated_at") or ""),
    )


def _as_remembered(subject: Subject) -> Observed:
    prior = subject.prior
    assert prior is not None
    return Observed(prior.identity, prior.name, prior.attributes, prior.outputs, prior.freshness)


def _rotates(change: Change) -> bool:
    return any(one.path == ("value",) and isinstance(one.before, Secret) for one in change.attributes)


def _hazards(change: Change) -> Iterator[Hazard]:
    if change.action is Action.UPDATE and _rotates(change):
        yield Hazard(ROTATES, SHOWN, "the secret gets another value")


def _notes(change: Change) -> Iterator[str]:
    if change.action is Action.UPDATE and change.touches("value", "as_sent"):
        yield "running instances get the new value when they are next placed, unless their `rollout_on` names it"
    if change.touches("as_sent") and change.prior and change.observed:
        sent, now = change.prior.facts.get("version"), change.observed.outputs.get("version")
        if is_imported(change.prior):
            yield "it was imported: what its value is cannot be read, so it is sent"
        else:
            yield f"somebody else changed it (version {now}; we sent version {sent}), so it is sent again"
    if is_in_account(change.prior) and change.desired and not needs_account_secret(change.wanted):
        yield "nothing uses it from the account any more; it stays there until it leaves the manifest"
