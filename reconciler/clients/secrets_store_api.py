"""Cloudflare's Secrets Store as plain methods, as far as registries need it (reference 2.7.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.clients.account_api import AccountApi, Document
from reconciler.clients.transport import segment
from reconciler.errors import UnavailableError

_STORES = "/secrets_store/stores"


class SecretsStoreApi(AccountApi):
    """Stores and the secrets in them; values only go in."""

    def list_secrets_stores(self) -> list[Document]:
        """Lists the account's stores, at present one (reference 2.7.3)."""
        return self._pages_by_number(_STORES, {})

    def find_secrets_store(self) -> Document | None:
        """Gives the account's store that is there for certain, though a list may not show it at once."""
        shown = self.transport.awaited(self.list_secrets_stores, bool)
        return shown[0] if shown else None

    def create_secrets_store(self, name: str) -> Document:
        """Creates a store (reference 2.7.3)."""
        answer = self._ask("POST", _STORES, json={"name": name})
        return _only(answer.result)

    def list_store_secrets(self, store_id: str, *, search: str | None = None) -> list[Document]:
        """Lists a store's secrets; `search` finds more than the exact name (reference 2.7.3)."""
        return self._pages_by_number(_secrets(store_id), {"search": search})

    def find_store_secret(self, store_id: str, name: str) -> Document | None:
        """Gives a secret that is there for certain, though a list may not show it at once."""

        def of_name() -> list[Document]:
            return [one for one in self.list_store_secrets(store_id, search=name) if one.get("name") == name]

        shown = self.transport.awaited(of_name, bool)
        return shown[0] if shown else None

    def create_store_secret(
        self,
        store_id: str,
        name: str,
        value: str,
        *,
        scopes: Sequence[str] = ("containers",),
        comment: str = "",
    ) -> Document:
        """Creates a secret in a store; the API takes and gives a list (reference 2.7.3)."""
        body = {"name": name, "value": value, "scopes": list(scopes)} | (
            {"comment": comment} if comment else {}
        )
        return _only(self._ask("POST", _secrets(store_id), json=[body]).result)

    def update_store_secret(self, store_id: str, secret_id: str, body: Mapping[str, Any]) -> Document:
        """Changes `value`, `scopes` or `comment` of a secret in a store (reference 2.7.3)."""
        return self._document("PATCH", f"{_secrets(store_id)}/{segment(secret_id)}", json=body)

    def delete_store_secret(self, store_id: str, secret_id: str) -> None:
        """Deletes a secret from a store (reference 2.7.3)."""
        self._ask("DELETE", f"{_secrets(store_id)}/{segment(secret_id)}")


def _secrets(store_id: str) -> str:
    return f"{_STORES}/{segment(store_id)}/secrets"


def _only(result: Any) -> Document:
    """Takes the one thing created out of an object or a list: both have been seen."""
    first = result[0] if isinstance(result, list) and result else result
    if not isinstance(first, dict):
        raise UnavailableError("the Secrets Store did not say what it created", sent=True)
    return first
