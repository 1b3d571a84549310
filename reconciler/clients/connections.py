"""HTTP connections to the API's host, kept and shared by threads; the only user of httpx towards the API.

Gives replies as they come, and turns every failure to get one into an UnavailableError that says whether the
request may have reached the server. Repeats nothing and follows no redirect.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reconciler.clients.answers import Reply
from reconciler.clients.network_origin import is_loopback
from reconciler.errors import UnavailableError

if TYPE_CHECKING:
    import httpx

_CONNECT_SECONDS = 10.0


class Connections:
    """A pool that opens at the first request, since importing httpx is what costs."""

    def __init__(
        self, base_url: str, *, timeout: float, pool: int, inner: httpx.BaseTransport | None = None
    ) -> None:
        self._base_url = base_url
        self._host = urlsplit(base_url).netloc
        self._timeout = {
            "connect": min(_CONNECT_SECONDS, timeout),
            "read": timeout,
            "write": timeout,
            "pool": None,
        }
        self._pool = pool
        self._inner = inner
        self._lock = threading.Lock()

    def exchange(
        self, what: str, method: str, url: str, headers: Mapping[str, str], content: bytes | None
    ) -> Reply:
        """Sends one request and reads its reply whole."""
        import httpx

        try:
            request = httpx.Request(
                method,
                url,
                headers=[
                    (name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
                ],
                content=content,
                extensions={"timeout": self._timeout},
            )
            response = self._open().handle_request(request)
            try:
                body = response.read()
            finally:
                response.close()
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise _unreachable(error, what, self._host) from error
        return Reply(what, response.status_code, response.headers, body)

    def close(self) -> None:
        """Closes what is open."""
        with self._lock:
            if self._inner is not None:
                self._inner.close()
                self._inner = None

    def _open(self) -> httpx.BaseTransport:
        with self._lock:
            if self._inner is None:
                self._inner = _connect(self._base_url, self._pool)
            return self._inner


def _connect(base_url: str, pool: int) -> httpx.BaseTransport:
    import httpx

    limits = httpx.Limits(max_connections=pool, max_keepalive_connections=pool, keepalive_expiry=30.0)
    # Reading the trusted certificates costs 20 ms, which a stand-in without TLS need not pay.
    trusted: ssl.SSLContext | bool = base_url.startswith("https:") or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        return httpx.HTTPTransport(verify=trusted, limits=limits, proxy=_proxy_for(base_url))
    except (ImportError, ValueError, OSError) as error:
        raise UnavailableError(
            f"connections cannot be set up: {error}", fix="check HTTPS_PROXY and SSL_CERT_FILE"
        ) from error


def _proxy_for(url: str) -> str | None:
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    if is_loopback(parts.netloc) or proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def _unreachable(error: Exception, what: str, host: str) -> UnavailableError:
    import httpx

    never_sent = (
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.PoolTimeout,
        httpx.ProxyError,
        httpx.UnsupportedProtocol,
        httpx.LocalProtocolError,
        httpx.InvalidURL,
    )
    reason, fix = _why(error, host)
    return UnavailableError(f"{what}: {reason}", sent=not isinstance(error, never_sent), fix=fix)


def _why(error: Exception, host: str) -> tuple[str, str]:
    import httpx

    root = _root(error)
    if isinstance(root, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {host} is not trusted ({root.verify_message})",
            "if a proxy inspects TLS, name its certificate authority in SSL_CERT_FILE",
        )
    if isinstance(root, ssl.SSLError):
        return (
            f"{host} does not speak TLS as we do ({root.reason})",
            "check CLOUDFLARE_API_BASE_URL and any proxy",
        )
    if isinstance(root, socket.gaierror):
        return f"the name {host} cannot be resolved", "check the network and CLOUDFLARE_API_BASE_URL"
    if isinstance(error, httpx.ProxyError):
        return f"the proxy refused: {error}", "check HTTPS_PROXY, or name the host in NO_PROXY"
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return f"{host} cannot be reached ({str(error) or 'no answer'})", "check the network, then run again"
    if isinstance(error, httpx.TimeoutException):
        return f"{host} did not answer in time", "run again"
    return f"the connection to {host} broke ({str(error) or type(error).__name__})", "run again"


def _root(error: BaseException) -> BaseException:
    while (deeper := error.__cause__ or error.__context__) is not None:
        error = deeper
    return error
