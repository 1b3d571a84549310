from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from reconciler.clients.cloudflare import Cloudflare
from reconciler.errors import ProviderError, UnavailableError
from tests.clients.api_server import Scripted

BODY = {"name": "web"}
Call = Callable[[Cloudflare], Any]

OBJECTS: list[tuple[Call, str, str, Any]] = [
    (lambda api: api.get_application("A"), "GET", "/applications/A", None),
    (lambda api: api.create_application(BODY), "POST", "/applications", BODY),
    (lambda api: api.update_application("A", BODY), "PATCH", "/applications/A", BODY),
    (lambda api: api.get_application_status("A"), "GET", "/applications/A/status", None),
    (lambda api: api.get_instance("A", "I"), "GET", "/applications/A/instances/I", None),
    (lambda api: api.prepare_image("i@x"), "POST", "/image-preparations", {"image": "i@x"}),
    (lambda api: api.create_rollout("A", BODY), "POST", "/applications/A/rollouts", BODY),
    (lambda api: api.get_rollout("A", "R"), "GET", "/applications/A/rollouts/R", None),
    (
        lambda api: api.act_on_rollout("A", "R", "next"),
        "POST",
        "/applications/A/rollouts/R",
        {"action": "next"},
    ),
    (lambda api: api.create_job("A", BODY), "POST", "/applications/A/jobs", BODY),
    (lambda api: api.get_job("A", "J"), "GET", "/applications/A/jobs/J", None),
    (lambda api: api.terminate_job("A", "J"), "PATCH", "/applications/A/jobs/J", {"terminate": True}),
    (lambda api: api.create_secret("S", "v"), "POST", "/secrets", {"name": "S", "value": "v"}),
    (lambda api: api.update_secret("S", "v"), "PATCH", "/secrets/S", {"value": "v"}),
    (
        lambda api: api.create_ssh_public_key("K", "ssh-ed25519 AA"),
        "POST",
        "/ssh-public-keys",
        {"name": "K", "public_key": "ssh-ed25519 AA"},
    ),
    (lambda api: api.get_deployment("D"), "GET", "/deployments/D/v2", None),
    (lambda api: api.create_deployment(BODY), "POST", "/deployments/v2", BODY),
    (lambda api: api.update_deployment("D", BODY), "PATCH", "/deployments/D/v2", BODY),
    (lambda api: api.recreate_deployment("D", BODY), "POST", "/deployments/D/recreate", BODY),
    (lambda api: api.get_placement("P"), "GET", "/placements/P", None),
    (lambda api: api.replace_placement("P"), "POST", "/placements/P", {"replace": True}),
    (lambda api: api.list_ips(allocated=True, ip_type="v4"), "GET", "/ips?allocated=true&ipType=v4", None),
    (lambda api: api.create_registry(BODY), "POST", "/registries", BODY),
    (lambda api: api.delete_registry("docker.io"), "DELETE", "/registries/docker.io", None),
    (
        lambda api: api.create_registry_credentials("registry.cloudflare.com", ["push", "pull"], 15),
        "POST",
        "/registries/registry.cloudflare.com/credentials",
        {"permissions": ["push", "pull"], "expiration_minutes": 15},
    ),
    (
        lambda api: api.create_registry_protocol("cf", [{"domain": "d", "path": "p"}]),
        "POST",
        "/registries/protos",
        {"proto": "cf", "domains": [{"domain": "d", "path": "p"}]},
    ),
    (
        lambda api: api.update_registry_protocol("cf", []),
        "PUT",
        "/registries/protos",
        {"proto": "cf", "domains": []},
    ),
    (lambda api: api.get_account(), "GET", "/me", None),
    (lambda api: api.update_account({"vcpus": 1}), "PATCH", "/me", {"defaults": {"vcpus": 1}}),
]

LISTS: list[tuple[Call, str]] = [
    (lambda api: api.list_applications(), "/applications"),
    (lambda api: api.list_applications(name="a", per_page=500), "/applications?name=a&per_page=500"),
    (lambda api: api.list_applications(labels=["a:1", "b:2"]), "/applications?label=a%3A1&label=b%3A2"),
    (lambda api: api.list_application_versions("A"), "/applications/A/versions"),
    (lambda api: api.list_application_deployments("A"), "/applications/A/deployments"),
    (lambda api: api.list_instances("A", state="active"), "/applications/A/instances-v2?state=active"),
    (lambda api: api.list_rollouts("A", limit=2, last="R"), "/applications/A/rollouts?limit=2&last=R"),
    (lambda api: api.list_secrets(), "/secrets"),
    (lambda api: api.list_ssh_public_keys(), "/ssh-public-keys"),
    (
        lambda api: api.list_deployments(location="x", labels=["a:1"]),
        "/deployments/v2?location=x&label=a%3A1",
    ),
    (lambda api: api.list_placements("D"), "/deployments/D/placements"),
    (lambda api: api.list_registries(), "/registries"),
    (lambda api: api.list_registry_protocols(), "/registries/protos"),
]

DELETIONS: list[tuple[Call, str]] = [
    (lambda api: api.delete_application("A"), "/applications/A"),
    (lambda api: api.delete_secret("S"), "/secrets/S"),
    (lambda api: api.delete_ssh_public_key("K"), "/ssh-public-keys/K"),
    (lambda api: api.delete_deployment("D"), "/deployments/D/v2"),
    (lambda api: api.delete_registry_protocol("cf"), "/registries/protos/cf"),
]


@pytest.mark.parametrize(
    ("call", "method", "path", "body"), OBJECTS, ids=lambda value: "" if callable(value) else str(value)[:40]
)
def test_operations_on_one_object(call: Call, method: str, path: str, body: Any) -> None:
    server = Scripted({"result": {"id": "x"}})
    assert call(server.api) == {"id": "x"}
    assert server.asked == [(method, f"/containers{path}", body)]


@pytest.mark.parametrize(
    ("call", "path"), LISTS, ids=lambda value: "" if callable(value) else str(value)[:40]
)
def test_lists(call: Call, path: str) -> None:
    server = Scripted({"result": [{"id": "x"}]})
    assert call(server.api) == [{"id": "x"}]
    assert server.asked == [("GET", f"/containers{path}", None)]


@pytest.mark.parametrize(
    ("call", "path"), DELETIONS, ids=lambda value: "" if callable(value) else str(value)[:40]
)
@pytest.mark.parametrize("result", [None, {}, {"message": "started"}])
def test_deletions_give_nothing(call: Call, path: str, result: Any) -> None:
    server = Scripted({"result": result})
    assert call(server.api) is None
    assert server.asked == [("DELETE", f"/containers{path}", None)]


def test_pages_are_followed_by_their_token() -> None:
    server = Scripted(
        {"result": [{"id": 1}], "result_info": {"next_page_token": "t 1"}},
        {"result": [{"id": 2}], "result_info": {"next_page_token": ""}},
    )
    assert [each["id"] for each in server.api.list_applications(per_page=1)] == [1, 2]
    assert server.asked[1][1] == "/containers/applications?per_page=1&page_token=t%201"


def test_a_token_that_leads_in_a_circle_is_an_error() -> None:
    server = Scripted({"result": [{"id": 1}], "result_info": {"next_page_token": "t"}})
    with pytest.raises(UnavailableError, match="read already"):
        server.api.list_applications()
    assert len(server.requests) == 2


def test_dash_instances_are_joined_over_pages() -> None:
    server = Scripted(
        {"result": {"instances": [1], "durable_objects": [2]}, "result_info": {"next_page_token": "t"}},
        {"result": {"instances": [3]}},
    )
    assert server.api.list_dash_instances("A") == {"instances": [1, 3], "durable_objects": [2]}


@pytest.mark.parametrize("result", [None, {}, "x", 0])
def test_what_is_no_list_is_never_taken_for_an_empty_one(result: Any) -> None:
    with pytest.raises(UnavailableError):
        Scripted({"result": result}).api.list_applications()


@pytest.mark.parametrize("result", [None, [], "x"])
def test_what_is_no_object_is_no_answer(result: Any) -> None:
    with pytest.raises(UnavailableError):
        Scripted({"result": result}).api.get_application("A")


def test_an_empty_id_reaches_no_collection() -> None:
    server = Scripted({"result": {}})
    with pytest.raises(ProviderError):
        server.api.delete_application("")
    assert server.requests == []


def test_an_id_stays_one_segment() -> None:
    server = Scripted({"result": {}})
    server.api.get_application("../secrets/x?y")
    assert server.asked[0][1] == "/containers/applications/..%2Fsecrets%2Fx%3Fy"


@pytest.mark.parametrize("call", [lambda api: api.prepare_image("i"), lambda api: api.get_account()])
def test_what_may_be_repeated_is(call: Call) -> None:
    server = Scripted((503, 1000), {"result": {"id": "x"}})
    assert call(server.api) == {"id": "x"}


def test_a_create_is_not_repeated() -> None:
    server = Scripted((503, 1000), {"result": {"id": "x"}})
    with pytest.raises(UnavailableError):
        server.api.create_application(BODY)
    assert len(server.requests) == 1


def test_a_job_that_cannot_be_shown_yet_is_asked_for_again_and_another_one_is_not() -> None:
    known: dict[str, Any] = {"result": {"jobs": {"theirs": {}, "ours": {}}}}

    class Late(Scripted):
        shown = 0

        def _answer(self, request: httpx.Request) -> httpx.Response:
            self.shown += request.url.path.endswith("/ours")
            job = request.url.path.rsplit("/", 1)[1]
            self.documents = [known if job == "status" else {"result": {"id": job}}]
            self.documents = [(404, 1000)] if job == "ours" and self.shown < 3 else self.documents
            return super()._answer(request)

    server = Late(known)
    assert server.api.find_job("A", lambda job: job["id"] == "ours") == {"id": "ours"}
    paths = [path.rsplit("/", 1)[1] for _, path, _ in server.asked]
    assert (paths.count("ours"), paths.count("theirs")) == (3, 1)
