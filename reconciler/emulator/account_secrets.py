"""Account secrets: named values that containers get when they are placed (reference 2.4). Only a hash of a value is kept."""

from __future__ import annotations

import hashlib

from reconciler.emulator import bodies
from reconciler.emulator.answers import Answer, ServiceError, ok
from reconciler.emulator.call import Call
from reconciler.emulator.clock import iso
from reconciler.emulator.routing import Routes
from reconciler.emulator.shapes import validate
from reconciler.emulator.world import Object, World

SECRET = "secret"  # noqa: S105 - the name of a kind
HASH = "_secret_hash"

routes = Routes("/accounts/{account}/containers", "/accounts/{account}/cloudchamber")


@routes.add("POST", "/secrets")
def create(call: Call) -> Answer:
    """Creates a secret; names are unique."""
    body = call.fields()
    validate(body, bodies.CREATE_SECRET)
    if call.world.has(SECRET, call.account, body["name"]):
        raise ServiceError(409, "SECRET_NAME_ALREADY_EXISTS")
    now = iso(call.now)
    return _keep(
        call, {"name": body["name"], "version": 1, "created_at": now, "updated_at": now}, body["value"], 201
    )


@routes.add("GET", "/secrets")
def list_secrets(call: Call) -> Answer:
    """Lists names and versions."""
    return ok(call.world.all(SECRET, call.account))


@routes.add("GET", "/secrets/{secret_name}")
def get(call: Call, secret_name: str) -> Answer:
    """Name and version of one."""
    return ok(_find(call, secret_name))


@routes.add("PATCH", "/secrets/{secret_name}")
def modify(call: Call, secret_name: str) -> Answer:
    """Gives a secret another value; its version rises by one."""
    secret = _find(call, secret_name)
    body = call.fields()
    validate(body, bodies.MODIFY_SECRET)
    return _keep(
        call, {**secret, "version": secret["version"] + 1, "updated_at": iso(call.now)}, body["value"], 200
    )


@routes.add("DELETE", "/secrets/{secret_name}")
def delete(call: Call, secret_name: str) -> Answer:
    """Deletes a secret, whoever refers to it."""
    _find(call, secret_name)
    call.world.remove(SECRET, call.account, secret_name)
    call.world.remove(HASH, call.account, secret_name)
    return ok({"message": "Secret deleted"})


def _find(call: Call, name: str) -> Object:
    found = call.world.get(SECRET, call.account, name)
    if found is None:
        raise ServiceError(404, "SECRET_NAME_NOT_FOUND")
    return found


def _keep(call: Call, secret: Object, value: str, status: int) -> Answer:
    call.world.put(SECRET, call.account, secret["name"], secret)
    digest = hashlib.sha256(value.encode()).hexdigest()
    call.world.put(HASH, call.account, secret["name"], {"value_sha256": digest})
    return ok(secret, status)


def describe(world: World, account: str, name: str) -> Object:
    """What `GET /emulator/world` shows beside a secret: the hash of its value."""
    return world.get(HASH, account, name) or {}
