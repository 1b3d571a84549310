"""The Secrets Store, as far as image registries and bindings need it (reference 2.7.3). Values are hashed at once."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from reconciler.emulator.answers import Answer, GatewayError, ok
from reconciler.emulator.call import Call
from reconciler.emulator.clock import iso
from reconciler.emulator.numbered_pages import ok_page
from reconciler.emulator.routing import Routes
from reconciler.emulator.script_upload import read_list, read_object
from reconciler.emulator.world import Object

STORE = "secrets_store"
SECRET = "store_secret"  # noqa: S105 - the name of a kind
NOT_FOUND = 1001
EXISTS = 1002
INVALID = 1003
SCOPES = ("workers", "containers", "ai_gateway", "dex", "access")

ROUTES = Routes("/accounts/{account}/secrets_store/stores")


@ROUTES.add("GET", "")
def list_stores(call: Call) -> Answer:
    """The stores of the account: none or one."""
    return ok_page(call, call.world.all(STORE, call.account))


@ROUTES.add("POST", "")
def add_store(call: Call) -> Answer:
    """Makes the account's store; a second one is refused. Object in, object out."""
    name = read_object(call).get("name")
    if not isinstance(name, str) or not name:
        raise GatewayError(400, INVALID, "a store has a name")
    if call.world.all(STORE, call.account):
        raise GatewayError(409, EXISTS, "an account has one store, and this one has it")
    store = {"id": uuid.uuid4().hex, "account_id": call.account, "name": name, **_times(call)}
    call.world.put(STORE, call.account, str(store["id"]), store)
    return ok(store)


@ROUTES.add("DELETE", "/{store}")
def delete_store(call: Call, store: str) -> Answer:
    """Deletes a store with its secrets."""
    found = _store(call, store)
    for secret in call.world.where(SECRET, call.account, "store_id", store):
        call.world.remove(SECRET, call.account, secret["id"])
    call.world.remove(STORE, call.account, store)
    return ok(found)


@ROUTES.add("GET", "/{store}/secrets")
def list_secrets(call: Call, store: str) -> Answer:
    """The secrets of a store, or those whose name holds a text."""
    _store(call, store)
    found = call.world.where(SECRET, call.account, "store_id", store)
    return ok_page(call, [_view(secret) for secret in found if call.one("search") in secret["name"]])


@ROUTES.add("POST", "/{store}/secrets")
def add_secrets(call: Call, store: str) -> Answer:
    """Makes secrets. List in, list out."""
    _store(call, store)
    wanted = [_checked(one) for one in read_list(call)]
    there = {secret["name"] for secret in call.world.where(SECRET, call.account, "store_id", store)}
    for one in wanted:
        if one["name"] in there:
            raise GatewayError(409, EXISTS, f"secret_name_already_exists: {one['name']}")
        there.add(one["name"])
    return ok([_view(_add(call, store, one)) for one in wanted])


@ROUTES.add("GET", "/{store}/secrets/{secret}")
def get_secret(call: Call, store: str, secret: str) -> Answer:
    """One secret without its value."""
    return ok(_view(_secret(call, store, secret)))


@ROUTES.add("PATCH", "/{store}/secrets/{secret}")
def change_secret(call: Call, store: str, secret: str) -> Answer:
    """Gives a secret another value, other scopes or another comment."""
    found, wish = _secret(call, store, secret), read_object(call)
    _checked({"name": found["name"], "value": "x", "scopes": found["scopes"]} | wish)
    changes: Object = {key: wish[key] for key in ("scopes", "comment") if key in wish}
    if "value" in wish:
        changes["sha256"] = _hash(wish["value"])
    changed = found | changes | {"modified": iso(call.now)}
    call.world.put(SECRET, call.account, secret, changed)
    return ok(_view(changed))


@ROUTES.add("DELETE", "/{store}/secrets/{secret}")
def delete_secret(call: Call, store: str, secret: str) -> Answer:
    """Deletes a secret."""
    found = _secret(call, store, secret)
    call.world.remove(SECRET, call.account, secret)
    return ok(_view(found))


def _add(call: Call, store: str, wanted: dict[str, Any]) -> Object:
    secret = {
        "id": uuid.uuid4().hex,
        "store_id": store,
        "name": wanted["name"],
        "comment": wanted.get("comment", ""),
        "scopes": wanted["scopes"],
        "status": "active",
        "sha256": _hash(wanted["value"]),
        **_times(call),
    }
    call.world.put(SECRET, call.account, secret["id"], secret)
    return secret


def _checked(secret: dict[str, Any]) -> dict[str, Any]:
    for key in ("name", "value"):
        if not isinstance(secret.get(key), str) or not secret[key]:
            raise GatewayError(400, INVALID, f"a secret has a {key}")
    scopes = secret.get("scopes")
    if not isinstance(scopes, list) or not scopes or any(scope not in SCOPES for scope in scopes):
        raise GatewayError(400, INVALID, f"a secret has scopes, each one of {', '.join(SCOPES)}")
    return secret


def _store(call: Call, store: str) -> Object:
    found = call.world.get(STORE, call.account, store)
    if found is None:
        raise GatewayError(404, NOT_FOUND, "store_not_found")
    return found


def _secret(call: Call, store: str, secret: str) -> Object:
    _store(call, store)
    found = call.world.get(SECRET, call.account, secret)
    if found is None or found["store_id"] != store:
        raise GatewayError(404, NOT_FOUND, "secret_not_found")
    return found


def _view(secret: Object) -> Object:
    return {key: value for key, value in secret.items() if key != "sha256"}


def _hash(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def _times(call: Call) -> dict[str, str]:
    return {"created": iso(call.now), "modified": iso(call.now)}
