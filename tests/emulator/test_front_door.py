"""What every request meets, whatever it is for: gate, rate limit, ledger, faults, settings, the emulator's pages."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.cloud import ACCOUNT, Cloud, wish

SECRETS = f"/client/v4/accounts/{ACCOUNT}/containers/secrets"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "127.0.0.1:8787"}, 200),
        ({"host": "localhost"}, 200),
        ({"host": "[::1]:8787"}, 200),
        ({"host": "127.1.2.3"}, 200),
        ({"host": "api.cloudflare.com"}, 403),
        ({"host": "127.0.0.1.evil.example"}, 403),
        ({"host": ""}, 403),
        ({"origin": "http://127.0.0.1:1"}, 200),
        ({"origin": "https://evil.example"}, 403),
    ],
)
def test_only_loopback_is_answered(cloud: Cloud, headers: dict[str, str], status: int) -> None:
    for path in ("applications", "/emulator/world"):
        reply = cloud.get(path, **headers)
        assert reply.status == status
        assert not [name for name in reply.headers if name.startswith("access-control")]


def test_a_token_is_wanted_and_checked_if_one_is_set() -> None:
    anybody, guarded = Cloud(), Cloud(token="right")
    assert anybody.get("applications", authorization="").json["errors"][0]["code"] == 10000
    assert anybody.get("applications", authorization="Bearer any").status == 200
    assert anybody.get("me", authorization="", x_auth_key="k", x_auth_email="e").status == 200
    assert guarded.get("applications", authorization="Bearer wrong").status == 401
    assert guarded.get("applications", authorization="Bearer right").status == 200
    assert guarded.get("/emulator/world", authorization="").status == 200


def test_unknown_routes_and_methods(cloud: Cloud) -> None:
    for path in ("nothing", "/client/v4/nothing", "/else", "/"):
        reply = cloud.get(path)
        assert (reply.status, reply.json["errors"][0]["code"], reply.json["success"]) == (404, 7003, False)
    assert cloud.put("applications", {}).status == 405
    assert cloud.get("/emulator/nothing").status == 404


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"'])
def test_a_body_that_is_no_object(cloud: Cloud, body: bytes) -> None:
    assert cloud.post("applications", body).details == {".": "expected a JSON object"}


def test_a_body_is_read_whatever_its_content_type(cloud: Cloud) -> None:
    reply = cloud.post("secrets", {"name": "a", "value": "b"}, content_type="text/plain;charset=UTF-8")
    assert reply.status == 201


def test_rate_limit_headers_and_block() -> None:
    cloud = Cloud(rate_limit={"requests": 2, "window": 60, "block": 90})
    first = cloud.get("applications")
    assert first.headers["ratelimit"] == '"default";r=1;t=60'
    assert first.headers["ratelimit-policy"] == '"default";q=2;w=60'
    cloud.wait(20)
    assert cloud.get("applications").headers["ratelimit"] == '"default";r=0;t=40'
    blocked = cloud.get("applications")
    assert (blocked.status, blocked.headers["retry-after"]) == (429, "90")
    assert cloud.get("applications", authorization="Bearer other").status == 200
    cloud.wait(89.5)
    assert cloud.get("applications").headers["retry-after"] == "1"
    cloud.wait(0.5)
    assert cloud.get("applications").status == 200
    assert cloud.get("/emulator/clock").status == 200


def test_without_a_limit_the_headers_hold_nobody_up(cloud: Cloud) -> None:
    assert cloud.get("applications").headers["ratelimit-policy"] == '"default";q=1000000;w=300'


def test_the_ledger_tells_what_was_asked_and_done(cloud: Cloud) -> None:
    application = cloud.application()
    cloud.get("applications?name=api&label=a&label=b")
    cloud.delete(f"applications/{application['id']}")
    cloud.wait(10)
    cloud.get("applications")
    create, look, delete, last = cloud.ledger()
    fact = {"kind": "application", "id": application["id"], "name": "api"}
    assert (create["n"], create["method"], create["status"], create["created"]) == (1, "POST", 201, [fact])
    assert create["path"] == f"/client/v4/accounts/{ACCOUNT}/containers/applications"
    assert create["body"] == wish()
    assert create["time"] == 1_800_000_000
    assert look["query"] == {"name": "api", "label": ["a", "b"]}
    assert (delete["deleted"], last["deleted"]) == ([fact], [])
    assert [entry["n"] for entry in cloud.get("/emulator/ledger?since=2").json] == [3, 4]


def test_refused_requests_are_in_the_ledger(cloud: Cloud) -> None:
    cloud.post("applications", {}, authorization="")
    cloud.get("nothing")
    assert [entry["status"] for entry in cloud.ledger()] == [401, 404]


def fault(fault: dict[str, Any], **rule: Any) -> dict[str, Any]:
    return {"path": "/containers/", "fault": fault, **rule}


def test_dropped_before_nothing_was_done(cloud: Cloud) -> None:
    cloud.faults(fault({"drop": "before"}))
    with pytest.raises(ConnectionResetError):
        cloud.post("applications", wish())
    assert cloud.get("applications").result == []
    entry = cloud.ledger()[0]
    assert (entry["status"], entry["created"], entry["fault"]) == (0, [], {"drop": "before"})


def test_dropped_after_everything_was_done(cloud: Cloud) -> None:
    cloud.faults(fault({"drop": "after"}))
    with pytest.raises(ConnectionResetError):
        cloud.post("applications", wish())
    (application,) = cloud.get("applications").result
    entry = cloud.ledger()[0]
    assert (entry["status"], entry["created"][0]["id"]) == (0, application["id"])


def test_answers_without_work(cloud: Cloud) -> None:
    cloud.faults(
        fault({"status": 429, "headers": {"Retry-After": "2"}, "body": {"a": 1}}), fault({"html": True})
    )
    first, second = cloud.post("applications", wish()), cloud.post("applications", wish())
    assert (first.status, first.headers["retry-after"], first.json) == (429, "2", {"a": 1})
    assert (second.status, second.headers["content-type"]) == (502, "text/html; charset=UTF-8")
    assert cloud.get("applications").result == []


def test_stale_reads_answer_the_world_of_then(cloud: Cloud) -> None:
    early = cloud.application("early")
    cloud.wait(40)
    late = cloud.application("late")
    cloud.faults(fault({"stale": 30}, times=0))
    assert [item["name"] for item in cloud.get("applications").result] == ["early"]
    assert cloud.get(f"applications/{late['id']}").status == 404
    assert cloud.patch(f"applications/{early['id']}", {"instances": 9}).result["instances"] == 9
    assert cloud.get(f"applications/{early['id']}").result["instances"] == 3
    cloud.wait(30)
    assert cloud.get(f"applications/{early['id']}").result["instances"] == 9
    assert len(cloud.get("applications").result) == 2


def test_an_echo_differs_only_in_the_answer(cloud: Cloud) -> None:
    cloud.faults(fault({"echo": {"max_instances": 7, "configuration.vcpu": 2}}, times=2))
    created = cloud.post("applications", wish()).result
    assert (created["max_instances"], created["configuration"]["vcpu"]) == (7, 2)
    assert cloud.get("applications").result[0]["max_instances"] == 7
    assert cloud.get("applications").result[0]["max_instances"] == 3


def test_which_fault_strikes_when(cloud: Cloud) -> None:
    cloud.faults(
        fault({"status": 500}, method="POST", after=1),
        fault({"status": 503}, path="secrets$", times=2),
        {"fault": {"status": 418}, "after": 5, "times": 0},
    )
    asked = [
        ("POST", "applications"),
        ("GET", "secrets"),
        ("POST", "secrets"),
        ("POST", "secrets"),
        ("GET", "me"),
    ]
    got = [cloud.ask(method, path, {}).status for method, path in [*asked, ("GET", "me"), ("GET", "me")]]
    assert got == [400, 503, 500, 503, 200, 418, 418]
    assert [rule["struck"] for rule in cloud.get("/emulator/faults").json] == [1, 2, 2]
    cloud.faults()
    assert cloud.get("me").status == 200


@pytest.mark.parametrize(
    ("page", "body"),
    [
        ("faults", {}),
        ("faults", [{"fault": {}}]),
        ("faults", [{"fault": {"drop": "sometimes"}}]),
        ("faults", [{"fault": {"explode": 1}}]),
        ("faults", [{"fault": {"html": True}, "where": ""}]),
        ("faults", [{"fault": {"html": True}, "path": "("}]),
        ("settings", []),
        ("settings", {"speed": 1}),
        ("settings", {"limits": "no"}),
        ("settings", {"missing_images": "maybe"}),
        ("settings", {"delete_seconds": -1}),
        ("settings", {"rate_limit": {"requests": 1}}),
        ("settings", {"unhealthy": ["x"]}),
        ("settings", {"refuse": "secrets"}),
        ("settings", {"job_exit": [{"command": "x", "code": 1}]}),
    ],
)
def test_bad_faults_and_settings_change_nothing(cloud: Cloud, page: str, body: Any) -> None:
    before = cloud.get(f"/emulator/{page}").body
    reply = cloud.put(f"/emulator/{page}", body)
    assert reply.status == 400
    assert reply.json["error"]
    assert cloud.get(f"/emulator/{page}").body == before


def test_the_clock_page(cloud: Cloud) -> None:
    assert cloud.get("/emulator/clock").json == {"time": 1.8e9, "iso": "2027-01-15T08:00:00.000Z", "rate": 1}
    assert cloud.post("/emulator/clock", {"advance": 60}).json["time"] == 1.8e9 + 60
    cloud.post("/emulator/clock", {"rate": 100})
    cloud.wait(1)
    assert cloud.get("applications").headers["date"] == "Fri, 15 Jan 2027 08:02:40 GMT"
    for bad in ({}, {"advance": -1}, {"back": 1}, {"rate": "fast"}, {"advance": 1e12}):
        assert cloud.post("/emulator/clock", bad).status == 400


def test_advancing_settles_at_once(cloud: Cloud) -> None:
    cloud.delete(f"applications/{cloud.application()['id']}")
    cloud.post("/emulator/clock", {"advance": 5})
    assert cloud.get("/emulator/world").json == {}


def test_the_world_is_emptied(cloud: Cloud) -> None:
    cloud.application()
    assert cloud.delete("/emulator/world").status == 200
    assert cloud.get("/emulator/world").json == {}
    assert cloud.get("applications").result == []
    assert len(cloud.ledger()) == 2


@pytest.mark.parametrize(
    ("refuse", "path", "status"),
    [
        ("secrets", "secrets", 403),
        ("jobs", "applications/11111111-1111-4111-8111-111111111111/jobs/x", 403),
        ("ssh_public_keys", "ssh-public-keys", 403),
        ("registry_protocols", "registries/protos", 403),
        ("account", "me", 403),
        ("deployments", "deployments/v2", 403),
        ("registries", "registries", 403),
        ("secrets", "applications", 200),
    ],
)
def test_refused_families(cloud: Cloud, refuse: str, path: str, status: int) -> None:
    cloud.settings(refuse=[refuse])
    reply = cloud.get(path)
    assert reply.status == status
    assert status == 200 or reply.json["errors"][0]["code"] == 7003
