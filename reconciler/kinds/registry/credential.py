"""The private credential of a registry: checked, worded as the service keeps it, and put into the Secrets Store.

Reference 2.7.2 and 2.7.3. No message holds any part of a value.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from reconciler.errors import ConflictError, NotFoundError, ReconcilerError
from reconciler.kinds.registry.table import GOOGLE
from reconciler.model.value import Attributes, Secret

_STORE_NAME = "default_secret_store"
_SCOPE = "containers"


class StoreApi(Protocol):
    """The part of the Secrets Store that registries need."""

    def list_secrets_stores(self) -> Sequence[Mapping[str, Any]]:
        """The account's stores: none or one."""

    def find_secrets_store(self) -> Mapping[str, Any] | None:
        """The one that is there for certain."""

    def create_secrets_store(self, name: str) -> Mapping[str, Any]:
        """A new one."""

    def list_store_secrets(self, store_id: str, *, search: str | None = None) -> Sequence[Mapping[str, Any]]:
        """Those whose name holds a text."""

    def find_store_secret(self, store_id: str, name: str) -> Mapping[str, Any] | None:
        """One that is there for certain."""

    def create_store_secret(
        self, store_id: str, name: str, value: str, *, scopes: Sequence[str] = ..., comment: str = ...
    ) -> Mapping[str, Any]:
        """A new secret; ConflictError if the name is taken."""

    def update_store_secret(
        self, store_id: str, secret_id: str, body: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Another value, other scopes."""

    def delete_store_secret(self, store_id: str, secret_id: str) -> None:
        """Gone at once."""


def put_credential(api: StoreApi, wanted: Attributes, *, is_ours: bool) -> dict[str, str]:
    """Stores the credential of a new entry under a name that follows from the domain; says where it is.

    `is_ours`: a secret of that name comes from an attempt that was cut off, and is written again.
    """
    store = _store_of(api)
    name = f"registry-{re.sub('[^a-z0-9]+', '-', str(wanted['domain']))}"
    value, comment = as_stored(wanted), f"Credential of {wanted['domain']}"
    try:
        api.create_store_secret(store, name, value, scopes=(_SCOPE,), comment=comment)
    except ConflictError:
        # A list may hide what was just made, and show what was just deleted; a refusal is always right.
        if not is_ours:
            raise ConflictError(
                f'the Secrets Store has a secret "{name}" already, which is not ours',
                fix="delete it there, then run again",
            ) from None
        _write_again(api, store, name, {"value": value, "scopes": [_SCOPE]})
    return {"store_id": store, "secret_name": name}


def _write_again(api: StoreApi, store: str, name: str, body: Mapping[str, Any]) -> None:
    """Changes a secret that is there for certain."""
    stored = api.find_store_secret(store, name)
    if stored is None:
        raise ConflictError(
            f'the Secrets Store has a secret "{name}", and does not show it', fix="run again in a while"
        )
    api.update_store_secret(store, str(stored["id"]), body)


def _store_of(api: StoreApi) -> str:
    """The account's one store, made if there is none; another registry may make it at the same moment."""
    stores = api.list_secrets_stores()
    if stores:
        return str(stores[0]["id"])
    try:
        return str(api.create_secrets_store(_STORE_NAME)["id"])
    except ConflictError:
        store = api.find_secrets_store()
        if store is None:
            raise
        return str(store["id"])


def change_credential(api: StoreApi, wanted: Attributes, place: Mapping[str, str]) -> None:
    """Gives the stored secret its new value; one that somebody deleted is made again."""
    store, name = place["store_id"], place["secret_name"]
    value, stored = as_stored(wanted), find_credential(api, store, name)
    if stored is not None:
        api.update_store_secret(store, str(stored["id"]), {"value": value})
        return
    try:
        api.create_store_secret(store, name, value, scopes=(_SCOPE,))
    except ConflictError:
        _write_again(api, store, name, {"value": value})


def find_credential(api: StoreApi, store: str, name: str) -> Mapping[str, Any] | None:
    """The secret of exactly that name, in a store that is known."""
    if not store or not name:
        return None
    try:
        found = api.list_store_secrets(store, search=name)
    except NotFoundError:
        return None
    return next((one for one in found if one.get("name") == name), None)


def discard_credential(api: StoreApi, store: str, name: str) -> None:
    """Deletes a secret that no entry points to any more, unless it serves other products too."""
    stored = find_credential(api, store, name)
    if stored is not None and set(stored.get("scopes") or [_SCOPE]) == {_SCOPE}:
        api.delete_store_secret(store, str(stored["id"]))


def as_stored(wanted: Attributes) -> str:
    """The private credential as the service keeps it; raises ReconcilerError where it is none."""
    secret = wanted.get("private_credential")
    if not isinstance(secret, Secret) or not secret.at_hand:
        raise ReconcilerError(
            "its `private_credential` has to be sent and is not at hand",
            fix="make the source of that secret available and run again",
        )
    value = secret.reveal()
    if wanted.get("kind") != GOOGLE:
        return value
    return _google_key(value.strip(), str(wanted.get("public_credential")))


def _google_key(text: str, email: str) -> str:
    """A service account's key as base64 of its JSON, after the checks of reference 2.7.2."""
    try:
        text = text if text.startswith("{") else base64.b64decode(text, validate=True).decode()
        key = json.loads(text)
    except (binascii.Error, ValueError):
        raise _no_key("it is neither JSON nor base64 of JSON") from None
    if not isinstance(key, dict):
        raise _no_key("it is no JSON object")
    for field in ("private_key", "client_email"):
        if not key.get(field):
            raise _no_key(f"it has no {field}")
    if not key.get("private_key_id", True):
        raise _no_key("its private_key_id is empty")
    if key["client_email"] != email:
        raise _no_key("its client_email is not the `public_credential`")
    return base64.b64encode(text.encode()).decode()


def _no_key(why: str) -> ReconcilerError:
    return ReconcilerError(
        f"`private_credential` is no key of a service account: {why}",
        fix="give the JSON file that Google made for the account named in `public_credential`",
    )
