"""One door to Cloudflare's API for every request: pacing, retries, the server's time, errors scrubbed of secrets.

Knows no operation, and leaves HTTP itself to `connections`. A POST or PATCH is never repeated where the server
may have done the work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from reconciler.clients.answers import Answer, Reply, answer_of, http_date, retry_after
from reconciler.clients.connections import Connections
from reconciler.clients.own_writes import VISIBLE_AFTER, OwnWrites
from reconciler.clients.pacing import Pacer
from reconciler.clients.settings import ApiCredentials
from reconciler.errors import (
    ConflictError,
    InterruptedRunError,
    NotFoundError,
    ProviderError,
    RateLimitedError,
    UnavailableError,
)

if TYPE_CHECKING:
    import httpx

_Shown = TypeVar("_Shown")
_READING = frozenset({"GET", "HEAD"})
_REPEATABLE = frozenset({*_READING, "PUT", "DELETE"})
_ATTEMPTS = 3
_REFUSALS = 10
_LONGEST_BACKOFF = 60.0
_LONGEST_REFUSAL = 900.0
_FIRST_LOOK_AWAY = 1.0
_LONGEST_LOOK_AWAY = 8.0


class Transport:
    """Sends requests from any number of threads over a pool of kept connections.

    `sleep` and `monotonic` belong together; `stop` cuts every wait short with InterruptedRunError;
    `on_wait` is told the seconds of a long wait and its reason; `trace` gets a line per exchange; `inner`
    takes the place of the network. `may_begin` is asked right before each exchange, and stops it by raising.
    """

    def __init__(
        self,
        base_url: str,
        credentials: ApiCredentials,
        *,
        sleep: Callable[[float], object] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], float] = time.time,
        stop: Callable[[], bool] = lambda: False,
        scrub: Callable[[str], str] = lambda text: text,
        on_wait: Callable[[float, str], object] = lambda _seconds, _reason: None,
        trace: Callable[[str], object] | None = None,
        user_agent: str = "reconciler",
        timeout: float = 60.0,
        pool: int = 16,
        may_begin: Callable[[], object] = lambda: None,
        inner: httpx.BaseTransport | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": user_agent,
            **credentials.headers(),
        }
        self._monotonic = monotonic
        self._clock = clock
        self._scrub = scrub
        self._trace = trace
        self._may_begin = may_begin
        self._connections = Connections(base_url, timeout=timeout, pool=pool, inner=inner)
        self._server_date = ""
        self._server_offset: float | None = None
        self._own_writes = OwnWrites()
        self._pacer = Pacer(sleep=sleep, monotonic=monotonic, stop=stop, on_wait=on_wait)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        json: Any = None,
        content: bytes | None = None,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
    ) -> Answer:
        """Gives what the API answers, or raises a ProviderError; `path` is relative to the base URL.

        `idempotent` says otherwise than the method does whether the request may be repeated.
        """
        if json is not None:
            content = msgspec.json.encode(json)
        sent = {**self._headers, **(headers or {})}
        if content is not None:
            sent["Content-Type"] = content_type
        url = f"{self._base_url}{path}{query_text(query)}"
        repeatable = method in _REPEATABLE if idempotent is None else idempotent
        if method in _READING:
            return self._once_visible(path, lambda: self._exchange(method, url, sent, content))
        try:
            answer = self._insist(lambda: self._exchange(method, url, sent, content), repeatable)
        except ConflictError as error:
            # What a refusal names is there.
            self._own_writes.note(method, path, error.details, self.server_time())
            raise
        self._own_writes.note(method, path, answer.result, self.server_time())
        return answer

    def pause(self, seconds: float) -> None:
        """Waits between two looks at the API; raises InterruptedRunError if the user asks to stop."""
        self._pacer.pause(seconds)

    def server_time(self) -> float:
        """Gives the server's time in Unix seconds by its last `Date`; before any answer, our own."""
        offset = self._server_offset
        return self._clock() if offset is None else self._monotonic() + offset

    def close(self) -> None:
        """Gives the connections back."""
        self._connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def awaited(self, ask: Callable[[], _Shown], is_shown: Callable[[_Shown], bool]) -> _Shown:
        """Asks until the answer shows what is there for certain; half a minute later it is taken as it is."""
        began, wait = self.server_time(), _FIRST_LOOK_AWAY
        while True:
            is_last = self.server_time() - began > VISIBLE_AFTER
            if is_shown(shown := ask()) or is_last:
                return shown
            self._pacer.pause(wait)
            wait = min(2 * wait, _LONGEST_LOOK_AWAY)

    def _once_visible(self, path: str, exchange: Callable[[], Reply]) -> Answer:
        """A read's answer; that what we have just made is not there is not believed at once."""
        wait = _FIRST_LOOK_AWAY
        while True:
            may_be_hidden = self._own_writes.may_be_hidden(path, self.server_time())
            try:
                return self._insist(exchange, repeatable=True)
            except NotFoundError:
                if not may_be_hidden:
                    raise
            self._pacer.pause(wait)
            wait = min(2 * wait, _LONGEST_LOOK_AWAY)

    def _insist(self, exchange: Callable[[], Reply], repeatable: bool) -> Answer:
        failures = refusals = 0
        while True:
            outcome, wait = self._attempt(exchange, refusals)
            if isinstance(outcome, Answer):
                return outcome
            if isinstance(outcome, RateLimitedError):
                refusals += 1
                if refusals >= _REFUSALS or outcome.retry_after > _LONGEST_REFUSAL:
                    raise outcome
                continue
            failures += 1
            wait = float(failures) if wait is None else wait
            if failures >= _ATTEMPTS or wait > _LONGEST_BACKOFF or not _worth_repeating(outcome, repeatable):
                raise outcome
            self._back_off(wait, outcome)

    def _back_off(self, seconds: float, failure: ProviderError) -> None:
        try:
            self._pacer.pause(seconds)
        except InterruptedRunError:
            raise failure from None  # it says whether the work may have been done

    def _attempt(
        self, exchange: Callable[[], Reply], refusals: int
    ) -> tuple[Answer | ProviderError, float | None]:
        self._pacer.begin()
        reply: Reply | None = None
        refused_for: float | None = None
        wait: float | None = None
        try:
            self._may_begin()
            reply = exchange()
            self._note_time(reply.headers)
            wait = retry_after(reply.headers, self._clock())
            return answer_of(reply), None
        except RateLimitedError as error:
            refused_for = max(1.0, wait) if wait is not None else min(_LONGEST_BACKOFF, 2.0**refusals)
            error.retry_after = refused_for
            return self._scrubbed(error), None
        except ProviderError as error:
            return self._scrubbed(error), wait
        finally:
            self._pacer.end(reply.headers if reply else None, refused_for=refused_for)

    def _exchange(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> Reply:
        what = f"{method} {_shown(url, self._base_url)}"
        began = self._monotonic()
        try:
            reply = self._connections.exchange(what, method, url, headers, content)
        except UnavailableError:
            self._say(f"{what} failed")
            raise
        self._say(f"{what} {reply.status} {self._monotonic() - began:.2f}s")
        return reply

    def _note_time(self, headers: Mapping[str, str]) -> None:
        date = headers.get("date", "")
        if date == self._server_date:
            return
        seconds = http_date(date)
        if seconds is not None:
            self._server_date, self._server_offset = date, seconds - self._monotonic()

    def _scrubbed(self, error: ProviderError) -> ProviderError:
        error.message = self._scrub(error.message)
        error.args = (error.message,)
        error.details = _scrub_deep(error.details, self._scrub)
        return error

    def _say(self, line: str) -> None:
        if self._trace is not None:
            self._trace(self._scrub(line))


def segment(value: str) -> str:
    """Gives a path parameter percent-encoded; one that would lead to another path is refused."""
    if value in ("", ".", ".."):
        raise ProviderError(f"{value!r} is no name or id that Cloudflare's API could be asked about")
    return quote(value, safe="")


def query_text(query: Mapping[str, Any] | None) -> str:
    """Gives `?a=1&b=2`: lists as repeated keys, maps as `key[sub]`, None left out (reference 1.8)."""
    pairs = list(_pairs(query or {}))
    return f"?{urlencode(pairs, quote_via=quote)}" if pairs else ""


def _pairs(query: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in query.items():
        if isinstance(value, Mapping):
            yield from _pairs({f"{key}[{sub}]": each for sub, each in value.items()})
        elif isinstance(value, list | tuple):
            for each in value:
                yield from _pairs({key: each})
        elif value is not None:
            yield key, str(value).lower() if isinstance(value, bool) else str(value)


def _worth_repeating(error: ProviderError, repeatable: bool) -> bool:
    if not isinstance(error, UnavailableError):
        return False
    passing = error.status == 0 or error.status >= 500 or error.status == 408
    return passing and (repeatable or not error.sent)


def _shown(url: str, base_url: str) -> str:
    """Leaves out of messages what everybody knows: the base URL and the account."""
    path = url.removeprefix(base_url).partition("?")[0]
    parts = path.split("/", 3)
    return f"/{parts[3]}" if len(parts) == 4 and parts[1] == "accounts" else path


def _scrub_deep(value: Any, scrub: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {scrub(str(key)): _scrub_deep(each, scrub) for key, each in value.items()}
    return [_scrub_deep(each, scrub) for each in value] if isinstance(value, list) else value
