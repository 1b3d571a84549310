"""Who may enter the registry: passwords that are minted for an account, and end by the world's clock (reference 2.7.4).

The world keeps a password's hash only. The account stands in the password, so that it is found without a search.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from reconciler.emulator.call import Call
from reconciler.emulator.clock import iso
from reconciler.emulator.registry_files import RegistryFiles, files_of
from reconciler.emulator.registry_manifest import RegistryError
from reconciler.emulator.world import World

USER = "v1"
KIND = "credential"


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that was let in: whose it is, and which repository and which tag, digest or upload it names."""

    call: Call
    files: RegistryFiles
    account: str
    repository: str = ""
    name: str = ""

    def naming(self, repository: str, name: str) -> Visit:
        """The same visit with the names that its path gave."""
        return Visit(self.call, self.files, self.account, repository, name)


def mint(world: World, account: str, permissions: list[str], minutes: float) -> str:
    """Makes a password that opens an account's repositories for so many minutes of the world."""
    password = f"{account}.{secrets.token_urlsafe(32)}"
    expires_at = world.clock.now() + minutes * 60
    credential: dict[str, Any] = {
        "id": _id_of(password),
        "name": USER,
        "permissions": permissions,
        "created_at": iso(world.clock.now()),
        "expires_at": iso(expires_at),
    }
    world.put(KIND, account, credential["id"], credential)
    world.schedule(KIND, account, credential["id"], expires_at)
    return password


def expire(world: World, account: str, credential: str, at: float) -> None:
    """Forgets a credential whose time has come; for `World.on_due`."""
    world.remove(KIND, account, credential, at=at)


def enter(call: Call) -> tuple[Visit, frozenset[str]]:
    """Lets a request in by its password, with what that permits; refuses one without a good password."""
    password = _password(call.headers.get("authorization", ""))
    account = password.partition(".")[0]
    credential = call.live.get(KIND, account, _id_of(password))
    if credential is None or credential["expires_at"] <= iso(call.live.clock.now()):
        raise RegistryError("UNAUTHORIZED", "authentication required: a password from .../credentials")
    return Visit(call, files_of(call.live), account), frozenset(credential["permissions"])


def _password(authorization: str) -> str:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return password if user == USER else ""


def _id_of(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()[:32]
