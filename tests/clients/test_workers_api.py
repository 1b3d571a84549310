from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.clients.cloudflare import Cloudflare
from reconciler.clients.multipart import Part
from reconciler.clients.workers_api import version_of
from reconciler.errors import NotFoundError, UnavailableError
from tests.clients.api_server import ACCOUNT, Scripted

BODY = {"a": 1}
MODULE = Part("main.js", b"export default {}", "application/javascript+module", "main.js")
Call = Callable[[Cloudflare], Any]

OBJECTS: list[tuple[Call, str, str, Any]] = [
    (
        lambda api: api.upload_script("s", {}, [MODULE]),
        "PUT",
        "/scripts/s?excludeScript=true&bindings_inherit=strict",
        "multipart",
    ),
    (
        lambda api: api.upload_script_version("s", {}, [MODULE]),
        "POST",
        "/scripts/s/versions?bindings_inherit=strict",
        "multipart",
    ),
    (lambda api: api.get_service("s"), "GET", "/services/s", None),
    (lambda api: api.get_worker("s"), "GET", "/workers/s", None),
    (lambda api: api.get_script_references("s"), "GET", "/scripts/s/references", None),
    (lambda api: api.get_script_version("s", "v"), "GET", "/scripts/s/versions/v", None),
    (lambda api: api.create_script_deployment("s", BODY), "POST", "/scripts/s/deployments", BODY),
    (
        lambda api: api.create_script_deployment("s", BODY, force=True),
        "POST",
        "/scripts/s/deployments?force=true",
        BODY,
    ),
    (lambda api: api.get_script_settings("s"), "GET", "/scripts/s/settings", None),
    (lambda api: api.update_script_settings("s", BODY), "PATCH", "/scripts/s/settings", "multipart"),
    (lambda api: api.get_unversioned_settings("s"), "GET", "/scripts/s/script-settings", None),
    (lambda api: api.update_unversioned_settings("s", BODY), "PATCH", "/scripts/s/script-settings", BODY),
    (
        lambda api: api.put_script_secret("s", "K", "v"),
        "PUT",
        "/scripts/s/secrets",
        {"name": "K", "text": "v", "type": "secret_text"},
    ),
    (lambda api: api.put_account_subdomain("me"), "PUT", "/subdomain", {"subdomain": "me"}),
    (lambda api: api.get_script_subdomain("s"), "GET", "/scripts/s/subdomain", None),
    (
        lambda api: api.set_script_subdomain("s", {"enabled": True}),
        "POST",
        "/scripts/s/subdomain",
        {"enabled": True},
    ),
    (lambda api: api.put_domain(BODY), "PUT", "/domains", BODY),
]

LISTS: list[tuple[Call, str]] = [
    (lambda api: api.list_scripts(), "/scripts"),
    (lambda api: api.list_tail_producers("s"), "/tails/by-consumer/s"),
    (lambda api: api.list_script_secrets("s"), "/scripts/s/secrets"),
    (lambda api: api.list_domains(service="s"), "/domains?service=s"),
    (lambda api: api.list_namespaces(), "/durable_objects/namespaces?per_page=1000"),
]

SILENT: list[tuple[Call, str, str, Any]] = [
    (lambda api: api.delete_script("s"), "DELETE", "/scripts/s", None),
    (lambda api: api.delete_script("s", force=True), "DELETE", "/scripts/s?force=true", None),
    (lambda api: api.delete_service("s"), "DELETE", "/services/s?force=false", None),
    (
        lambda api: api.delete_script_secret("s", "a/b"),
        "DELETE",
        "/scripts/s/secrets/a%2Fb?url_encoded=true",
        None,
    ),
    (
        lambda api: api.update_script_secrets("s", {"A": "v", "B": None}),
        "PATCH",
        "/scripts/s/secrets-bulk",
        {"secrets": {"A": {"name": "A", "text": "v", "type": "secret_text"}, "B": None}},
    ),
    (
        lambda api: api.set_schedules("s", ["* * * * *"]),
        "PUT",
        "/scripts/s/schedules",
        [{"cron": "* * * * *"}],
    ),
    (lambda api: api.set_script_routes("s", [BODY]), "PUT", "/scripts/s/routes", [BODY]),
    (lambda api: api.delete_domain("d"), "DELETE", "/domains/d", None),
]


@pytest.mark.parametrize(
    ("call", "method", "path", "body"), OBJECTS, ids=lambda value: "" if callable(value) else str(value)[:40]
)
def test_operations_on_one_object(call: Call, method: str, path: str, body: Any) -> None:
    server = Scripted({"result": {"id": "x"}})
    assert call(server.api) == {"id": "x"}
    assert server.asked == [(method, f"/workers{path}", body)]


@pytest.mark.parametrize(
    ("call", "path"), LISTS, ids=lambda value: "" if callable(value) else str(value)[:40]
)
def test_lists(call: Call, path: str) -> None:
    server = Scripted({"result": [{"id": "x"}]})
    assert call(server.api) == [{"id": "x"}]
    assert server.asked == [("GET", f"/workers{path}", None)]


@pytest.mark.parametrize(
    ("call", "method", "path", "body"), SILENT, ids=lambda value: "" if callable(value) else str(value)[:40]
)
def test_operations_whose_answer_says_nothing(call: Call, method: str, path: str, body: Any) -> None:
    server = Scripted({"result": None})
    assert call(server.api) is None
    assert server.asked == [(method, f"/workers{path}", body)]


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (lambda api: api.list_script_versions("s"), "items"),
        (lambda api: api.list_script_deployments("s"), "deployments"),
        (lambda api: api.list_schedules("s"), "schedules"),
    ],
)
def test_lists_inside_an_object(call: Call, key: str) -> None:
    assert call(Scripted({"result": {key: [{"id": "x"}]}}).api) == [{"id": "x"}]
    assert call(Scripted({"result": {}}).api) == []


def test_an_upload_carries_metadata_and_modules() -> None:
    server = Scripted({"result": {"id": "s"}})
    server.api.upload_script("s", {"main_module": "main.js"}, [MODULE])
    content = server.requests[0].content
    assert b'name="metadata"\r\nContent-Type: application/json\r\n\r\n{"main_module":"main.js"}' in content
    assert b'name="main.js"; filename="main.js"\r\nContent-Type: application/javascript+module' in content


@pytest.mark.parametrize(("metadata", "times"), [({}, 2), ({"migrations": {"new_tag": "v1"}}, 1)])
def test_an_upload_with_migrations_is_not_repeated(metadata: dict[str, Any], times: int) -> None:
    server = Scripted((502, 1), {"result": {"id": "s"}})
    if times == 1:
        with pytest.raises(UnavailableError):
            server.api.upload_script("s", metadata, [MODULE])
    else:
        server.api.upload_script("s", metadata, [MODULE])
    assert len(server.requests) == times


def test_a_version_just_uploaded_is_waited_for() -> None:
    server = Scripted(*[(404, 100146)] * 5, {"result": {"id": "v"}})
    assert server.api.get_script_version("s", "v") == {"id": "v"}
    assert sum(server.clock.slept) == pytest.approx(2.5)


def test_the_version_of_an_upload_gets_its_dashes_back() -> None:
    uploaded = {"deployment_id": "e112a70c8d1b472089bd23749bee9f21"}
    assert version_of(uploaded) == "e112a70c-8d1b-4720-89bd-23749bee9f21"


def test_an_upload_that_names_no_version_was_done_all_the_same() -> None:
    with pytest.raises(UnavailableError) as caught:
        version_of({})
    assert caught.value.sent


@pytest.mark.parametrize(("code", "times"), [(100146, 6), (10007, 1)])
def test_a_version_that_does_not_come_is_not_found(code: int, times: int) -> None:
    server = Scripted((404, code))
    with pytest.raises(NotFoundError):
        server.api.get_script_version("s", "v")
    assert len(server.requests) == times


def test_the_subdomain_switch_carries_its_date() -> None:
    server = Scripted({"result": {}})
    server.api.set_script_subdomain("s", {"enabled": True})
    assert server.requests[0].headers["cloudflare-workers-script-api-date"] == "2025-08-01"


def test_an_account_without_a_subdomain_has_an_empty_one() -> None:
    assert Scripted((404, 10007)).api.get_account_subdomain() == ""
    assert Scripted({"result": {"subdomain": "me"}}).api.get_account_subdomain() == "me"


def test_secrets_in_bulk_are_a_merge_patch() -> None:
    server = Scripted({"result": None})
    server.api.update_script_secrets("s", {})
    assert server.requests[0].headers["content-type"] == "application/merge-patch+json"


def test_numbered_pages_are_read_to_the_count() -> None:
    info = {"page": 1, "per_page": 2, "total_count": 3}
    server = Scripted(
        {"result": [{"id": 1}, {"id": 2}], "result_info": info},
        {"result": [{"id": 3}], "result_info": info},
    )
    assert [each["id"] for each in server.api.list_namespaces(per_page=2)] == [1, 2, 3]
    assert server.asked[1][1] == "/workers/durable_objects/namespaces?per_page=2&page=2"


def test_a_count_that_never_comes_true_ends_with_an_empty_page() -> None:
    server = Scripted({"result": [{"id": 1}], "result_info": {"total_count": 9}}, {"result": []})
    assert len(server.api.list_scripts()) == 1


def test_routes_of_a_zone_lie_outside_the_account() -> None:
    server = Scripted({"result": [{"id": "r"}]}, {"result": {"id": "r"}})
    server.api.list_zone_routes("z")
    server.api.create_zone_route("z", BODY)
    server.api.update_zone_route("z", "r", BODY)
    server.api.delete_zone_route("z", "r")
    assert [(method, path) for method, path, _ in server.asked] == [
        ("GET", "/client/v4/zones/z/workers/routes"),
        ("POST", "/client/v4/zones/z/workers/routes"),
        ("PUT", "/client/v4/zones/z/workers/routes/r"),
        ("DELETE", "/client/v4/zones/z/workers/routes/r"),
    ]


def test_zones_are_those_of_the_account() -> None:
    server = Scripted({"result": []})
    server.api.list_zones(name="example.com")
    assert server.asked[0][1] == f"/client/v4/zones?name=example.com&account.id={ACCOUNT}"
