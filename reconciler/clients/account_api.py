"""What the parts of Cloudflare's API have in common: the account's path, the shapes of results, paging.

Results are checked for being an object or a list, so that nothing odd is ever mistaken for "there is none".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from reconciler.clients.answers import Answer
from reconciler.clients.transport import Transport, segment
from reconciler.errors import UnavailableError

Document = dict[str, Any]


class AccountApi:
    """Asks for things of one account; `path` is relative to the account's unless it begins at the zones."""

    def __init__(self, transport: Transport, account_id: str) -> None:
        self.transport = transport
        self.account_id = account_id
        self._account = f"/accounts/{segment(account_id)}"

    def _ask(self, method: str, path: str, **options: Any) -> Answer:
        """Sends a request whose result nobody reads, or that is read in a way of its own."""
        root = "" if path.startswith("/zones") else self._account
        return self.transport.request(method, f"{root}{path}", **options)

    def _document(self, method: str, path: str, **options: Any) -> Document:
        return object_in(method, path, self._ask(method, path, **options))

    def _documents(self, method: str, path: str, **options: Any) -> list[Document]:
        return _listed(method, path, self._ask(method, path, **options))

    def _answers_by_token(self, path: str, query: Mapping[str, Any]) -> Iterator[Answer]:
        """Follows page tokens to the end: one request unless the answer names a next page (reference 1.8)."""
        token: str | None = None
        seen: set[str | None] = set()
        while token not in seen:
            seen.add(token)
            answer = self._ask("GET", path, query={**query, "page_token": token})
            yield answer
            token = answer.result_info.get("next_page_token") or None
            if token is None:
                return
        raise UnavailableError(f"GET {path}: the list leads back to a page that was read already")

    def _pages_by_token(self, path: str, query: Mapping[str, Any]) -> list[Document]:
        pages = (_listed("GET", path, answer) for answer in self._answers_by_token(path, query))
        return list(chain.from_iterable(pages))

    def _pages_by_number(self, path: str, query: Mapping[str, Any]) -> list[Document]:
        """Reads a list to its end by page numbers; an answer without a count is the whole (reference 1.8)."""
        found: list[Document] = []
        page: int | None = None
        while True:
            answer = self._ask("GET", path, query={**query, "page": page})
            here = _listed("GET", path, answer)
            found += here
            if not here or len(found) >= (answer.result_info.get("total_count") or 0):
                return found
            page = (page or 1) + 1


def object_in(method: str, path: str, answer: Answer) -> Document:
    """Gives the object that an answer is; anything else is no usable answer."""
    if not isinstance(answer.result, dict):
        raise _misshapen(method, path, "an object", answer)
    return answer.result


def _listed(method: str, path: str, answer: Answer) -> list[Document]:
    if not isinstance(answer.result, list):
        raise _misshapen(method, path, "a list", answer)
    return answer.result


def _misshapen(method: str, path: str, wanted: str, answer: Answer) -> UnavailableError:
    return UnavailableError(
        f"{method} {path} was answered with something else than {wanted}", sent=True, status=answer.status
    )
