from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from reconciler.clients.network_origin import Origin
from reconciler.clients.registry_auth import Authorizer, Challenge, Credentials, TokenRequest
from reconciler.errors import AuthenticationError, ProviderError

SCOPES = ("repository:app:pull",)
LOGIN = Credentials("me", "pa55word")
BASIC = 'Basic realm="x"'
BEARER = 'Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:app:pull"'


class Realm:
    """A token service that remembers what it was asked."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self.answer = answer
        self.asked: list[TokenRequest] = []

    def __call__(self, request: TokenRequest) -> Mapping[str, Any]:
        self.asked.append(request)
        return self.answer


def authorizer(
    credentials: Callable[[], Credentials | None], realm: Realm | None = None, url: str = "https://ghcr.io"
) -> Authorizer:
    return Authorizer("ghcr.io", Origin.of(url), credentials, realm or Realm({"token": "t0ken"}))


def test_nothing_is_sent_before_it_is_asked_for() -> None:
    assert authorizer(lambda: LOGIN).header(SCOPES) == ""


def test_basic_is_sent_for_every_scope() -> None:
    auth = authorizer(lambda: LOGIN)
    auth.renew(SCOPES, "", BASIC)
    assert auth.header(()) == "Basic " + base64.b64encode(b"me:pa55word").decode()


def test_a_token_is_fetched_for_its_scopes_only() -> None:
    realm = Realm({"token": "t0ken"})
    auth = authorizer(lambda: LOGIN, realm)
    auth.renew(SCOPES, "", BEARER)
    assert auth.header(SCOPES) == "Bearer t0ken"
    assert auth.header(("repository:other:pull",)) == ""
    asked = [("service", "ghcr.io"), ("scope", "repository:app:pull")]
    assert realm.asked[0].parameters() == asked
    assert realm.asked[0].authorization == LOGIN.basic()


@pytest.mark.parametrize(
    ("asked", "more"),
    [
        ("repository:app:pull", []),
        ("repository:other:push,pull repository:app:pull", ["repository:other:push,pull"]),
        ("repository:app:push,pull", ["repository:app:push,pull"]),
        ("registry:catalog:*", ["registry:catalog:*"]),
    ],
)
def test_what_the_registry_asks_for_is_asked_for_scope_by_scope(asked: str, more: list[str]) -> None:
    realm = Realm({"token": "t0ken"})
    authorizer(lambda: LOGIN, realm).renew(SCOPES, "", BEARER.replace("repository:app:pull", asked))
    assert [value for key, value in realm.asked[0].parameters() if key == "scope"] == [*SCOPES, *more]


def test_a_rejected_login_is_minted_again() -> None:
    minted = iter([Credentials("v1", "first"), Credentials("v1", "second")])
    auth = authorizer(lambda: next(minted))
    auth.renew(SCOPES, "", BASIC)
    auth.renew(SCOPES, Credentials("v1", "first").basic(), BASIC)
    assert auth.header(SCOPES) == Credentials("v1", "second").basic()


def test_threads_with_the_same_rejected_login_mint_once() -> None:
    minted = iter([LOGIN])
    auth = authorizer(lambda: next(minted))
    auth.renew(SCOPES, "", BASIC)
    auth.renew(SCOPES, "", BASIC)
    assert auth.header(SCOPES) == LOGIN.basic()


@pytest.mark.parametrize(
    ("registry", "realm", "sent"),
    [
        ("https://ghcr.io", "https://ghcr.io/token", True),
        ("https://ghcr.io", "http://ghcr.io/token", False),
        ("https://ghcr.io", "https://ghcr.io:8443/token", False),
        ("https://ghcr.io", "https://ghcr.io.evil.example/token", False),
        ("https://ghcr.io", "https://ghcr.io@evil.example/token", False),
        ("https://ghcr.io", "https://auth.docker.io/token", False),
        ("https://registry-1.docker.io", "https://auth.docker.io/token", True),
        ("https://registry-1.docker.io", "https://evil.docker.io/token", False),
        ("https://registry.gitlab.com", "https://gitlab.com/jwt/auth", True),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5001/token", False),
    ],
)
def test_credentials_go_to_no_other_server(registry: str, realm: str, sent: bool) -> None:
    service = Realm({"token": "t"})
    auth = authorizer(lambda: LOGIN, service, registry)
    auth.renew(SCOPES, "", f'Bearer realm="{realm}"')
    assert bool(service.asked[0].authorization) is sent
    assert ("are not sent" in auth.advice) is not sent


def test_an_identity_token_is_traded_in() -> None:
    realm = Realm({"access_token": "t0ken"})
    auth = authorizer(lambda: Credentials("", "", identity_token="1dentity"), realm)
    auth.renew(SCOPES, "", BEARER)
    assert ("refresh_token", "1dentity") in realm.asked[0].parameters()
    assert auth.header(SCOPES) == "Bearer t0ken"


def test_an_identity_token_is_not_traded_in_elsewhere() -> None:
    realm = Realm({"token": "t"})
    auth = authorizer(lambda: Credentials("", "", identity_token="1dentity"), realm)
    auth.renew(SCOPES, "", 'Bearer realm="https://evil.example/token"')
    assert "1dentity" not in str(realm.asked[0].parameters())


def test_a_registry_token_needs_no_service() -> None:
    auth = authorizer(lambda: Credentials("", "", registry_token="reg1stry"), Realm({}))
    auth.renew(SCOPES, "", BEARER)
    assert auth.header(SCOPES) == "Bearer reg1stry"


def test_a_token_that_would_break_a_header_is_neither_sent_nor_shown() -> None:
    auth = authorizer(lambda: Credentials("", "", registry_token="reg1stry\nX: y"))
    with pytest.raises(ProviderError, match="no token that can be sent") as caught:
        auth.renew(SCOPES, "", BEARER)
    assert "reg1stry" not in str(caught.value)


def test_without_credentials_a_token_is_asked_for_anonymously() -> None:
    realm = Realm({"token": "public"})
    auth = authorizer(lambda: None, realm)
    auth.renew(SCOPES, "", BEARER)
    assert realm.asked[0].authorization == ""
    assert auth.header(SCOPES) == "Bearer public"


@pytest.mark.parametrize("challenge", [BASIC, "", "Negotiate abc", 'Bearer service="x"'])
def test_a_login_that_cannot_be_done_says_so(challenge: str) -> None:
    with pytest.raises(AuthenticationError, match=r"ghcr\.io: .*docker login ghcr\.io"):
        authorizer(lambda: None).renew(SCOPES, "", challenge)


@pytest.mark.parametrize("answer", [{}, {"token": ""}, {"token": 1}, {"token": "a\nb"}, {"token": "ä"}])
def test_a_token_service_without_token_is_an_error(answer: Mapping[str, Any]) -> None:
    with pytest.raises(ProviderError, match="no token that can be sent"):
        authorizer(lambda: LOGIN, Realm(answer)).renew(SCOPES, "", BEARER)


@pytest.mark.parametrize(
    ("header", "scheme", "parameters"),
    [
        ("Basic", "basic", {}),
        ('basic realm="a, b"', "basic", {"realm": "a, b"}),
        ('Bearer realm="r",service="s"', "bearer", {"realm": "r", "service": "s"}),
        ('Basic realm="a", Bearer realm="b" , scope="c d"', "bearer", {"realm": "b", "scope": "c d"}),
        ('Bearer realm="a\\"b", error=invalid_token', "bearer", {"realm": 'a"b', "error": "invalid_token"}),
    ],
)
def test_challenges_are_read(header: str, scheme: str, parameters: dict[str, str]) -> None:
    assert Challenge.read(header) == Challenge(scheme, parameters)


def test_an_unknown_challenge_is_none() -> None:
    assert Challenge.read("Negotiate") is None


def test_no_secret_is_printed() -> None:
    realm = Realm({"token": "t0ken"})
    auth = authorizer(lambda: LOGIN, realm)
    auth.renew(SCOPES, "", BEARER)
    shown = f"{LOGIN!r} {LOGIN} {realm.asked[0]!r} {auth!r}"
    for secret in (*LOGIN.secrets(), "t0ken"):
        assert secret not in shown
        assert auth.scrub(f"you sent {secret}") == "you sent (sensitive)"
