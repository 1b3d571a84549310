from __future__ import annotations

import pytest

from reconciler.clients.settings import ApiCredentials, settings_from
from reconciler.errors import AuthenticationError, ReconcilerError

TOKEN = {"CLOUDFLARE_API_TOKEN": "t0ken-t0ken"}
ACCOUNT = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("environ", "base_url"),
    [
        ({}, "https://api.cloudflare.com/client/v4"),
        ({"WRANGLER_API_ENVIRONMENT": "staging"}, "https://api.staging.cloudflare.com/client/v4"),
        ({"CLOUDFLARE_COMPLIANCE_REGION": "public"}, "https://api.cloudflare.com/client/v4"),
        ({"CLOUDFLARE_COMPLIANCE_REGION": "fedramp_high"}, "https://api.fed.cloudflare.com/client/v4"),
        ({"CLOUDFLARE_API_BASE_URL": "http://127.0.0.1:8787/client/v4/"}, "http://127.0.0.1:8787/client/v4"),
        ({"CF_API_BASE_URL": "https://proxy.example/client/v4"}, "https://proxy.example/client/v4"),
    ],
)
def test_where_the_api_is(environ: dict[str, str], base_url: str) -> None:
    assert settings_from(TOKEN | environ).base_url == base_url


@pytest.mark.parametrize(
    ("environ", "host", "url"),
    [
        ({}, "registry.cloudflare.com", "https://registry.cloudflare.com"),
        (
            {"CLOUDFLARE_COMPLIANCE_REGION": "fedramp_high"},
            "registry.fed.cloudflare.com",
            "https://registry.fed.cloudflare.com",
        ),
        (
            {"CLOUDFLARE_API_BASE_URL": "http://localhost:8787/client/v4"},
            "registry.cloudflare.com",
            "http://localhost:8787",
        ),
        ({"CLOUDFLARE_CONTAINER_REGISTRY": "127.0.0.2:5000"}, "127.0.0.2:5000", "http://127.0.0.2:5000"),
        ({"CLOUDFLARE_CONTAINER_REGISTRY": "r.example"}, "r.example", "https://r.example"),
        ({"CLOUDFLARE_CONTAINER_REGISTRY": "http://[::1]:5000/"}, "[::1]:5000", "http://[::1]:5000"),
    ],
)
def test_where_the_registry_is(environ: dict[str, str], host: str, url: str) -> None:
    settings = settings_from(TOKEN | environ)
    assert (settings.registry_host, settings.registry_url) == (host, url)


@pytest.mark.parametrize(
    ("environ", "headers"),
    [
        ({"CLOUDFLARE_API_TOKEN": " abc\n"}, {"Authorization": "Bearer abc"}),
        ({"CF_API_TOKEN": "abc"}, {"Authorization": "Bearer abc"}),
        (
            {"CLOUDFLARE_API_TOKEN": "abc", "CLOUDFLARE_API_KEY": "k", "CF_EMAIL": "me@example"},
            {"X-Auth-Key": "k", "X-Auth-Email": "me@example"},
        ),
        ({"CLOUDFLARE_API_TOKEN": "abc", "CLOUDFLARE_API_KEY": "k"}, {"Authorization": "Bearer abc"}),
    ],
)
def test_as_whom(environ: dict[str, str], headers: dict[str, str]) -> None:
    assert settings_from(environ).credentials.headers() == headers


def test_missing_credentials_offer_the_stand_in() -> None:
    with pytest.raises(AuthenticationError, match=r"CLOUDFLARE_API_TOKEN is not set.*--local"):
        settings_from({"CLOUDFLARE_API_TOKEN": " "})


def test_a_key_without_its_address_is_named() -> None:
    with pytest.raises(AuthenticationError, match="without CLOUDFLARE_EMAIL"):
        settings_from({"CLOUDFLARE_API_KEY": "k"})


@pytest.mark.parametrize("token", ["", "tökeń", "a\nb", "a\x00b"])
def test_a_token_that_no_header_carries_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(AuthenticationError) as caught:
        ApiCredentials(token=token).headers()
    assert not token or token not in str(caught.value)


def test_everything_wrong_is_named_at_once() -> None:
    environ = {
        "CLOUDFLARE_COMPLIANCE_REGION": "moon",
        "WRANGLER_API_ENVIRONMENT": "attic",
        "CLOUDFLARE_ACCOUNT_ID": "ABC",
        "CLOUDFLARE_API_BASE_URL": "ftp://x",
    }
    with pytest.raises(ReconcilerError) as caught:
        settings_from(TOKEN | environ)
    assert caught.value.message.count(";") >= 3


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x",
        "nonsense",
        "http://api.example/client/v4",
        "https://u:p@host/x",
        "https://h/x?y",
        "https://h:x/",
    ],
)
def test_a_base_url_that_would_mislead_is_refused(url: str) -> None:
    with pytest.raises(ReconcilerError, match="CLOUDFLARE_API_BASE_URL"):
        settings_from(TOKEN | {"CLOUDFLARE_API_BASE_URL": url})


def test_the_account_and_loopback_are_told() -> None:
    base = {"CLOUDFLARE_API_BASE_URL": "http://[::1]:1/client/v4", "CF_ACCOUNT_ID": ACCOUNT}
    settings = settings_from(TOKEN | base)
    assert (settings.account_id, settings.is_loopback) == (ACCOUNT, True)
    assert not settings_from(TOKEN).is_loopback


def test_credentials_print_nothing() -> None:
    assert "t0ken" not in repr(settings_from(TOKEN))
