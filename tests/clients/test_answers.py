from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.clients.answers import Answer, Reply, answer_of, http_date, retry_after
from reconciler.errors import (
    AuthenticationError,
    ConflictError,
    NotFoundError,
    ProviderError,
    RateLimitedError,
    UnavailableError,
)

INNER = json.dumps({"error": "VALIDATE_INPUT", "details": {"configuration.vcpu": "must be at least 0.0625"}})


def answer(status: int, document: Any, **headers: str) -> Answer:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return answer_of(Reply("POST /containers/applications", status, named, body))


def refused(status: int, document: Any, **headers: str) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        answer(status, document, **headers)
    return caught.value


def failure(*errors: dict[str, Any]) -> dict[str, Any]:
    return {"success": False, "errors": list(errors), "messages": [], "result": None}


@pytest.mark.parametrize(
    ("status", "document", "result"),
    [
        (200, {"success": True, "errors": [], "result": {"id": "a"}}, {"id": "a"}),
        (201, {"success": True, "result": [1]}, [1]),
        (202, {"success": True}, {}),
        (200, {"success": True, "result": None}, None),
        (204, b"", {}),
        (205, b"", {}),
    ],
)
def test_success_gives_the_result(status: int, document: Any, result: Any) -> None:
    assert answer(status, document).result == result


def test_paging_information_is_kept_only_if_it_is_an_object() -> None:
    page = {"success": True, "result": [], "result_info": {"next_page_token": "n"}}
    assert answer(200, page).result_info == {"next_page_token": "n"}
    assert answer(200, page | {"result_info": None}).result_info == {}


@pytest.mark.parametrize(
    ("document", "code", "details"),
    [
        (
            failure({"code": 1000, "message": INNER}),
            "VALIDATE_INPUT",
            {"configuration.vcpu": "must be at least 0.0625"},
        ),
        (failure({"code": 1000, "message": "VALIDATE_INPUT"}), "VALIDATE_INPUT", {}),
        ({"error": "INVALID_INSTANCE_ID"}, "INVALID_INSTANCE_ID", {}),
        ({"error": INNER}, "VALIDATE_INPUT", {"configuration.vcpu": "must be at least 0.0625"}),
        ({"success": False, "error": "UNKNOWN_ACCOUNT", "errors": [{"code": 1}]}, "UNKNOWN_ACCOUNT", {}),
        ({"error": "no such thing", "request_id": "r-1"}, "", {"request_id": "r-1"}),
        (failure({"code": 1000, "message": '{"error": "no such app"}'}), "1000", {}),
        (failure({"code": 10021, "message": "bad script"}), "10021", {}),
        (failure({"code": 100402, "message": "m", "meta": {"details": [1]}}), "100402", {"details": [1]}),
        ({"errors": []}, "", {}),
        ({"errors": [None, "x"]}, "", {}),
    ],
)
def test_the_four_forms_of_an_error(document: Any, code: str, details: dict[str, Any]) -> None:
    error = refused(400, document)
    assert (error.status, error.code, error.details) == (400, code, details)


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (
            failure({"code": 1000, "message": INNER}),
            "400 VALIDATE_INPUT: configuration.vcpu: must be at least 0.0625",
        ),
        (failure({"code": 1, "message": "a\nb"}, {"code": 2, "message": "c"}), "400 1: a b; c"),
        (failure({"code": 1, "message": "a", "error_chain": [{"message": "because"}]}), "a; because"),
        ({"error": "NO", "details": {".": "not so", "reason": "the reason counts"}}, "the reason counts"),
        ({"error": "A_B", "details": {".": "not so", "n": 1}}, "not so; n: 1"),
        ({}, "400: without a reason"),
        (failure({"code": 1, "message": "x" * 5000}), "x…"),
    ],
)
def test_the_message_says_what_was_asked_and_why_not(document: Any, text: str) -> None:
    message = refused(400, document).message
    assert message.startswith("Cloudflare answered POST /containers/applications with 400")
    assert text in message
    assert len(message) < 1000


@pytest.mark.parametrize(
    ("status", "message", "family"),
    [
        (400, "VALIDATE_INPUT", ProviderError),
        (400, "DURABLE_OBJECT_ALREADY_HAS_APPLICATION", ConflictError),
        (400, "IMAGE_REGISTRY_PROTO_IS_REFERENCED", ConflictError),
        (400, "DURABLE_OBJECT_NOT_FOUND", ProviderError),
        (401, "no", AuthenticationError),
        (403, "IMAGE_REGISTRY_NOT_ALLOWED", AuthenticationError),
        (404, "SECRET_NAME_NOT_FOUND", NotFoundError),
        (409, "SECRET_NAME_ALREADY_EXISTS", ConflictError),
        (429, "slow down", RateLimitedError),
        (408, "late", UnavailableError),
        (500, "broken", UnavailableError),
        (503, "away", UnavailableError),
        (200, "no", ProviderError),
    ],
)
def test_each_status_has_its_error(status: int, message: str, family: type[ProviderError]) -> None:
    assert type(refused(status, failure({"code": 1000, "message": message}))) is family


def test_the_owner_of_a_namespace_is_in_the_details() -> None:
    inner = {"error": "DURABLE_OBJECT_ALREADY_HAS_APPLICATION", "details": {"name": "web", "id": "u-1"}}
    error = refused(400, failure({"code": 1000, "message": json.dumps(inner)}))
    assert isinstance(error, ConflictError)
    assert error.details == {"name": "web", "id": "u-1"}


@pytest.mark.parametrize("status", [403, 404])
def test_what_an_account_is_not_offered_is_explained(status: int) -> None:
    error = refused(status, failure({"code": 7003, "message": "Could not route"}))
    assert error.code == "7003"
    assert "not open to every account" in error.fix


@pytest.mark.parametrize(
    ("status", "code", "fix"),
    [(401, 10000, "CLOUDFLARE_API_TOKEN"), (400, 6003, "CLOUDFLARE_API_TOKEN"), (403, 9109, "permission")],
)
def test_a_refused_token_gets_advice(status: int, code: int, fix: str) -> None:
    error = refused(status, failure({"code": code, "message": "no"}))
    assert isinstance(error, AuthenticationError)
    assert fix in error.fix


@pytest.mark.parametrize("status", [401, 403, 404, 500, 502, 200, 407])
@pytest.mark.parametrize("body", [b"<html><title>Bad gateway</title>", b"[1]", b"\xff", b"[" * 100_000])
def test_a_page_instead_of_an_answer_says_nothing_about_the_object(status: int, body: bytes) -> None:
    error = refused(status, body, content_type="text/html; charset=utf-8", cf_ray="8a1b-AMS")
    assert isinstance(error, UnavailableError)
    assert error.sent == (status in (200, 500, 502))
    assert "text/html" in error.message
    assert "ray 8a1b-AMS" in error.message


def test_an_answer_without_the_envelope_is_not_believed() -> None:
    assert isinstance(refused(200, {"result": []}), UnavailableError)


def test_a_redirect_is_not_followed() -> None:
    error = refused(302, b"", location="https://elsewhere.example")
    assert "redirect" in error.message
    assert "elsewhere" not in error.message


def test_a_challenge_is_named_with_its_ray() -> None:
    error = refused(403, b"<html>", cf_mitigated="challenge", cf_ray="8a1b-AMS")
    assert "bot protection" in error.message
    assert "ray 8a1b-AMS" in error.message


def test_a_ray_that_is_none_is_left_out() -> None:
    assert "\x1b" not in refused(502, b"", cf_ray="\x1b[31m").message


def test_a_429_without_a_body_is_one_all_the_same() -> None:
    assert isinstance(refused(429, b""), RateLimitedError)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": "0.5"}, 0.5),
        (
            {"retry-after": "Fri, 20 Nov 2026 10:05:00 GMT", "date": "Fri, 20 Nov 2026 10:00:00 GMT"},
            300.0,
        ),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 90.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({}, None),
    ],
)
def test_retry_after_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, now=10.0) == seconds


@pytest.mark.parametrize("text", ["", "yesterday", "Wed, 99 Nov 2026 10:00:00 GMT"])
def test_what_is_no_date_is_none(text: str) -> None:
    assert http_date(text) is None
