from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from reconciler.clients import connections
from reconciler.clients.answers import Reply
from reconciler.clients.connections import Connections
from reconciler.errors import UnavailableError

OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def listening(reply: bytes, *, read: bool = True) -> Iterator[str]:
    """A server that answers each connection once with these bytes and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                with peer:
                    if read:
                        peer.recv(65536)
                    peer.sendall(reply)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def exchange(base_url: str, inner: httpx.BaseTransport | None = None, timeout: float = 5.0) -> Reply:
    pool = Connections(base_url, timeout=timeout, pool=2, inner=inner)
    try:
        return pool.exchange("GET /x", "GET", f"{base_url}/x", {"A": "ü"}, None)
    finally:
        pool.close()


def failed(base_url: str, inner: httpx.BaseTransport | None = None) -> UnavailableError:
    with pytest.raises(UnavailableError) as caught:
        exchange(base_url, inner)
    return caught.value


def raising(error: Exception, cause: Exception | None = None) -> httpx.MockTransport:
    def handle(_: httpx.Request) -> httpx.Response:
        raise error from cause

    return httpx.MockTransport(handle)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def test_a_reply_is_read_whole() -> None:
    with listening(OK) as url:
        reply = exchange(url)
    assert (reply.status, reply.body, reply.headers["content-length"]) == (200, b"{}", "2")


def test_a_redirect_is_handed_back_and_not_followed() -> None:
    with listening(
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    ) as url:
        assert exchange(url).status == 302


def test_a_closed_port_means_nothing_was_sent() -> None:
    error = failed(f"http://127.0.0.1:{free_port()}")
    assert not error.sent
    assert "cannot be reached" in error.message


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", b"garbage\r\n\r\n"])
def test_a_broken_answer_means_it_may_have_been_done(reply: bytes) -> None:
    with listening(reply) as url:
        error = failed(url)
    assert error.sent
    assert "GET /x: the connection to 127.0.0.1" in error.message


def test_bytes_that_cannot_be_unpacked_are_an_error_of_ours() -> None:
    with listening(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}") as url:
        assert failed(url).sent


def test_a_server_without_tls_is_told_apart() -> None:
    with listening(b"HTTP/1.1 400 Bad Request\r\n\r\n") as url:
        error = failed(url.replace("http:", "https:"))
    assert not error.sent
    assert "TLS" in error.message


def test_a_name_that_does_not_resolve_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setattr(connections, "_proxy_for", lambda _: None)
    error = failed("http://api.example")
    assert not error.sent
    assert "the name api.example cannot be resolved" in error.message


def test_an_untrusted_certificate_gets_advice() -> None:
    cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
    cause.verify_message = "self-signed certificate in certificate chain"
    error = failed("https://api.example", raising(httpx.ConnectError("x"), cause))
    assert "not trusted (self-signed certificate in certificate chain)" in error.message
    assert "SSL_CERT_FILE" in error.fix


@pytest.mark.parametrize(
    ("failure", "sent", "text"),
    [
        (httpx.ReadTimeout(""), True, "did not answer in time"),
        (httpx.ConnectTimeout(""), False, "no answer"),
        (httpx.ProxyError("407 Proxy Authentication Required"), False, "the proxy refused: 407"),
        (httpx.WriteError("cut"), True, "broke (cut)"),
        (httpx.RemoteProtocolError(""), True, "RemoteProtocolError"),
        (httpx.UnsupportedProtocol("x"), False, "broke (x)"),
    ],
)
def test_every_failure_says_whether_it_may_have_arrived(failure: Exception, sent: bool, text: str) -> None:
    error = failed("https://api.example", raising(failure))
    assert error.sent is sent
    assert text in error.message


def test_a_url_that_is_none_is_no_traceback() -> None:
    assert not failed("http://127.0.0.1:99999999").sent


@pytest.mark.parametrize(
    ("url", "environ", "proxy"),
    [
        ("https://api.example/x", {"https_proxy": "http://proxy:1"}, "http://proxy:1"),
        ("https://api.example/x", {"all_proxy": "http://proxy:2"}, "http://proxy:2"),
        ("https://api.example/x", {"https_proxy": "http://proxy:1", "no_proxy": ".example"}, None),
        ("http://127.0.0.1:80/x", {"http_proxy": "http://proxy:1"}, None),
        ("https://api.example/x", {}, None),
    ],
)
def test_proxies_come_from_the_environment_but_never_to_ourselves(
    monkeypatch: pytest.MonkeyPatch, url: str, environ: dict[str, str], proxy: str | None
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert connections._proxy_for(url) == proxy


def test_a_proxy_that_cannot_be_used_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_proxy_for", lambda _: "nonsense://proxy")
    error = failed("https://api.example")
    assert "HTTPS_PROXY" in error.fix


def test_threads_share_the_pool() -> None:
    with listening(OK) as url:
        pool = Connections(url, timeout=5.0, pool=2)
        replies: list[Reply] = []
        threads = [
            threading.Thread(
                target=lambda: replies.append(pool.exchange("GET /x", "GET", f"{url}/x", {}, None))
            )
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        pool.close()
    assert len(replies) == 8
