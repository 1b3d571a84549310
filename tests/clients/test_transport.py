from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from reconciler.clients.settings import ApiCredentials
from reconciler.clients.transport import Transport, query_text, segment
from reconciler.errors import (
    InterruptedRunError,
    NotFoundError,
    ProviderError,
    RateLimitedError,
    StateError,
    UnavailableError,
)
from tests.clients.clock import Clock

BASE = "https://api.example/client/v4"
YES = {"success": True, "errors": [], "messages": [], "result": {"id": "a"}}
NO = {"success": False, "errors": [{"code": 1000, "message": "no: hunter2hunter2"}], "result": None}


class Script:
    """Answers by a list of prepared outcomes, the last one for ever, and keeps what was asked."""

    def __init__(self, *outcomes: httpx.Response | Exception) -> None:
        self.outcomes = list(outcomes)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return httpx.Response(outcome.status_code, headers=outcome.headers, content=outcome.content)


def yes(**headers: str) -> httpx.Response:
    return httpx.Response(200, json=YES, headers={k.replace("_", "-"): v for k, v in headers.items()})


def no(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=NO, headers={k.replace("_", "-"): v for k, v in headers.items()})


def over(
    handler: Callable[[httpx.Request], httpx.Response], clock: Clock | None = None, **options: Any
) -> Transport:
    clock = clock or Clock()
    return Transport(
        BASE,
        ApiCredentials(token="t0ken"),
        sleep=clock.sleep,
        monotonic=clock.monotonic,
        clock=clock.monotonic,
        inner=httpx.MockTransport(handler),
        **options,
    )


def test_a_request_goes_out_as_the_reference_has_it() -> None:
    script = Script(yes())
    over(script, user_agent="reconciler/1").request("POST", "/accounts/a/x", query={"n": 1}, json={"ä": [1]})
    (request,) = script.requests
    assert str(request.url) == f"{BASE}/accounts/a/x?n=1"
    assert request.headers["authorization"] == "Bearer t0ken"
    assert request.headers["user-agent"] == "reconciler/1"
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.content) == {"ä": [1]}


def test_without_a_body_no_content_type_is_sent() -> None:
    script = Script(yes())
    over(script).request("DELETE", "/x")
    assert "content-type" not in script.requests[0].headers


def test_raw_content_and_headers_of_ones_own() -> None:
    script = Script(yes())
    over(script).request("PUT", "/x", content=b"\x00", content_type="application/wasm", headers={"X-A": "b"})
    assert script.requests[0].content == b"\x00"
    assert script.requests[0].headers["content-type"] == "application/wasm"
    assert script.requests[0].headers["x-a"] == "b"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "failure", [no(500), no(503), httpx.ReadTimeout(""), httpx.RemoteProtocolError("gone")]
)
def test_what_may_be_repeated_is_tried_three_times(method: str, failure: httpx.Response | Exception) -> None:
    script, clock = Script(failure, failure, yes()), Clock()
    assert over(script, clock).request(method, "/x").result == {"id": "a"}
    assert sum(clock.slept) == pytest.approx(1 + 2)


def test_the_third_failure_is_the_last() -> None:
    script = Script(no(502))
    with pytest.raises(UnavailableError):
        over(script).request("GET", "/x")
    assert len(script.requests) == 3


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize(
    "failure", [no(500), httpx.ReadTimeout(""), httpx.WriteError("cut"), httpx.Response(502, text="<html>")]
)
def test_what_may_have_been_done_is_not_repeated(method: str, failure: httpx.Response | Exception) -> None:
    script = Script(failure, yes())
    with pytest.raises(UnavailableError) as caught:
        over(script).request(method, "/x", json={})
    assert caught.value.sent
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    "failure", [httpx.ConnectError("refused"), httpx.ConnectTimeout(""), httpx.ProxyError("no")]
)
def test_what_never_arrived_is_repeated_even_if_it_creates(failure: Exception) -> None:
    script = Script(failure, yes())
    assert over(script).request("POST", "/x", json={}).result == {"id": "a"}


def test_what_never_arrived_is_said_not_to_have_been_sent() -> None:
    with pytest.raises(UnavailableError) as caught:
        over(Script(httpx.ConnectError("refused"))).request("POST", "/x", json={})
    assert not caught.value.sent


@pytest.mark.parametrize(("method", "idempotent", "times"), [("PUT", False, 1), ("POST", True, 3)])
def test_the_caller_knows_better_than_the_method(method: str, idempotent: bool, times: int) -> None:
    script = Script(no(500))
    with pytest.raises(UnavailableError):
        over(script).request(method, "/x", idempotent=idempotent)
    assert len(script.requests) == times


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409])
def test_a_refusal_is_final(status: int) -> None:
    script = Script(no(status))
    with pytest.raises(ProviderError):
        over(script).request("GET", "/x")
    assert len(script.requests) == 1


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
def test_a_429_is_waited_out_to_the_second(method: str) -> None:
    script, clock, told = Script(no(429, retry_after="300"), yes()), Clock(), list[float]()
    transport = over(script, clock, on_wait=lambda seconds, reason: told.append(seconds))
    assert transport.request(method, "/x").result == {"id": "a"}
    assert 300 <= sum(clock.slept) < 300.2
    assert told == [300]


def test_a_429_without_a_header_waits_longer_each_time() -> None:
    script, clock = Script(no(429), no(429), no(429), yes()), Clock()
    over(script, clock).request("POST", "/x")
    assert sum(clock.slept) == pytest.approx(1 + 2 + 4, abs=0.5)


def test_endless_429s_end() -> None:
    with pytest.raises(RateLimitedError) as caught:
        over(Script(no(429, retry_after="7"))).request("GET", "/x")
    assert caught.value.retry_after == 7


def test_a_wait_beyond_all_measure_is_refused() -> None:
    clock = Clock()
    with pytest.raises(RateLimitedError):
        over(Script(no(429, retry_after="86400")), clock).request("GET", "/x")
    assert not clock.slept


def test_after_a_429_no_thread_begins_a_request() -> None:
    script, clock = Script(no(429, retry_after="30"), yes()), Clock()
    transport, begun = over(script, clock), list[float]()

    def send() -> None:
        transport.request("GET", "/x")
        begun.append(clock.now)

    for _ in range(3):
        thread = threading.Thread(target=send)
        thread.start()
        thread.join()
    assert min(begun) >= 1030


@pytest.mark.parametrize(("seconds", "tries"), [("5", 2), ("600", 1)])
def test_a_503_may_ask_for_some_patience_but_not_for_much(seconds: str, tries: int) -> None:
    script, clock = Script(no(503, retry_after=seconds), yes()), Clock()
    transport = over(script, clock)
    if tries == 1:
        with pytest.raises(UnavailableError):
            transport.request("GET", "/x")
    else:
        transport.request("GET", "/x")
        assert sum(clock.slept) == pytest.approx(5)
    assert len(script.requests) == tries


def test_stopping_cuts_a_429_short() -> None:
    clock = Clock()
    transport = over(Script(no(429, retry_after="300")), clock, stop=lambda: len(clock.slept) > 2)
    with pytest.raises(InterruptedRunError):
        transport.request("POST", "/x")
    assert sum(clock.slept) < 1


def test_stopping_before_a_repeat_tells_what_failed() -> None:
    with pytest.raises(UnavailableError) as caught:
        over(Script(no(500)), stop=lambda: True).request("PUT", "/x")
    assert caught.value.sent


def test_stopping_does_not_forbid_a_request_that_need_not_wait() -> None:
    assert over(Script(yes()), stop=lambda: True).request("GET", "/x").status == 200


def test_errors_are_scrubbed_and_say_the_path_without_the_account() -> None:
    transport = over(Script(no(404)), scrub=lambda text: text.replace("hunter2hunter2", "(sensitive)"))
    with pytest.raises(NotFoundError) as caught:
        transport.request("GET", "/accounts/abc/containers/applications/1", query={"q": "1"})
    assert "GET /containers/applications/1 with 404 1000: no: (sensitive)" in str(caught.value)
    assert "hunter2" not in repr(caught.value.args)


def test_details_are_scrubbed_too() -> None:
    inner = json.dumps(
        {"error": "VALIDATE_INPUT", "details": {"a": "hunter2hunter2", "b": ["hunter2hunter2"]}}
    )
    document = {"success": False, "errors": [{"code": 1000, "message": inner}]}
    transport = over(
        Script(httpx.Response(400, json=document)), scrub=lambda text: text.replace("hunter2", "-")
    )
    with pytest.raises(ProviderError) as caught:
        transport.request("POST", "/x", json={})
    assert caught.value.details == {"a": "--", "b": ["--"]}


def test_the_time_is_the_servers() -> None:
    clock = Clock()
    transport = over(Script(yes(date="Fri, 20 Nov 2026 10:00:00 GMT")), clock)
    assert transport.server_time() == 1000
    transport.request("GET", "/x")
    clock.now += 42
    assert transport.server_time() == 1795168800 + 42


def test_a_senseless_date_changes_no_clock() -> None:
    transport = over(Script(yes(date="yesterday")))
    transport.request("GET", "/x")
    assert transport.server_time() == 1000


def test_exchanges_are_traced() -> None:
    lines: list[str] = []
    over(Script(httpx.ReadTimeout(""), yes()), trace=lines.append).request("GET", "/accounts/a/containers/me")
    assert [line.rpartition(" ")[0] for line in lines] == ["GET /containers/me", "GET /containers/me 200"]


def test_a_pause_is_cut_short_too() -> None:
    with pytest.raises(InterruptedRunError):
        over(Script(yes()), stop=lambda: True).pause(5)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (None, ""),
        ({}, ""),
        ({"a": None}, ""),
        ({"a": 1, "b": "x y"}, "?a=1&b=x%20y"),
        ({"label": ["a", "b"]}, "?label=a&label=b"),
        ({"key": {"sub": "v"}}, "?key%5Bsub%5D=v"),
        ({"force": True}, "?force=true"),
    ],
)
def test_queries(query: dict[str, Any] | None, text: str) -> None:
    assert query_text(query) == text


@pytest.mark.parametrize(
    ("value", "text"), [("a-1", "a-1"), ("a/b", "a%2Fb"), ("ä ?", "%C3%A4%20%3F"), ("...", "...")]
)
def test_path_parameters_stay_in_their_place(value: str, text: str) -> None:
    assert segment(value) == text


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_a_path_parameter_that_leads_elsewhere_is_refused(value: str) -> None:
    with pytest.raises(ProviderError):
        segment(value)


def test_who_may_begin_is_asked_before_each_exchange() -> None:
    def may_begin() -> None:
        if len(script.requests) == 2:
            raise StateError("the lease is over")

    script = Script(no(503), yes())
    transport = over(script, may_begin=may_begin)
    transport.request("GET", "/a")
    with pytest.raises(StateError, match="lease"):
        transport.request("GET", "/a")
    assert len(script.requests) == 2


WRITTEN = [
    ("PUT", "/accounts/a/workers/scripts/edge", "/accounts/a/workers/scripts/edge/deployments"),
    ("PUT", "/accounts/a/workers/scripts/edge", "/accounts/a/workers/services/edge"),
    ("POST", "/accounts/a/containers/applications", "/accounts/a/containers/applications/a"),
]


@pytest.mark.parametrize(("method", "written", "read"), WRITTEN)
def test_what_we_have_just_written_is_looked_for_until_it_is_shown(
    method: str, written: str, read: str
) -> None:
    script, clock = Script(yes(), no(404), no(404), yes()), Clock()
    transport = over(script, clock)
    transport.request(method, written)
    assert transport.request("GET", read).status == 200
    assert len(script.requests) == 4


def test_after_half_a_minute_not_found_is_believed() -> None:
    clock = Clock()
    transport = over(Script(yes(), no(404)), clock)
    transport.request("PUT", "/accounts/a/workers/scripts/edge")
    with pytest.raises(NotFoundError):
        transport.request("GET", "/accounts/a/workers/scripts/edge")
    assert 1030 <= clock.monotonic() <= 1045


@pytest.mark.parametrize(
    ("method", "read"), [("PUT", "/scripts/other"), ("DELETE", "/scripts/edge"), ("PUT", "/scripts/ed")]
)
def test_what_is_not_ours_or_deleted_is_not_found_at_once(method: str, read: str) -> None:
    script = Script(yes(), yes(), no(404))
    transport = over(script)
    transport.request("PUT", "/scripts/edge")
    transport.request(method, "/scripts/edge")
    with pytest.raises(NotFoundError):
        transport.request("GET", read)
    assert len(script.requests) == 3
