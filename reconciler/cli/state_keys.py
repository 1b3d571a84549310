"""The keys of `state.encryption`, fetched when the state is first read or written."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from reconciler.errors import StateError
from reconciler.storage.envelope import Envelope, Plain


def envelope_for(settings: Mapping[str, Any], folder: Path, keep_secret: Callable[[str], None]) -> Envelope:
    """The envelope that `state:` asks for; `folder` is what paths and commands of its keys start from."""
    wanted = settings.get("encryption")
    if wanted is None:
        return Plain()
    if not isinstance(wanted, Mapping):
        raise StateError("`state.encryption` is no map", fix="write it as {key: {env: NAME}}")
    from reconciler.storage.encryption import Encrypted, EncryptionKey, Keyring

    def key(source: Mapping[str, Any]) -> EncryptionKey:
        return EncryptionKey(_content(source, folder, keep_secret))

    def fetch() -> Keyring:
        present = wanted.get("key")
        return Keyring(key(present) if present else None, tuple(map(key, wanted.get("old_keys") or ())))

    return Encrypted(fetch)


def _content(source: Mapping[str, Any], folder: Path, keep_secret: Callable[[str], None]) -> bytes:
    from reconciler.clients.fingerprint import key_content
    from reconciler.clients.secret_source import SecretUnavailableError, Surroundings, fetch

    try:
        text = fetch(source, Surroundings(os.environ, folder))
    except SecretUnavailableError as error:
        raise StateError(
            f"the state is encrypted, and there is no key: {error.message}",
            fix="everybody who reads or writes the state needs the key that `state.encryption` names",
        ) from None
    keep_secret(text)
    return key_content(text, "the key that `state.encryption` names")
