"""Everything the house knows about SSH public keys: used by id, deleted by name, never changed (reference 2.5).

Two keys may have one name, and a deletion by name takes both: so nothing is deleted without looking first.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from reconciler.clients.explaining import explained
from reconciler.clients.regular_file import read_regular, reason
from reconciler.errors import ConflictError, ReconcilerError
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Change, Effect
from reconciler.model.describing import Described, Known, external, literal
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.handler import (
    BindContext,
    Bound,
    Handler,
    Look,
    PrepareContext,
    Prepared,
    Result,
    Sighting,
    Subject,
    Work,
)
from reconciler.model.kind import Attribute, Kind, Output, Removal, Uniqueness
from reconciler.model.resource import Desired, Observed, Pending
from reconciler.model.value import Attributes, Value

ONE_SOURCE = "H101"
BAD_KEY = "H102"
UNREADABLE = "H103"
SEVERAL = "H104"

_TYPE = "ssh-ed25519"
_WHOLE = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20"  # what stands before the 32 bytes of the key itself
_LARGEST = 16 * 1024
_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_REFUSALS = {
    "VALIDATE_INPUT": "give one line as in a .pub file: `ssh-ed25519 AAAA... comment`",
}

KIND = Kind(
    name="ssh_public_key",
    section="ssh_public_keys",
    description="A public key that containers may take by its id; a changed one is a new one.",
    attributes=(
        Attribute("name", _TEXT, "Name of the key in the account.", replaces=True, removal=Removal.REPLACE),
        Attribute(
            "public_key",
            _TEXT,
            "The key as one line: `ssh-ed25519 AAAA... comment`.",
            replaces=True,
            removal=Removal.REPLACE,
        ),
        Attribute(
            "public_key_file",
            _TEXT,
            "A file that holds the key, relative to the manifest.",
            effect=Effect.NONE,
            write_only=True,
        ),
    ),
    outputs=(Output("id", "What `ssh_public_key_ids` takes."), Output("name", "Name of the key.")),
    uniqueness=Uniqueness.LISTED,
    one_of=(("public_key", "public_key_file"),),
)


class KeysApi(Protocol):
    """The part of Cloudflare's API that keys need."""

    def list_ssh_public_keys(self) -> Sequence[Mapping[str, Any]]:
        """All of them; their text may be missing."""

    def create_ssh_public_key(self, name: str, public_key: str) -> Mapping[str, Any]:
        """A new one, whoever else has that name."""

    def delete_ssh_public_key(self, name: str) -> None:
        """Deletes by name."""


class SshPublicKeyHandler(Handler):
    """Knows SSH public keys; files are relative to `base_dir`."""

    kind = KIND

    def __init__(self, api: KeysApi | None = None, *, base_dir: Path = Path()) -> None:
        self._api = api
        self._base_dir = base_dir

    # thinking

    def bind(self, block: Attributes, context: BindContext) -> Bound:
        """One of the two sources; a key that stands in the manifest is checked at once, a file when planning."""
        text, file = block.get("public_key"), block.get("public_key_file")
        if context.external:
            return Bound({})
        if (text is None) == (file is None):
            said = "exclude each other" if text is not None else "are both missing"
            fix = "say exactly one of them"
            context.report((), ONE_SOURCE, f"`public_key` and `public_key_file` {said}", fix)
            return Bound({})
        if file is not None:
            return Bound({"public_key_file": file})
        if not isinstance(text, str):
            return Bound({"public_key": text})
        if wrong := _what_is_wrong(text):
            context.report(("public_key",), BAD_KEY, wrong, _REFUSALS["VALIDATE_INPUT"])
        return Bound({"public_key": _canonical(text)})

    # looking

    def prepare(
        self, wishes: Sequence[Desired], context: PrepareContext
    ) -> Mapping[ResourceAddress, Prepared]:
        """Reads the keys that lie in files."""
        del context
        files = [(wish, wish.attributes.get("public_key_file")) for wish in wishes]
        return {wish.address: self._read(wish, file) for wish, file in files if isinstance(file, str)}

    def _read(self, wish: Desired, file: str) -> Prepared:
        try:
            text = read_regular(self._base_dir / file, _LARGEST).decode()
        except UnicodeDecodeError:
            return _unusable(wish, UNREADABLE, f"{file} is no text")
        except (OSError, ValueError) as error:
            why = reason(error) if isinstance(error, OSError) else "is no path"
            return _unusable(wish, UNREADABLE, f"{file} {why}")
        if wrong := _what_is_wrong(text):
            return _unusable(wish, BAD_KEY, f"{file}: {wrong}")
        return Prepared({"public_key": _canonical(text)})

    def observe(self, look: Look) -> Sighting:
        """One list for all."""
        documents = self._account.list_ssh_public_keys()
        by_identity: dict[ResourceAddress, Observed] = {}
        by_key: dict[ResourceAddress, tuple[Observed, ...]] = {}
        diagnostics: list[Diagnostic] = []
        for subject in look.subjects:
            meant = _meant(documents, subject)
            if len(meant) == 1:
                by_identity[subject.address] = _observed(meant[0], subject)
            elif meant:
                diagnostics.append(_several(subject, meant))
            by_key[subject.address] = tuple(_observed(one) for one in _of_name(documents, subject.name))
        known = {one.identity for one in by_identity.values()}
        others = [_observed(one) for one in documents if look.others and one["id"] not in known]
        return Sighting(by_identity, by_key, tuple(others), tuple(diagnostics))

    def describe(self, observed: Observed, known: Known) -> Described | None:
        """The key itself, where the list gives it."""
        del known
        text = observed.attributes.get("public_key")
        if not text:
            return external("the account does not show the key itself", id=observed.identity)
        return Described({"public_key": literal(text)})

    @property
    def _account(self) -> KeysApi:
        if self._api is None:
            raise ReconcilerError("the account's SSH keys cannot be asked for here")
        return self._api

    # doing

    def create(self, change: Change, work: Work) -> Result:
        """Adds the key; it gets an id of its own."""
        del work
        text = str(change.wanted["public_key"])
        with explained(_REFUSALS):
            document = self._account.create_ssh_public_key(change.name, text)
        return Result(_observed({"name": change.name, "public_key": text, **document}))

    def update(self, change: Change, work: Work) -> Result:
        """Nothing of a key can be changed; it may be taken over, or come out of another file."""
        del work
        assert change.observed is not None
        return Result(change.observed)

    def delete(self, change: Change, work: Work) -> Pending | None:
        """Deletes by name, once it is certain that this means ours and no other."""
        del work
        assert change.observed is not None
        name = change.observed.name
        ids = [str(one["id"]) for one in _of_name(self._account.list_ssh_public_keys(), name)]
        if change.observed.identity not in ids:
            return None
        if len(ids) > 1:
            raise ConflictError(
                f'there are {len(ids)} keys of the name "{name}" ({", ".join(sorted(ids))}),'
                " and a deletion by name would take all of them",
                fix="delete the other ones in the dashboard, then run again",
            )
        with explained(_REFUSALS):
            self._account.delete_ssh_public_key(name)
        return None


def _canonical(text: str) -> str:
    return " ".join(text.split())


def _what_is_wrong(text: str) -> str:
    """Why a text is no key that the service takes; "" where it is one (reference 2.5)."""
    parts = text.split()
    if not parts or parts[0] != _TYPE:
        return f"only keys that begin with {_TYPE} are taken"
    if len(text.strip().splitlines()) > 1 or len(parts) not in (2, 3):
        return "a key is its type, its text and at most one word of comment, on one line"
    try:
        content = base64.b64decode(parts[1], validate=True)
    except (binascii.Error, ValueError):
        return "what follows the type is not base64"
    if not content.startswith(_WHOLE) or len(content) != len(_WHOLE) + 32:
        return "what follows the type is no Ed25519 key"
    return ""


def _unusable(wish: Desired, code: str, summary: str) -> Prepared:
    place, fix = wish.source_of(("public_key_file",)), _REFUSALS["VALIDATE_INPUT"]
    if code == UNREADABLE:
        fix = "check the path under `public_key_file`"
    return Prepared(diagnostics=(Diagnostic(Severity.ERROR, code, summary, fix, str(wish.address), place),))


def _of_name(documents: Sequence[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    return [one for one in documents if name and one.get("name") == name]


def _meant(documents: Sequence[Mapping[str, Any]], subject: Subject) -> list[Mapping[str, Any]]:
    """The key that state or user name: by id, or by name where a user may say that."""
    identity = subject.identity or subject.import_id
    found = [one for one in documents if identity and one["id"] == identity]
    return found or ([] if subject.identity else _of_name(documents, subject.import_id))


def _several(subject: Subject, found: Sequence[Mapping[str, Any]]) -> Diagnostic:
    ids = ", ".join(sorted(str(one["id"]) for one in found))
    summary = f'there are {len(found)} keys of the name "{subject.import_id}": {ids}'
    return Diagnostic(Severity.ERROR, SEVERAL, summary, "name one of them by its id", str(subject.address))


def _observed(document: Mapping[str, Any], subject: Subject | None = None) -> Observed:
    identity, name = str(document["id"]), str(document.get("name", ""))
    attributes: dict[str, Value] = {"name": name}
    sent = str(subject.prior.attributes.get("public_key", "")) if subject and subject.prior else ""
    if text := _as_sent(str(document.get("public_key") or ""), sent):
        attributes["public_key"] = text
    return Observed(identity, name, attributes, {"id": identity, "name": name})


def _as_sent(seen: str, sent: str) -> str:
    """A list may leave the text out, or its comment; behind one id there is never another key than was sent."""
    if sent and (not seen or seen.split()[:2] == sent.split()[:2]):
        return sent
    return _canonical(seen)
