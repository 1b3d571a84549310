"""HTTP with one registry: addressing, login, redirects, repeats, and errors of our own at the border.

The only module of the registry client that knows httpx. What the requests mean is for `registry` and `registry_upload`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import field, replace
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import httpx

from reconciler.clients.image_reference import DOCKER_HUB
from reconciler.clients.network_origin import Origin, is_loopback, reason_not_to_follow
from reconciler.clients.registry_answer import Answer, refusal
from reconciler.clients.registry_auth import Authorizer, Credentials, TokenRequest
from reconciler.errors import ProviderError, UnavailableError
from reconciler.frozen import frozen

LARGEST_ANSWER = 4 * 1024 * 1024

_PAUSES = (0.5, 1.0, 2.0, 4.0)
_LONGEST_PAUSE = 300.0
_CONNECT_SECONDS = 15.0
_REPEATED = {408, 429, 500, 502, 503, 504}
_REDIRECTS = {301, 302, 303, 307, 308}
_MOST_REDIRECTS = 6
_HUB_SERVER = "registry-1.docker.io"
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


@frozen
class _Question:
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | Iterator[bytes] = b""
    limit: int = LARGEST_ANSWER
    authorization: str = field(default="", repr=False)
    timeout: float = 0.0


class RegistryConnection:
    """One registry under its public name, wherever it is really spoken to; safe to share between threads."""

    def __init__(
        self,
        host: str,
        *,
        credentials: Callable[[], Credentials | None],
        endpoint: str = "",
        sleep: Callable[[float], None] = time.sleep,
        timeout: float = 60.0,
    ) -> None:
        self.host = host
        self._public = _origin(_public_url(host))
        self._origin = _origin(endpoint) if endpoint else self._public
        self._authorizer = Authorizer(host, self._origin, credentials, self._fetch_token)
        self._sleep = sleep
        self._timeout = timeout
        self._opened: dict[str, httpx.Client] = {}
        self._opening = threading.Lock()

    def close(self) -> None:
        """Closes what is open; the next request opens it again."""
        with self._opening:
            opened, self._opened = self._opened, {}
        for client in opened.values():
            client.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        scopes: tuple[str, ...],
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        limit: int = LARGEST_ANSWER,
        repeat: bool = True,
        timeout: float = 0.0,
    ) -> Answer:
        """Gives the answer to one request, repeated while the service is not able to give a proper one.

        With `repeat`, the request must do no harm when it is done twice; `timeout` is for those that take long.
        """
        question = _Question(method, self.url(path), headers or {}, content, limit, timeout=timeout)
        if not repeat:
            return self._authorised(question, scopes)
        return self._repeated(lambda: self._authorised(question, scopes))

    def send_pieces(
        self,
        method: str,
        path: str,
        pieces: Iterator[bytes],
        length: int,
        *,
        scopes: tuple[str, ...],
        headers: Mapping[str, str] | None = None,
        timeout: float = 0.0,
    ) -> Answer:
        """Sends a body that exists only once; after a 401 the login is renewed, and the caller starts over."""
        sent = {"Content-Length": str(length), "Content-Type": "application/octet-stream", **(headers or {})}
        question = _Question(method, self.url(path), sent, pieces, timeout=timeout)
        authorization = self._authorization(question.url, scopes)
        answer = self._exchange(replace(question, authorization=authorization))
        if answer.status == 401:
            self._renew(answer, scopes, authorization)
        return answer

    def stream(
        self, path: str, *, scopes: tuple[str, ...], offset: int = 0, only_part: bool = False
    ) -> Generator[bytes, None, None]:
        """Gives a body from `offset` on, as it arrives; once the connection breaks, UnavailableError.

        With `only_part`, nothing where the registry would send what lies before it, too.
        """
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        question = _Question("GET", self.url(path), headers)
        for may_renew in (True, False):
            authorization = self._authorization(question.url, scopes)
            with self._open(replace(question, authorization=authorization)) as response:
                refused = may_renew and response.status_code == 401
                if refused and self._renew(self._whole(response, LARGEST_ANSWER), scopes, authorization):
                    continue
                if not only_part or response.status_code != 200:
                    yield from self._body(response, offset)
                return

    def refusal(self, answer: Answer, subject: str) -> ProviderError:
        """Turns a refusal into the error for it, without what must not be seen."""
        scrubbed = self._authorizer.scrub(answer.body.decode(errors="replace")).encode()
        return refusal(replace(answer, body=scrubbed), subject, advice=self._authorizer.advice)

    def url(self, path: str, *, relative_to: str = "") -> str:
        """Makes a path, or a `Location` from an answer, a URL; ProviderError if it leads where it may not."""
        url = urljoin(relative_to or f"{self._origin}/", path)
        try:
            there = Origin.of(url)
        except ValueError:
            raise ProviderError(f"{self.host}: the registry names an address that is none") from None
        if there == self._public:
            # The names stay public; behind another endpoint the public server is not to be asked.
            parts = urlsplit(url)
            return f"{self._origin}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        if reason := reason_not_to_follow(self._origin, there):
            raise ProviderError(
                f"{self.host}: the registry points to {there}, which is not followed because {reason}",
                fix="check how that registry is set up",
            )
        return url

    def path_of(self, url: str) -> str:
        """Path and query of a URL of this registry, wherever that is; empty for one that leads elsewhere."""
        parts = urlsplit(url)
        if Origin.of(url) != self._origin:
            return ""
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def pause(self, failures: int, wait: float = 0.0) -> bool:
        """Waits after so many failures in a row, at least `wait`; False when there were enough of them."""
        if failures > len(_PAUSES) or wait > _LONGEST_PAUSE:
            return False
        self._sleep(max(_PAUSES[failures - 1], wait))
        return True

    def _repeated(self, ask: Callable[[], Answer]) -> Answer:
        failures, sent = 0, False
        while True:
            try:
                answer = ask()
            except UnavailableError as error:
                # The last attempt may not have got through where an earlier one did.
                sent = error.sent = sent or error.sent
                failures += 1
                if not self.pause(failures):
                    raise
            else:
                failures += 1
                sent = True
                if answer.status not in _REPEATED or not self.pause(failures, answer.retry_after):
                    return answer

    def _authorised(self, question: _Question, scopes: tuple[str, ...]) -> Answer:
        authorization = self._authorization(question.url, scopes)
        answer = self._exchange(replace(question, authorization=authorization))
        if answer.status != 401 or not self._renew(answer, scopes, authorization):
            return answer
        authorization = self._authorization(question.url, scopes)
        return self._exchange(replace(question, authorization=authorization))

    def _authorization(self, url: str, scopes: tuple[str, ...]) -> str:
        return self._authorizer.header(scopes) if Origin.of(url) == self._origin else ""

    def _renew(self, answer: Answer, scopes: tuple[str, ...], rejected: str) -> bool:
        if Origin.of(answer.url) != self._origin:
            return False
        self._authorizer.renew(scopes, rejected, answer.headers.get("www-authenticate", ""))
        return True

    def _fetch_token(self, request: TokenRequest) -> Mapping[str, Any]:
        url, parameters = self.url(request.realm), request.parameters()
        if request.identity_token:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            question = _Question("POST", url, headers, urlencode(parameters).encode())
        else:
            joint = "&" if urlsplit(url).query else "?"
            question = _Question("GET", url + joint + urlencode(parameters))
        question = replace(question, authorization=request.authorization)
        answer = self._exchange(question)
        subject = f"{self.host}: login at {Origin.of(url)}"
        if not answer.ok:
            raise self.refusal(answer, subject)
        return answer.json(subject)

    def _exchange(self, question: _Question) -> Answer:
        with self._open(question) as response:
            return self._whole(response, question.limit)

    @contextmanager
    def _open(self, question: _Question) -> Iterator[httpx.Response]:
        """Asks, and follows where a read is sent to; the login stays with the server it is meant for."""
        home, url = Origin.of(question.url), question.url
        for _ in range(_MOST_REDIRECTS):
            headers = dict(question.headers)
            if question.authorization and Origin.of(url) == home:
                headers["Authorization"] = question.authorization
            with self._border(url):
                client = self._client(Origin.of(url).scheme)
                request = client.build_request(
                    question.method,
                    url,
                    headers=headers,
                    content=question.content,
                    timeout=httpx.Timeout(question.timeout or self._timeout, connect=_CONNECT_SECONDS),
                )
                response = client.send(request, stream=True)
            try:
                if question.method not in ("GET", "HEAD") or response.status_code not in _REDIRECTS:
                    yield response
                    return
                url = self.url(response.headers.get("Location", ""), relative_to=url)
            finally:
                with suppress(httpx.HTTPError):
                    response.close()
        raise ProviderError(f"{self.host}: the registry sends us round in circles")

    def _whole(self, response: httpx.Response, limit: int) -> Answer:
        body = bytearray()
        with self._border(str(response.url)):
            for piece in response.iter_raw():
                body += piece
                if len(body) > limit:
                    raise ProviderError(f"{self.host}: an answer is larger than {limit} bytes")
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers, bytes(body), str(response.url))

    def _body(self, response: httpx.Response, offset: int) -> Generator[bytes, None, None]:
        if response.status_code not in (200, 206):
            answer = self._whole(response, LARGEST_ANSWER)
            raise self.refusal(answer, f"{self.host}: content of {urlsplit(answer.url).path}")
        skip = 0 if response.status_code == 206 else offset
        with self._border(str(response.url)):
            for piece in response.iter_raw():
                kept = piece[skip:]
                skip -= len(piece) - len(kept)
                if kept:
                    yield kept

    @contextmanager
    def _border(self, url: str) -> Iterator[None]:
        # Not chained: httpx keeps the request, and with it the login, in its exceptions.
        try:
            yield
        except _NOT_SENT as error:
            raise self._silent(url, error, sent=False) from None
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
            raise self._silent(url, error, sent=True) from None

    def _silent(self, url: str, error: Exception, *, sent: bool) -> UnavailableError:
        why = self._authorizer.scrub(" ".join(str(error).split())) or type(error).__name__
        return UnavailableError(
            f"{self.host}: no answer from {Origin.of(url)} ({why})",
            sent=sent,
            fix="check that it can be reached from here, then run again",
        )

    def _client(self, scheme: str) -> httpx.Client:
        with self._opening:
            if scheme not in self._opened:
                self._opened[scheme] = httpx.Client(
                    # Reading the certificates takes longer than a local request; http has no use for them.
                    verify=scheme == "https",
                    # A proxy named by the environment is for others, not for this machine.
                    trust_env=not is_loopback(self._origin.host),
                    headers={"Accept-Encoding": "identity", "User-Agent": "reconciler"},
                )
            return self._opened[scheme]


def _public_url(host: str) -> str:
    if host == DOCKER_HUB:
        return f"https://{_HUB_SERVER}"
    return f"{'http' if is_loopback(host) else 'https'}://{host}"


def _origin(url: str) -> Origin:
    try:
        return Origin.of(url)
    except ValueError:
        raise ProviderError(
            f"{url!r} is not the address of a registry", fix="write https://host[:port]"
        ) from None
