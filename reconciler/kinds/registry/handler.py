"""The verbs of the kind `registry`. A registry is two objects, a secret and an entry that points to it (reference 2.7).

A public Docker Hub needs neither: its entry in the manifest is a word to us only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from reconciler.clients.explaining import explained
from reconciler.errors import ConflictError, NotFoundError, ProviderError, ReconcilerError, UnavailableError
from reconciler.kinds.registry import credential
from reconciler.kinds.registry.table import KIND, SUPPORTED, is_remote, read_block, text_of
from reconciler.model.address import ResourceAddress
from reconciler.model.change import SHOWN, Action, Change, Effect, Hazard
from reconciler.model.describing import Described, Known, external
from reconciler.model.diagnostic import Diagnostic, Severity
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
    Subject,
    Work,
)
from reconciler.model.kind import worst_effect
from reconciler.model.resource import Desired, Observed, Pending, Prior
from reconciler.model.value import Attributes, Secret

BAD_KEY = "R106"

STORE_WRITE = "Secrets Store Write"
_STORED = "stored"
_REFUSALS = {
    "VALIDATE_INPUT": "check `domain`, `kind` and the two credentials",
    "IMAGE_REGISTRY_NOT_ALLOWED": f"Cloudflare does not pull from there for this account; {SUPPORTED}",
}


class RegistriesApi(credential.StoreApi, Protocol):
    """The part of Cloudflare's API that registries need."""

    def list_registries(self) -> Sequence[Mapping[str, Any]]:
        """All of them, Cloudflare's own too."""

    def find_registry(self, domain: str) -> Mapping[str, Any] | None:
        """One that is there for certain."""

    def create_registry(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A new one; ConflictError if the domain is there."""

    def delete_registry(self, domain: str) -> Mapping[str, Any]:
        """Says which secret is left; ConflictError while applications use it."""

    def list_applications(self) -> Sequence[Mapping[str, Any]]:
        """All of the account, with their images."""


class RegistryHandler(Handler):
    """Knows registries."""

    kind = KIND

    def __init__(self, api: RegistriesApi | None = None) -> None:
        self._api = api

    # thinking

    def bind(self, block: Attributes, context: BindContext) -> Bound:
        """Tells the kind from the domain, and whether there have to be credentials."""
        return read_block(block, context)

    def judge(self, change: Change) -> Judgement:
        """Images are pulled with the new credentials from then on; what runs goes on running."""
        if not is_remote(change.wanted) and not is_remote(change.prior.attributes if change.prior else {}):
            return Judgement(Effect.NONE, writes=0, sends=False)
        rotates = change.action is Action.UPDATE and change.touches("private_credential")
        hazard = Hazard("ROTATES_SECRET", SHOWN, "the registry's credential gets another value")
        return Judgement(
            worst_effect(KIND, change),
            (hazard,) if rotates else (),
            writes=1 if change.action is Action.UPDATE else 2,
            reads=1,
            permissions=(STORE_WRITE,),
        )

    # looking

    def prepare(
        self, wishes: Sequence[Desired], context: PrepareContext
    ) -> Mapping[ResourceAddress, Prepared]:
        """The domain is known from the text."""
        del context
        domains = {wish.address: wish.attributes.get("domain") for wish in wishes}
        return {
            address: Prepared(outputs={"domain": domain})
            for address, domain in domains.items()
            if isinstance(domain, str)
        }

    def observe(self, look: Look) -> Sighting:
        """One list for all, and none where every entry makes nothing: those are what we remember of them."""
        asked = {subject.address for subject in look.subjects if _may_be_there(subject)}
        documents = self._account.list_registries() if asked or look.others else ()
        found = {str(one["domain"]): one for one in documents if one.get("kind") != "default"}
        by_identity: dict[ResourceAddress, Observed] = {}
        by_key: dict[ResourceAddress, tuple[Observed, ...]] = {}
        for subject in look.subjects:
            domain = text_of((subject.wanted or {}).get("domain"))
            if (seen := self._known(subject, found)) is not None:
                by_identity[subject.address] = seen
            elif subject.address in asked and domain in found:
                by_key[subject.address] = (_observed(found[domain]),)
        known = {one.identity for one in by_identity.values()}
        others = [_observed(one) for domain, one in found.items() if look.others and domain not in known]
        return Sighting(by_identity, by_key, tuple(others))

    def describe(self, observed: Observed, known: Known) -> Described | None:
        """Its credential cannot be read, and an entry without one is nothing in the account."""
        del known
        keys = "`public_credential`, `private_credential: ${secrets.KEY}`"
        return external("its credential cannot be read", keys, domain=observed.identity)

    def _known(self, subject: Subject, found: Mapping[str, Mapping[str, Any]]) -> Observed | None:
        """What state or user name."""
        prior = subject.prior
        if prior is not None and not _is_there(prior):
            return Observed(prior.identity, prior.name, prior.attributes, prior.outputs)
        document = found.get(subject.identity or subject.import_id)
        if document is not None:
            return _observed(document, prior)
        return self._remains(prior) if prior is not None else None

    def _remains(self, prior: Prior) -> Observed | None:
        """An entry that is gone while its secret lies in the store still: a deletion that was cut off."""
        if credential.find_credential(self._account, *_place_of(prior)) is None:
            return None
        return Observed(prior.identity, prior.name, {"domain": prior.identity}, {"domain": prior.identity})

    def preflight(self, changes: Sequence[Change]) -> Iterator[Diagnostic]:
        """A key of Google's that is none is told before anything is touched."""
        for change in changes:
            desired, secret = change.desired, change.wanted.get("private_credential")
            if desired is None or not isinstance(secret, Secret) or not secret.at_hand:
                continue
            try:
                credential.as_stored(change.wanted)
            except ReconcilerError as error:
                place, address = desired.source_of(("private_credential",)), str(change.address)
                yield Diagnostic(Severity.ERROR, BAD_KEY, error.message, error.fix, address, place)

    @property
    def _account(self) -> RegistriesApi:
        if self._api is None:
            raise ReconcilerError("the account's registries cannot be asked for here")
        return self._api

    # doing

    def create(self, change: Change, work: Work) -> Result:
        """The secret first, then the entry that points to it; an entry that is refused leaves no secret behind."""
        wanted = change.wanted
        if not is_remote(wanted):
            return Result(_local(wanted))
        place = credential.put_credential(self._account, wanted, is_ours=work.again or _STORED in work.before)
        work.checkpoint(_STORED, place)
        try:
            with explained(_REFUSALS):
                document = self._account.create_registry(_body(wanted, place))
        except UnavailableError:
            raise
        except ProviderError as error:
            document = self._taken(wanted, place, work, error)
        return Result(_observed({**_entry(wanted), **document}), facts=place)

    def update(self, change: Change, work: Work) -> Result:
        """Only the value in the Secrets Store can be another; everything else replaces."""
        del work
        observed = change.observed
        assert observed is not None
        if not is_remote(change.wanted):
            return Result(observed)
        reference = observed.raw.get("private_credential") or (change.prior.facts if change.prior else {})
        if not isinstance(reference, Mapping) or not reference.get("store_id"):
            raise ReconcilerError(
                "its credential is not in the Secrets Store, so it cannot get another value",
                fix=f"run `apply --replace {change.address}`",
                address=str(change.address),
            )
        place = {key: str(reference[key]) for key in ("store_id", "secret_name")}
        credential.change_credential(self._account, change.wanted, place)
        return Result(observed, facts=place)

    def delete(self, change: Change, work: Work) -> Pending | None:
        """The entry, then the secret that it leaves behind."""
        del work
        prior = change.prior
        if prior is None or not _is_there(prior):
            return None
        try:
            with explained(_REFUSALS):
                left = str(self._account.delete_registry(prior.identity).get("secrets_store_ref") or "")
        except NotFoundError:
            left = ""
        except ConflictError as error:
            raise self._in_use(prior.identity, error) from None
        store, _, name = left.partition(":")
        credential.discard_credential(self._account, *((store, name) if name else _place_of(prior)))
        return None

    # refusals

    def _taken(
        self, wanted: Attributes, place: Mapping[str, str], work: Work, error: ProviderError
    ) -> Mapping[str, Any]:
        """The entry, if the refusal only says that a lost attempt has made it; else the secret goes again."""
        is_conflict = isinstance(error, ConflictError)
        if is_conflict and work.again and (found := self._pointing_to(place, str(wanted["domain"]))):
            return found
        credential.discard_credential(self._account, place["store_id"], place["secret_name"])
        if not is_conflict:
            raise error
        raise ConflictError(
            f"the account has the registry {wanted['domain']} already",
            status=error.status,
            code=error.code,
            fix="take it over with `adopt: true`, or leave it out",
        ) from None

    def _pointing_to(self, place: Mapping[str, str], domain: str) -> Mapping[str, Any] | None:
        entry = self._account.find_registry(domain)
        return entry if entry is not None and entry.get("private_credential", place) == place else None

    def _in_use(self, domain: str, error: ConflictError) -> ConflictError:
        images = {
            str(one.get("name")): str((one.get("configuration") or {}).get("image") or "")
            for one in self._account.list_applications()
        }
        users = sorted(name for name, image in images.items() if image.partition("/")[0] == domain)
        return ConflictError(
            f"{domain} still serves images to {', '.join(users) or 'something that is no application'}",
            status=error.status,
            code=error.code,
            fix="give these another `image` first, then run again",
        )


def _may_be_there(subject: Subject) -> bool:
    if subject.prior is not None:
        return _is_there(subject.prior)
    return bool(subject.import_id or subject.external) or is_remote(subject.wanted or {})


def _is_there(prior: Prior) -> bool:
    """Whether there is something of it in the account; of what was imported nothing is remembered but its domain."""
    return not prior.attributes or is_remote(prior.attributes)


def _place_of(prior: Prior) -> tuple[str, str]:
    return str(prior.facts.get("store_id", "")), str(prior.facts.get("secret_name", ""))


def _body(wanted: Attributes, place: Mapping[str, str]) -> dict[str, Any]:
    auth = {"public_credential": wanted["public_credential"], "private_credential": dict(place)}
    return {"domain": wanted["domain"], "kind": wanted["kind"], "is_public": False, "auth": auth}


def _entry(wanted: Attributes) -> dict[str, Any]:
    """What an answer may leave out."""
    return {"domain": wanted["domain"], "kind": wanted["kind"], "public_key": wanted["public_credential"]}


def _local(wanted: Attributes) -> Observed:
    domain = str(wanted["domain"])
    return Observed(domain, "", {"domain": domain, "kind": wanted.get("kind")}, {"domain": domain})


def _observed(document: Mapping[str, Any], prior: Prior | None = None) -> Observed:
    domain = str(document["domain"])
    remembered = prior.attributes if prior else {}
    attributes = {
        "domain": domain,
        "kind": document.get("kind") or remembered.get("kind"),
        "public_credential": document.get("public_key") or remembered.get("public_credential"),
    }
    return Observed(
        domain,
        domain,
        {key: value for key, value in attributes.items() if value is not None},
        {"domain": domain},
        created_at=str(document.get("created_at", "")),
        raw=document,
    )
