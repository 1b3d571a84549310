"""Keyed fingerprints of secrets: they tell whether a value changed, and nothing else without the key (interface 1.5).

The key never lies beside the state: it comes from the environment, from a configured source, or from a file in the user's
configuration. A slow hash would not do, since a short secret is found by trying all of them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path

from reconciler.clients.regular_file import read_regular, reason
from reconciler.errors import ReconcilerError
from reconciler.frozen import frozen

VARIABLE = "RECONCILER_FINGERPRINT_KEY"

_KEY_BYTES = 32
_FORM = "it is 32 bytes as 64 hex digits or as base64; `openssl rand -hex 32` makes one"
_LINEAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LARGEST_FILE = 4096


@frozen
class FingerprintKey:
    """A key, and its public `id` of eight hex digits; prints no more of it."""

    content: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """Tells keys apart without giving one away; kept in state."""
        return self._hmac(b"id")[:8]

    def fingerprint(self, value: str) -> str:
        """Gives `<key id>:<32 hex>`, always the same for the same value."""
        return f"{self.id}:{self._hmac(b'value' + value.encode('utf-8', 'surrogatepass'))[:32]}"

    def _hmac(self, message: bytes) -> str:
        return hmac.new(self.content, message, hashlib.sha256).hexdigest()


def read_key(text: str, where: str) -> FingerprintKey:
    """Reads a key as people keep it; ReconcilerError that names the place, and nothing of the text."""
    return FingerprintKey(key_content(text, f"the fingerprint key in {where}"))


def key_content(text: str, what: str) -> bytes:
    """The 32 bytes of a key as people keep it; ReconcilerError that names it, and nothing of the text."""
    stripped = text.strip()
    try:
        content = bytes.fromhex(stripped) if len(stripped) == 2 * _KEY_BYTES else _from_base64(stripped)
    except ValueError:
        content = b""
    if len(content) != _KEY_BYTES:
        raise ReconcilerError(f"{what} cannot be read", fix=_FORM)
    return content


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error as error:
        raise ValueError from error


def default_folder(environ: Mapping[str, str]) -> Path:
    """Where keys lie that nobody configured, one per state."""
    configuration = environ.get("XDG_CONFIG_HOME") or str(
        Path(environ.get("HOME", "~")).expanduser() / ".config"
    )
    return Path(configuration) / "reconciler" / "keys"


class FingerprintKeys:
    """Finds the key for a state; makes one only when asked to.

    `configured` fetches the text of the source under `state.fingerprint_key`, and goes before everything else.
    """

    def __init__(
        self, environ: Mapping[str, str], folder: Path, *, configured: Callable[[], str] | None = None
    ) -> None:
        self._environ = environ
        self._folder = folder
        self._configured = configured

    def find(self, lineage: str) -> FingerprintKey | None:
        """The key for the state of that lineage; None if there is none yet. ReconcilerError if it cannot be read."""
        if self._configured is not None:
            return read_key(self._configured(), "`state.fingerprint_key`")
        if text := self._environ.get(VARIABLE, "").strip():
            return read_key(text, VARIABLE)
        return self._from_file(lineage) if lineage else None

    def make(self, lineage: str) -> Path:
        """Makes the file with the key for a state, unless somebody else has just done so; gives its path."""
        path = self._path(lineage)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_new(path, f"{secrets.token_hex(_KEY_BYTES)}\n".encode())
        except OSError as error:
            raise ReconcilerError(
                f"{path}: the fingerprint key cannot be written ({error.strerror})",
                fix=f"make the folder writable, or set {VARIABLE}",
            ) from None
        return path

    def _path(self, lineage: str) -> Path:
        if not _LINEAGE.fullmatch(lineage):
            raise ReconcilerError(f"{lineage!r} is no lineage of a state", fix="restore the state")
        return self._folder / lineage

    def _from_file(self, lineage: str) -> FingerprintKey | None:
        path = self._path(lineage)
        try:
            content = read_regular(path, _LARGEST_FILE)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ReconcilerError(
                f"{path}: the fingerprint key {reason(error)}", fix=f"mend it, or set {VARIABLE}"
            ) from None
        return read_key(content.decode("ascii", "replace"), str(path))


def _write_new(path: Path, content: bytes) -> None:
    """Puts a whole file in place that only its owner can read; one that is there already stays."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
