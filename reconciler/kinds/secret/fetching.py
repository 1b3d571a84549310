"""Gets the values of secrets and their fingerprints. A value is in memory only, inside the Secret that can reveal it.

What cannot be fetched or compared counts as unchanged; only an apply that has never sent it stops (interface 1.5).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from reconciler.clients.fingerprint import VARIABLE, FingerprintKey, FingerprintKeys
from reconciler.errors import InterruptedRunError, ReconcilerError, StalePlanError
from reconciler.kinds.secret.facts import needs_account_secret
from reconciler.model.address import ResourceAddress
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.handler import PrepareContext, Prepared
from reconciler.model.resource import Desired, Prior
from reconciler.model.value import Attributes, Secret, Value, at_path

NOT_COMPARED = "S103"
KEY_MADE = "S104"
NO_VALUE = "S105"

_AT_ONCE = 4
_RESEND = "it counts as unchanged; `apply --resend-secrets` sends it"

Fetch = Callable[[Mapping[str, Value]], str]
Scrub = Callable[[str], object]


@dataclass(slots=True)
class Fetching:
    """One round of fetching for all secrets of a manifest; each source is asked once."""

    fetch: Fetch
    scrub: Scrub
    keys: FingerprintKeys | None
    context: PrepareContext
    key: FingerprintKey | None = None
    why_no_key: str = ""
    made: Diagnostic | None = None
    values: dict[str, str | ReconcilerError] = field(default_factory=dict)

    def prepare(self, wishes: Sequence[Desired]) -> dict[ResourceAddress, Prepared]:
        """Every wish with its secret."""
        if self.context.fetch_secrets:
            self._find_key()
            self.values = self._fetch_all([source_of(wish.attributes) for wish in wishes])
        prepared = {wish.address: self._prepared(wish) for wish in wishes}
        return prepared if self.made is None else _with_note(prepared, self.made)

    def recall(self, wishes: Sequence[Desired]) -> dict[ResourceAddress, Prepared]:
        """Every wish with the secret that it is to keep; its value only where the source gives just that one."""
        if self.context.fetch_secrets:
            self._find_key()
            self.values = self._fetch_all([source_of(wish.attributes) for wish in wishes])
        return {wish.address: self._kept(wish) for wish in wishes}

    def _kept(self, wish: Desired) -> Prepared:
        answer = self.values.get(_key(source_of(wish.attributes)))
        secret = wish.attributes.get("value")
        found = self._secret(answer, None)
        if isinstance(secret, Secret) and secret.fingerprint and secret.fingerprint == found.fingerprint:
            secret = found
        return Prepared({"value": secret}, {"value": secret})

    # the key

    def _find_key(self) -> None:
        """The key of the state's fingerprints; the first apply makes one where nobody has given one."""
        if self.keys is None:
            return
        try:
            self.key = self.keys.find(self.context.state_lineage)
            if self.key is None and self._may_make_key():
                path = self.keys.make(self.context.state_lineage)
                self.key = self.keys.find(self.context.state_lineage)
                self.made = _made(str(path))
        except ReconcilerError as error:
            self.why_no_key = str(error)

    def _may_make_key(self) -> bool:
        context = self.context
        return context.must_fetch and bool(context.state_lineage) and not context.key_id

    # the values

    def _fetch_all(self, sources: Iterable[Mapping[str, Value]]) -> dict[str, str | ReconcilerError]:
        distinct = {_key(source): source for source in sources if source}
        asked = {key: source for key, source in distinct.items() if "prompt" in source}
        looked_up = {key: source for key, source in distinct.items() if key not in asked}
        values: dict[str, str | ReconcilerError] = {}
        if looked_up:
            with ThreadPoolExecutor(min(_AT_ONCE, len(looked_up)), thread_name_prefix="secret") as pool:
                values |= zip(looked_up, pool.map(self._fetched, looked_up.values()), strict=True)
        # A person answers one question at a time.
        values |= {key: self._asked(source) for key, source in asked.items()}
        return values

    def _asked(self, source: Mapping[str, Value]) -> str | ReconcilerError:
        if not self.context.must_fetch:
            return ReconcilerError("it is asked for when it is applied")
        return self._fetched(source)

    def _fetched(self, source: Mapping[str, Value]) -> str | ReconcilerError:
        try:
            value = self.fetch(source)
        except InterruptedRunError:
            raise
        except ReconcilerError as error:
            return error
        self.scrub(value)
        return value

    # the secrets

    def _prepared(self, wish: Desired) -> Prepared:
        prior = self.context.priors.get(wish.address)
        answer = self.values.get(_key(source_of(wish.attributes)))
        secret = self._secret(answer, prior)
        self._check_unchanged(wish, secret)
        attributes: dict[str, Value] = {"value": secret}
        outputs: dict[str, Value] = {"value": secret}
        if needs_account_secret(wish.attributes) or is_in_account(prior):
            attributes["as_sent"] = True
        else:
            outputs["version"] = None
        note = self._finding(wish, answer, prior)
        # What could not be looked at is not recorded: an apply that can look has nothing to hold it against.
        recorded = {str(wish.address): secret.fingerprint} if secret.at_hand and secret.fingerprint else {}
        return Prepared(attributes, outputs, (note,) if note else (), recorded)

    def _secret(self, answer: str | ReconcilerError | None, prior: Prior | None) -> Secret:
        if isinstance(answer, str):
            return Secret(self.key.fingerprint(answer) if self.key else "", lambda: answer)
        return Secret(self._last_fingerprint(prior))

    def _last_fingerprint(self, prior: Prior | None) -> str:
        """What cannot be looked at counts as unchanged: it keeps its fingerprint, if that is of the key in use."""
        known = at_path(prior.attributes, ("value", "$secret"), "") if prior else ""
        in_use = self.key.id if self.key else self.context.key_id
        return str(known) if not in_use or str(known).startswith(f"{in_use}:") else ""

    def _check_unchanged(self, wish: Desired, secret: Secret) -> None:
        recorded = self.context.recorded.get(str(wish.address), "")
        if not recorded or not secret.at_hand or recorded == secret.fingerprint:
            return
        if recorded.partition(":")[0] == secret.fingerprint.partition(":")[0]:
            raise StalePlanError(
                "its value is another than when the plan was made",
                fix="plan again",
                address=str(wish.address),
            )

    def _finding(
        self, wish: Desired, answer: str | ReconcilerError | None, prior: Prior | None
    ) -> Diagnostic | None:
        if isinstance(answer, ReconcilerError):
            if prior is None and self.context.must_fetch:
                return _diagnostic(wish, Severity.ERROR, NO_VALUE, answer.message, answer.fix)
            return _not_compared(wish, answer.message, answer.fix)
        if answer is None or self.keys is None:
            return None
        if self.key is None and (self.why_no_key or self.context.key_id):
            return _not_compared(wish, self.why_no_key or _foreign(self.context.key_id), "")
        if self.key and self.context.key_id and self.key.id != self.context.key_id:
            return _not_compared(wish, _foreign(self.context.key_id), "")
        return None


def source_of(attributes: Attributes) -> Mapping[str, Value]:
    """The one source of a secret."""
    source = attributes.get("from")
    return source if isinstance(source, Mapping) else {}


def is_in_account(prior: Prior | None) -> bool:
    """Whether we have put it into the account: then it stays there until it leaves the manifest."""
    return prior is not None and (prior.facts.get("version") is not None or is_imported(prior))


def is_imported(prior: Prior) -> bool:
    """Whether it was found in the account, and nothing has been sent since: then nothing is remembered but its name."""
    return not prior.attributes


def _key(source: Mapping[str, Value]) -> str:
    return json.dumps(source, sort_keys=True, default=str)


def _foreign(key_id: str) -> str:
    return f"the fingerprint key {key_id} is not here"


def _not_compared(wish: Desired, why: str, fix: str) -> Diagnostic:
    summary = f"(sensitive, not compared): {why}"
    return _diagnostic(wish, Severity.WARNING, NOT_COMPARED, summary, fix or _RESEND)


def _made(path: str) -> Diagnostic:
    summary = f"the key that tells changed secrets from unchanged ones is now in {path}"
    fix = f"give its content to everybody who applies, CI too, as {VARIABLE}"
    return Diagnostic(Severity.WARNING, KEY_MADE, summary, fix)


def _diagnostic(wish: Desired, severity: Severity, code: str, summary: str, fix: str) -> Diagnostic:
    return Diagnostic(severity, code, summary, fix, str(wish.address), wish.source_of(("from",)))


def _with_note(
    prepared: Mapping[ResourceAddress, Prepared], note: Diagnostic
) -> dict[ResourceAddress, Prepared]:
    """Hangs what concerns all secrets on the first one."""
    noted = dict(prepared)
    first = next(iter(noted))
    noted[first] = replace(noted[first], diagnostics=(note, *noted[first].diagnostics))
    return noted
