from __future__ import annotations

import json

import pytest

from reconciler.clients.registry_answer import Answer, refusal
from reconciler.errors import (
    AuthenticationError,
    ConflictError,
    NotFoundError,
    ProviderError,
    RateLimitedError,
    UnavailableError,
)

BODY = json.dumps({"errors": [{"code": "DENIED", "message": "no\n\x1b[31m way", "detail": {}}]}).encode()


def answer(status: int, body: bytes = BODY, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, headers or {}, body, "https://ghcr.io/v2/")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AuthenticationError),
        (403, AuthenticationError),
        (404, NotFoundError),
        (409, ConflictError),
        (429, RateLimitedError),
        (400, ProviderError),
        (500, UnavailableError),
        (503, UnavailableError),
    ],
)
def test_every_refusal_has_its_error(status: int, kind: type[ProviderError]) -> None:
    error = refusal(answer(status), "ghcr.io/app:1")
    assert type(error) is kind
    assert error.status == status
    assert error.message.startswith("ghcr.io/app:1: ")
    assert f"(HTTP {status}, DENIED, no ?[31m way)" in error.message


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"errors": {}}', b'{"errors": ["x"]}', b"\xff", b"[" * 9999]
)
def test_a_body_of_another_form_is_no_obstacle(body: bytes) -> None:
    assert "(HTTP 400)" in str(refusal(answer(400, body), "x"))


def test_advice_goes_with_a_refused_login() -> None:
    assert refusal(answer(403), "x", advice="log in").fix == "log in"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Fri, 20 Nov 2026 00:01:00 GMT", "date": "Fri, 20 Nov 2026 00:00:00 GMT"}, 60.0),
        ({"retry-after": "Fri, 20 Nov 2026 00:00:00 GMT", "date": "Fri, 20 Nov 2026 00:01:00 GMT"}, 0.0),
        ({"retry-after": "Fri, 20 Nov 2026 00:01:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, 0.0),
        ({}, 0.0),
    ],
)
def test_the_wait_is_read_by_the_clock_of_the_service(headers: dict[str, str], seconds: float) -> None:
    assert answer(429, headers=headers).retry_after == seconds


def test_an_answer_that_is_no_object_is_an_error() -> None:
    assert answer(200, b'{"token": "x"}').json("x") == {"token": "x"}
    with pytest.raises(ProviderError, match="cannot be read as JSON"):
        answer(200, b"[1]").json("x")
