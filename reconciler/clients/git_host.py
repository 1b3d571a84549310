"""How a host of code (GitHub, GitLab) is spoken to: JSON over HTTP, page by page, at the pace it asks for.

Says what each refusal means and what to do about it. What there is to ask for is in `github` and `gitlab`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import msgspec

from reconciler.clients.answers import Reply, retry_after
from reconciler.clients.connections import Connections
from reconciler.clients.network_origin import Origin
from reconciler.clients.transport import query_text
from reconciler.errors import (
    AuthenticationError,
    NotFoundError,
    ProviderError,
    RateLimitedError,
    UnavailableError,
)
from reconciler.frozen import frozen

_ATTEMPTS = 4
_LONGEST_WAIT = 90.0
_MOST_PAGES = 300
_LONGEST_TOLD = 400
_PER_PAGE = 100


@frozen
class Comment:
    """A comment on a pull or merge request; `author` is "" where the host names nobody."""

    id: str
    body: str
    author: str
    url: str = ""


class Discussion(Protocol):
    """The comments of one pull or merge request."""

    def comments(self) -> list[Comment]:
        """All of them, oldest first."""

    def is_mine(self, comment: Comment) -> bool:
        """Whether the owner of the token wrote it, as far as the host tells who that is."""

    def add(self, body: str) -> Comment:
        """Writes a new one."""

    def change(self, comment: Comment, body: str) -> Comment:
        """Writes another text into one."""

    def remove(self, comment: Comment) -> None:
        """Takes one away."""


@frozen
class Remedies:
    """What to do about a refusal, by status, in the words of a host."""

    name: str
    unauthorized: str
    forbidden: str
    missing: str


class GitHost:
    """One host's API under one token, which goes to that host only and is in no message."""

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        remedies: Remedies,
        *,
        scrub: Callable[[str], str],
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"User-Agent": "reconciler", **headers}
        self._remedies = remedies
        self._scrub = scrub
        self._sleep = sleep
        self._clock = clock
        self._origin = _origin(self._base_url)
        self._connections = Connections(self._base_url, timeout=30.0, pool=2)

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Gives the document that a request is answered with; None for an answer without one."""
        return self._document(self._insist(method, self._url(path, query), body))

    def pages(self, path: str, **query: Any) -> Iterator[Any]:
        """Gives the members of a list, page after page, whatever size the host makes its pages."""
        for number in range(1, _MOST_PAGES + 1):
            url = self._url(path, {**query, "per_page": _PER_PAGE, "page": number})
            reply = self._insist("GET", url, None)
            members = self._document(reply)
            if not isinstance(members, list):
                raise UnavailableError(f"{reply.what} was answered with something else than a list")
            yield from members
            if not members or not _has_more(reply, len(members)):
                return

    def file(self, path: str, **query: Any) -> bytes:
        """Gives the bytes of a file; where the host sends us elsewhere for it, the token stays here."""
        url = self._url(path, query)
        reply = self._insist("GET", url, None)
        for _ in range(3):
            if reply.status not in (301, 302, 303, 307, 308):
                return reply.body
            url = _joined(url, reply.headers.get("location", ""))
            reply = self._insist("GET", url, None)
        raise UnavailableError(f"GET {path} leads from place to place")

    def close(self) -> None:
        """Gives the connections back."""
        self._connections.close()

    def _document(self, reply: Reply) -> Any:
        if 300 <= reply.status < 400:
            told = f"{self._remedies.name} answered {reply.what} with {reply.status}: it has moved"
            raise NotFoundError(told, status=reply.status, fix=self._remedies.missing)
        return _document(reply)

    def _url(self, path: str, query: Mapping[str, Any]) -> str:
        return f"{self._base_url}{path}{query_text(query)}"

    def _insist(self, method: str, url: str, body: Any) -> Reply:
        """Asks again where that can help and cannot do the work twice."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._exchange(method, url, body)
            except RateLimitedError as error:
                wait = error.retry_after or 2.0**attempt
                if attempt == _ATTEMPTS or wait > _LONGEST_WAIT:
                    raise
            except UnavailableError as error:
                wait = float(attempt)
                if attempt == _ATTEMPTS or (method == "POST" and error.sent):
                    raise
            self._sleep(wait)
        raise AssertionError("the last attempt raises")

    def _exchange(self, method: str, url: str, body: Any) -> Reply:
        what = f"{method} {url.removeprefix(self._base_url).partition('?')[0]}"
        is_home = _origin(url) == self._origin
        headers = dict(self._headers) if is_home else {"User-Agent": self._headers["User-Agent"]}
        content = None if body is None else msgspec.json.encode(body)
        if content is not None:
            headers["Content-Type"] = "application/json"
        connections = self._connections if is_home else Connections(url, timeout=60.0, pool=1)
        try:
            reply = connections.exchange(what, method, url, headers, content)
        except UnavailableError as error:
            told = UnavailableError(self._scrub(error.message), sent=error.sent)
            told.fix = "check the network and run again"
            raise told from None
        finally:
            if not is_home:
                connections.close()
        if reply.status < 400:
            return reply
        raise self._refusal(reply)

    def _refusal(self, reply: Reply) -> ProviderError:
        name, status = self._remedies.name, reply.status
        message = self._scrub(f"{name} answered {reply.what} with {status}: {_told(reply)}")
        if (wait := _asked_to_wait(reply, self._clock())) is not None:
            fix = f"wait {wait:.0f} s and run again" if wait else "wait a little and run again"
            return RateLimitedError(message, retry_after=wait, status=status, fix=fix)
        if status == 401:
            return AuthenticationError(message, status=status, fix=self._remedies.unauthorized)
        if status == 403:
            return AuthenticationError(message, status=status, fix=self._remedies.forbidden)
        if status == 404:
            return NotFoundError(message, status=status, fix=self._remedies.missing)
        if status >= 500 or status == 408:
            return UnavailableError(message, sent=True, status=status, fix="run again")
        return ProviderError(message, status=status, fix="that is what it said; nothing was posted")


def _origin(url: str) -> Origin:
    try:
        return Origin.of(url)
    except ValueError:
        raise ProviderError(f"{url} is no address of an API", fix="it begins with https://") from None


def _joined(url: str, location: str) -> str:
    from urllib.parse import urljoin

    return urljoin(url, location)


def _document(reply: Reply) -> Any:
    if not reply.body:
        return None
    try:
        return msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UnavailableError(
            f"{reply.what} was answered with something else than JSON", status=reply.status
        ) from None


def _has_more(reply: Reply, count: int) -> bool:
    """By what the host says (GitHub's `Link`, GitLab's `X-Next-Page`); where it says nothing, a full page has a next one."""
    if "link" in reply.headers:
        return 'rel="next"' in reply.headers["link"]
    if "x-next-page" in reply.headers:
        return bool(reply.headers["x-next-page"].strip())
    return count >= _PER_PAGE


def _asked_to_wait(reply: Reply, now: float) -> float | None:
    """Seconds that a refusal asks for; 0 where it names none, None where it is not about a limit."""
    wait = retry_after(reply.headers, now)
    if reply.status == 429 or (reply.status == 403 and wait is not None):
        return wait or 0.0
    if reply.status == 403 and reply.headers.get("x-ratelimit-remaining") == "0":
        reset = reply.headers.get("x-ratelimit-reset", "")
        return max(1.0, float(reset) - now) if reset.isdigit() else 0.0
    if reply.status == 403 and "rate limit" in _told(reply).lower():
        return 0.0
    return None


def _told(reply: Reply) -> str:
    """The reason in an answer: GitHub's `message` with its `errors`, GitLab's `message` or `error`."""
    try:
        document = msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "without a reason"
    if not isinstance(document, dict):
        return "without a reason"
    parts = [document.get("message"), document.get("error"), document.get("error_description")]
    parts += [document.get("errors")]
    said = " ".join("; ".join(_flat(part) for part in parts if part).split())
    return said[:_LONGEST_TOLD] or "without a reason"


def _flat(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(map(_flat, value))
    if isinstance(value, dict):
        return (
            _flat(value["message"])
            if "message" in value
            else ", ".join(f"{key} {_flat(inner)}" for key, inner in value.items())
        )
    return str(value)
