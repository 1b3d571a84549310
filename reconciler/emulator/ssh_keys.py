"""SSH public keys of an account: referred to by id, deleted by name, never changed (reference 2.5)."""

from __future__ import annotations

import base64
import binascii
import uuid

from reconciler.emulator import bodies
from reconciler.emulator.answers import Answer, ServiceError, ok
from reconciler.emulator.call import Call
from reconciler.emulator.routing import Routes
from reconciler.emulator.shapes import validate

KEY = "ssh_public_key"

routes = Routes("/accounts/{account}/containers", "/accounts/{account}/cloudchamber")


@routes.add("POST", "/ssh-public-keys")
def create(call: Call) -> Answer:
    """Adds a key. Two may have one name: whether the service minds is not known, so whoever lost an answer must look."""
    body = call.fields()
    validate(body, bodies.CREATE_SSH_KEY)
    if not _is_ed25519(body["public_key"]):
        raise ServiceError(
            400, "VALIDATE_INPUT", {"public_key": "must be an ssh-ed25519 key, with a comment at most"}
        )
    key = {"id": str(uuid.uuid4()), "name": body["name"], "public_key": body["public_key"]}
    call.world.put(KEY, call.account, key["id"], key)
    return ok(key, 201)


def _is_ed25519(key: str) -> bool:
    parts = key.split()
    if len(parts) not in (2, 3) or parts[0] != "ssh-ed25519":
        return False
    try:
        return bool(base64.b64decode(parts[1], validate=True))
    except binascii.Error:
        return False


@routes.add("GET", "/ssh-public-keys")
def list_keys(call: Call) -> Answer:
    """Lists all keys."""
    return ok(call.world.all(KEY, call.account))


@routes.add("DELETE", "/ssh-public-keys/{key_name}")
def delete(call: Call, key_name: str) -> Answer:
    """Deletes every key of that name."""
    found = call.world.where(KEY, call.account, "name", key_name)
    if not found:
        raise ServiceError(404, "SSH_PUBLIC_KEY_NOT_FOUND")
    for key in found:
        call.world.remove(KEY, call.account, key["id"])
    return ok({})
