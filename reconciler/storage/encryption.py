"""Encryption at rest: the envelope that nobody opens without a key. The only user of cryptography (`reconciler[encryption]`).

A document becomes one line of JSON that says which key it takes and what it is about, and has the rest in AES-256-GCM. Both are
bound in: under another name, serial or lineage it does not open.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import field
from typing import Any

import msgspec

from reconciler.errors import StateError
from reconciler.frozen import frozen
from reconciler.storage.codec import MalformedError
from reconciler.storage.envelope import ENCRYPTED, Envelope, is_about

FORMAT = "1.0"
_NONCE_BYTES = 12
_NO_KEY = "give the key that it was written with under `state.encryption`, as `key` or among `old_keys`"


@frozen
class EncryptionKey:
    """A key, and its public `id` of eight hex digits; prints no more of it."""

    content: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """Tells keys apart without giving one away; stands in every document."""
        return self._derived(b"reconciler state key id").hex()[:8]

    @property
    def cipher(self) -> Any:
        """What encrypts and decrypts. Raises StateError where the library is missing."""
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError:
            raise StateError(
                "`state: {encryption: ...}` needs a package that is not installed",
                fix="install it with `pip install 'reconciler[encryption]'`",
            ) from None
        return AESGCM(self._derived(b"reconciler state key"))

    def _derived(self, purpose: bytes) -> bytes:
        """A key of its own for each purpose, so that one text may serve as fingerprint key too."""
        return hmac.new(self.content, purpose, hashlib.sha256).digest()


@frozen
class Keyring:
    """The key that is written with, if any, and those that are only read with."""

    present: EncryptionKey | None = None
    earlier: tuple[EncryptionKey, ...] = ()

    def named(self, key_id: str) -> EncryptionKey | None:
        """The key with an id."""
        known = (self.present, *self.earlier)
        return next((key for key in known if key is not None and key.id == key_id), None)


class _Encrypted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    encrypted: str
    key: str
    about: str
    body: bytes

    @property
    def bound(self) -> bytes:
        return msgspec.json.encode([self.encrypted, self.key, self.about])


class Encrypted:
    """The envelope under a keyring, which is fetched when it is needed first.

    With a present key a document that is not encrypted is refused: anybody who can write there could have put it there.
    """

    def __init__(self, fetch: Callable[[], Keyring], *, accepts_plain: bool = False) -> None:
        self._fetch = fetch
        self._accepts_plain = accepts_plain
        self._known: Keyring | None = None

    def wrap(self, document: bytes, about: str) -> bytes:
        """The document under the present key; itself where there is none any more."""
        key = self._keyring().present
        if key is None:
            return document
        nonce = secrets.token_bytes(_NONCE_BYTES)
        empty = _Encrypted(FORMAT, key.id, about, b"")
        body = nonce + key.cipher.encrypt(nonce, document, empty.bound)
        return msgspec.json.encode(msgspec.structs.replace(empty, body=body))

    def unwrap(self, stored: bytes, about: str) -> bytes:
        """The document again. Raises MalformedError."""
        if not stored.startswith(ENCRYPTED):
            return self._plain(stored)
        found = _parsed(stored)
        key = self._keyring().named(found.key)
        if key is None:
            raise MalformedError(f"it is encrypted with another key ({found.key[:16]})", _NO_KEY)
        document = _opened(found, key)
        if not is_about(found.about, about):
            raise MalformedError(f"it is {found.about}, and stands in the place of {about}")
        return document

    def lenient(self) -> Envelope:
        """The same keyring, also for what is not encrypted."""
        return Encrypted(self._keyring, accepts_plain=True)

    def _plain(self, stored: bytes) -> bytes:
        is_refused = stored.strip() and not self._accepts_plain and self._keyring().present is not None
        if is_refused:
            raise MalformedError(
                "it is not encrypted, and `state.encryption` has a key",
                "`reconciler state rekey` encrypts what was written before there was one",
            )
        return stored

    def _keyring(self) -> Keyring:
        if self._known is None:
            self._known = self._fetch()
        return self._known


def _parsed(stored: bytes) -> _Encrypted:
    try:
        found = msgspec.json.decode(stored, type=_Encrypted)
    except (msgspec.MsgspecError, ValueError):
        raise MalformedError("it is encrypted, and cut short or overwritten") from None
    if found.encrypted != FORMAT:
        raise MalformedError(
            f"it is encrypted in format {found.encrypted}, this version of reconciler knows {FORMAT}"
        )
    return found


def _opened(found: _Encrypted, key: EncryptionKey) -> bytes:
    from cryptography.exceptions import InvalidTag

    try:
        document: bytes = key.cipher.decrypt(
            found.body[:_NONCE_BYTES], found.body[_NONCE_BYTES:], found.bound
        )
    except (InvalidTag, ValueError):
        raise MalformedError("it is encrypted, and was changed since it was written") from None
    return document
