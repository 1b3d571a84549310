"""What was asked and what it did: one line per request, so that orphans and duplicates can be counted (interface 6).

Values of secrets never enter it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from reconciler.emulator.store import Store

MASK = "(masked)"
SECRET_TYPES = ("secret_text", "secret_key")
SECRET_KEYS = ("password", "private_credential", "private_key", "token")


class Entry(msgspec.Struct):
    """One request; `status` is 0 until it is answered, and the three lists fill while it works."""

    n: int
    time: float
    method: str
    path: str
    query: dict[str, Any]
    body: Any = None
    status: int = 0
    created: list[dict[str, str]] = []
    changed: list[dict[str, str]] = []
    deleted: list[dict[str, str]] = []
    fault: Any = None

    def note(self, verb: str, kind: str, id: str, name: str) -> None:  # noqa: A002 - the ledger's own word
        """Adds an object to `created`, `changed` or `deleted`, once."""
        fact = {"kind": kind, "id": id, "name": name}
        facts: list[dict[str, str]] = getattr(self, verb)
        if fact not in facts:
            facts.append(fact)


class Ledger:
    """The requests of this process in memory, those of earlier ones in the store."""

    def __init__(self, store: Store | None) -> None:
        self._store = store
        self._entries: list[Entry] = []
        self._first = (store.last_ledger_number() if store else 0) + 1

    def open(self, time: float, method: str, path: str, query: dict[str, Any]) -> Entry:
        """Lists a request on its arrival."""
        entry = Entry(self._first + len(self._entries), time, method, path, query)
        self._entries.append(entry)
        return entry

    def since(self, n: int) -> list[Any]:
        """The entries with a higher number, oldest first."""
        if n >= self._first - 1 or self._store is None:
            return list(self._entries[max(0, n - self._first + 1) :])
        earlier = self._store.ledger_lines(n, before=self._first)
        return [*map(msgspec.Raw, earlier), *self._entries]


def masked(body: Any, path: str) -> Any:
    """The body of a request with every secret value replaced."""
    if not isinstance(body, dict | list):
        return body
    return _masked(body, "/secrets" in path)


def _masked(value: Any, inside_secrets: bool) -> Any:
    if isinstance(value, list):
        return [_masked(item, inside_secrets) for item in value]
    if not isinstance(value, dict):
        return value
    is_secret = inside_secrets or value.get("type") in SECRET_TYPES
    return {key: _masked_field(key, item, is_secret) for key, item in value.items()}


def _masked_field(key: str, value: Any, is_secret: bool) -> Any:
    if isinstance(value, dict | list):
        return _masked(value, is_secret or key == "secrets")
    if key in SECRET_KEYS or (is_secret and key in ("value", "text")):
        return MASK
    return value
