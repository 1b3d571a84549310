from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.workers_api import ACCOUNT, WorkersApi

EDGE = "/workers/scripts/edge"
ROUTE = {"pattern": "example.com/*", "zone_name": "example.com"}


@pytest.fixture
def api() -> WorkersApi:
    api = WorkersApi()
    api.deploy()
    return api


def test_every_account_has_a_subdomain(api: WorkersApi) -> None:
    assert api.result("GET", "/workers/subdomain") == {"subdomain": "account-aaaaaaaa"}
    api.result("PUT", "/workers/subdomain", json={"subdomain": "shop"})
    assert api.result("GET", "/workers/subdomain") == {"subdomain": "shop"}
    assert api.refusal("PUT", "/workers/subdomain", json={}) == (400, 10021)


def test_workers_dev_is_switched_on_and_off(api: WorkersApi) -> None:
    on = api.result("POST", EDGE + "/subdomain", json={"enabled": True})
    assert on == api.result("GET", EDGE + "/subdomain") == {"enabled": True, "previews_enabled": False}
    assert api.deploy()["subdomain"] == on
    assert api.result("DELETE", EDGE + "/subdomain") == {"enabled": False, "previews_enabled": False}


def test_schedules_are_replaced_whole(api: WorkersApi) -> None:
    for crons in (["*/5 * * * *", "0 0 * * *"], ["0 0 * * *"], []):
        api.result("PUT", EDGE + "/schedules", json=[{"cron": cron} for cron in crons])
        assert [one["cron"] for one in api.result("GET", EDGE + "/schedules")["schedules"]] == crons
    assert api.refusal("PUT", EDGE + "/schedules", json=[{"cron": "often"}]) == (400, 10021)
    assert api.refusal("PUT", EDGE + "/schedules", json={"cron": "often"}) == (400, 10021)


def test_the_routes_of_a_script_are_replaced_whole(api: WorkersApi) -> None:
    api.result("PUT", EDGE + "/routes", json=[ROUTE, {"pattern": "api.example.com/*"}])
    before = {one["pattern"]: one["id"] for one in api.result("GET", EDGE + "/routes")}
    api.result("PUT", EDGE + "/routes", json=[ROUTE])
    assert {one["pattern"]: one["id"] for one in api.result("GET", EDGE + "/routes")} == {
        ROUTE["pattern"]: before[ROUTE["pattern"]]
    }


def test_a_route_belongs_to_one_script(api: WorkersApi) -> None:
    api.deploy("other")
    api.result("PUT", EDGE + "/routes", json=[ROUTE])
    assert api.refusal("PUT", "/workers/scripts/other/routes", json=[ROUTE]) == (409, 10020)


def test_a_route_can_move_to_another_zone(api: WorkersApi) -> None:
    for zone in ("a" * 32, "b" * 32):
        api.result("PUT", EDGE + "/routes", json=[{**ROUTE, "zone_id": zone}])
        assert [one["zone_id"] for one in api.result("GET", EDGE + "/routes")] == [zone]


def test_routes_can_be_handled_by_zone(api: WorkersApi) -> None:
    zone = api.result("GET", "//zones?name=example.com")[0]["id"]
    api.result("PUT", EDGE + "/routes", json=[ROUTE])
    routes = f"//zones/{zone}/workers/routes"
    assert [one["script"] for one in api.result("GET", routes)] == ["edge"]
    assert api.refusal("POST", routes, json=ROUTE | {"script": "edge"}) == (409, 10020)
    made = api.result("POST", routes, json={"pattern": "example.com/x", "script": "edge"})
    changed = api.result("PUT", f"{routes}/{made['id']}", json={"pattern": "example.com/y", "script": "edge"})
    assert changed == {"id": made["id"], "pattern": "example.com/y", "script": "edge"}
    assert len(api.world.all("route", ACCOUNT)) == 2
    assert api.result("DELETE", f"{routes}/{made['id']}") == {"id": made["id"]}
    assert api.refusal("DELETE", f"{routes}/{made['id']}") == (404, 10008)


def test_a_route_may_lead_to_no_script_but_to_no_absent_one(api: WorkersApi) -> None:
    routes = "//zones/" + "0" * 32 + "/workers/routes"
    assert api.result("POST", routes, json={"pattern": "example.com/x"})["script"] is None
    made = api.result("GET", routes)[0]
    body: dict[str, Any] = {"pattern": "example.com/x", "script": "edge"}
    assert api.result("PUT", f"{routes}/{made['id']}", json=body)["script"] == "edge"
    assert api.refusal("PUT", f"{routes}/{made['id']}", json=body | {"script": "none"}) == (404, 10007)
    assert len(api.result("GET", routes)) == 1


def test_a_custom_domain_leads_to_a_script(api: WorkersApi) -> None:
    wish = {"hostname": "www.example.com", "service": "edge", "zone_name": "example.com"}
    domain = api.result("PUT", "/workers/domains", json=wish)
    assert {key: domain[key] for key in wish} == wish
    assert api.result("PUT", "/workers/domains", json=wish) == domain
    assert api.result("GET", "/workers/domains?service=edge") == [domain]
    assert api.result("GET", "/workers/domains?service=other") == []
    assert api.result("GET", f"/workers/domains/{domain['id']}") == domain
    assert api.result("DELETE", f"/workers/domains/{domain['id']}") is None
    assert api.refusal("GET", f"/workers/domains/{domain['id']}") == (404, 100114)
    assert api.refusal("PUT", "/workers/domains", json=wish | {"service": "none"}) == (404, 10007)


def test_the_domains_of_a_script_are_replaced_whole(api: WorkersApi) -> None:
    names = EDGE + "/domains/records"
    api.result("PUT", names, json={"origins": [{"hostname": "a.example.com"}, {"hostname": "b.example.com"}]})
    preview = api.result(
        "POST", EDGE + "/domains/changeset?replace_state=true", json=[{"hostname": "c.example.com"}]
    )
    assert [one["hostname"] for one in preview["removed"]] == ["a.example.com", "b.example.com"]
    assert [one["hostname"] for one in preview["added"]] == ["c.example.com"]
    api.result("PUT", names, json={"origins": [{"hostname": "b.example.com"}]})
    assert [one["hostname"] for one in api.result("GET", "/workers/domains")] == ["b.example.com"]
    assert api.refusal("PUT", names, json={"origins": [{}]}) == (400, 10021)


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ("//user", "email", "local@example.com"),
        ("//user/tokens/verify", "status", "active"),
        (f"//accounts/{ACCOUNT}/tokens/verify", "status", "active"),
        (f"//accounts/{ACCOUNT}", "id", ACCOUNT),
    ],
)
def test_who_am_i(api: WorkersApi, path: str, key: str, value: str) -> None:
    assert api.result("GET", path)[key] == value


def test_there_are_no_kv_namespaces(api: WorkersApi) -> None:
    assert api.result("GET", "/storage/kv/namespaces?per_page=100&page=1") == []
    assert api.result("GET", "//zones") == []
