from __future__ import annotations

import pytest

from reconciler.clients.network_origin import Origin, is_loopback, reason_not_to_follow

ADDRESSES = {
    "public.example": ["93.184.216.34"],
    "cdn.example": ["151.101.1.1", "2a04:4e42::1"],
    "intranet.example": ["10.1.2.3"],
    "storage.intranet.example": ["10.9.9.9"],
    "sneaky.example": ["93.184.216.34", "127.0.0.1"],
    "metadata.example": ["169.254.169.254"],
    "localhost": ["127.0.0.1", "::1"],
}


def resolve(host: str) -> list[str]:
    return ADDRESSES.get(host, [])


@pytest.mark.parametrize(
    ("here", "there", "reason"),
    [
        ("https://public.example", "https://public.example/x", ""),
        ("https://public.example", "https://cdn.example", ""),
        ("https://public.example", "https://unknown.example", ""),
        ("https://public.example", "http://public.example", "it is not encrypted"),
        ("https://public.example", "https://127.0.0.1", "it is an internal address"),
        ("https://public.example", "https://0.0.0.0", "it is an internal address"),
        ("https://public.example", "https://[::ffff:127.0.0.1]", "it is an internal address"),
        ("https://public.example", "https://localhost", "it is an internal address"),
        ("https://public.example", "https://intranet.example", "it is an internal address"),
        ("https://public.example", "https://sneaky.example", "it is an internal address"),
        ("https://unknown.example", "https://192.168.0.1", "it is an internal address"),
        ("https://public.example", "https://metadata.example", "it is a link-local address"),
        ("http://127.0.0.1:5000", "http://169.254.169.254", "it is a link-local address"),
        ("https://intranet.example", "https://storage.intranet.example", ""),
        ("https://intranet.example", "https://127.0.0.1", "it is an internal address"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:9000", ""),
        ("http://localhost:5000", "http://10.0.0.1", ""),
        ("http://localhost:5000", "https://cdn.example", ""),
    ],
)
def test_a_registry_sends_us_only_where_it_reaches_itself(here: str, there: str, reason: str) -> None:
    assert reason_not_to_follow(Origin.of(here), Origin.of(there), resolve) == reason


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("127.0.0.1", True),
        ("127.9.9.9:80", True),
        ("::1", True),
        ("[::1]", True),
        ("[::1]:5000", True),
        ("localhost.example", False),
        ("128.0.0.1", False),
        ("ghcr.io", False),
        ("", False),
        ("[", False),
    ],
)
def test_loopback_is_told_from_the_rest(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://Ghcr.io/x", "https://ghcr.io"),
        ("https://ghcr.io:443/x", "https://ghcr.io"),
        ("http://ghcr.io:443", "http://ghcr.io:443"),
        ("http://[::1]:5000/x", "http://[::1]:5000"),
        ("https://user:pass@ghcr.io/", "https://ghcr.io"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, text: str) -> None:
    assert str(Origin.of(url)) == text


@pytest.mark.parametrize("url", ["", "/v2/", "ftp://x", "https://", "https://x:99999999", "https://[x"])
def test_what_is_no_web_address_has_no_origin(url: str) -> None:
    with pytest.raises(ValueError):
        Origin.of(url)
