"""The client against the stand-in: what wrangler does, what goes wrong on the way, and the budget."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from reconciler.clients.cloudflare import Cloudflare
from reconciler.clients.multipart import Part
from reconciler.clients.settings import ApiCredentials
from reconciler.clients.transport import Transport
from reconciler.clients.workers_api import version_of
from reconciler.emulator.server import LocalServer
from reconciler.errors import (
    AuthenticationError,
    ConflictError,
    NotFoundError,
    ProviderError,
    UnavailableError,
)
from tests.clients.api_server import ACCOUNT
from tests.clients.clock import Clock

SOURCE = b"export class App {}\nexport default {}"
MODULES = [Part("main.js", SOURCE, "application/javascript+module", "main.js")]
METADATA: dict[str, Any] = {
    "main_module": "main.js",
    "compatibility_date": "2026-10-01",
    "bindings": [{"name": "APP", "type": "durable_object_namespace", "class_name": "App"}],
    "containers": [{"class_name": "App", "name": "app"}],
    "migrations": {"new_tag": "v1", "steps": [{"new_sqlite_classes": ["App"]}]},
}


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


@pytest.fixture
def api(server: LocalServer) -> Iterator[Cloudflare]:
    emulator(server, "DELETE", "world")
    emulator(server, "PUT", "settings", {"limits": False, "missing_images": "accept", "rate_limit": None})
    emulator(server, "PUT", "faults", [])
    with transport_to(server) as transport:
        yield Cloudflare(transport, ACCOUNT)


def transport_to(server: LocalServer, **options: Any) -> Transport:
    return Transport(server.base_url, ApiCredentials(token="t0ken"), timeout=5.0, **options)


def emulator(server: LocalServer, method: str, page: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    url = f"http://127.0.0.1:{server.port}/emulator/{page}"
    with urllib.request.urlopen(urllib.request.Request(url, data, method=method)) as reply:
        return json.loads(reply.read() or b"null")


def fault(server: LocalServer, method: str, **what: Any) -> None:
    emulator(server, "PUT", "faults", [{"method": method, "path": "/applications", "fault": what}])


def body(name: str, **more: Any) -> dict[str, Any]:
    image = f"registry.cloudflare.com/{ACCOUNT}/app@sha256:{'a' * 64}"
    return {
        "name": name,
        "scheduling_policy": "default",
        "instances": 1,
        "max_instances": 1,
        "configuration": {"image": image},
        **more,
    }


def test_a_worker_and_its_application_as_wrangler_makes_them(api: Cloudflare) -> None:
    uploaded = api.upload_script("edge", METADATA, MODULES)
    version = api.get_script_version("edge", version_of(uploaded))
    (binding,) = version["resources"]["bindings"]
    assert [each["id"] for each in api.list_namespaces()] == [binding["namespace_id"]]
    wish = body("app", instances=0, durable_objects={"namespace_id": binding["namespace_id"]})
    made = api.create_application(wish)
    assert api.get_application(made["id"])["name"] == "app"
    with pytest.raises(ConflictError) as caught:
        api.create_application(wish)
    assert caught.value.code == "DURABLE_OBJECT_ALREADY_HAS_APPLICATION"
    assert caught.value.details["id"] == made["id"]


def test_what_is_wrong_with_a_body_comes_in_details(api: Cloudflare) -> None:
    with pytest.raises(ProviderError) as caught:
        api.create_application(body("app", max_instances=-1))
    assert (caught.value.status, caught.value.code) == (400, "VALIDATE_INPUT")
    assert "max_instances" in caught.value.details
    assert "max_instances" in caught.value.message


def test_a_rollout_is_started_and_moved(api: Cloudflare) -> None:
    made = api.create_application(body("app"))
    rollout = api.create_rollout(
        made["id"],
        {
            "description": "x",
            "strategy": "rolling",
            "kind": "full_manual",
            "step_percentage": 50,
            "target_configuration": {"image": f"registry.cloudflare.com/{ACCOUNT}/app@sha256:{'b' * 64}"},
        },
    )
    assert [each["id"] for each in api.list_rollouts(made["id"])] == [rollout["id"]]
    assert api.act_on_rollout(made["id"], rollout["id"], "next")["success"] is True


def test_secrets_keys_and_the_account(api: Cloudflare) -> None:
    assert api.create_secret("pw", "hunter2hunter2")["version"] < api.update_secret("pw", "other")["version"]
    with pytest.raises(ConflictError):
        api.create_secret("pw", "again")
    api.delete_secret("pw")
    with pytest.raises(NotFoundError) as caught:
        api.update_secret("pw", "again")
    assert caught.value.code == "SECRET_NAME_NOT_FOUND"
    assert api.update_account({"vcpus": 0.5})["defaults"]["vcpus"] == 0.5


def test_paged_and_unpaged_lists_are_the_same(api: Cloudflare) -> None:
    for number in range(5):
        api.create_application(body(f"app-{number}"))
    assert api.list_applications(per_page=2) == api.list_applications()


def test_what_the_account_may_not_do_is_explained(server: LocalServer, api: Cloudflare) -> None:
    emulator(server, "PUT", "settings", {"refuse": ["secrets"]})
    try:
        with pytest.raises(AuthenticationError) as caught:
            api.list_secrets()
    finally:
        emulator(server, "PUT", "settings", {"refuse": []})
    assert "not open to every account" in str(caught.value)


def test_a_lost_answer_is_neither_repeated_nor_hidden(server: LocalServer, api: Cloudflare) -> None:
    fault(server, "POST", drop="after")
    with pytest.raises(UnavailableError) as caught:
        api.create_application(body("app"))
    assert caught.value.sent
    assert [each["name"] for each in api.list_applications()] == ["app"]


@pytest.mark.parametrize("what", [{"drop": "before"}, {"html": True}, {"status": 503}])
def test_a_read_survives_what_passes(server: LocalServer, api: Cloudflare, what: dict[str, Any]) -> None:
    fault(server, "GET", **what)
    with transport_to(server, sleep=lambda _: None) as transport:
        assert Cloudflare(transport, ACCOUNT).list_applications() == []


def test_a_429_is_no_reason_to_lose_a_create(server: LocalServer, api: Cloudflare) -> None:
    fault(server, "POST", status=429, headers={"Retry-After": "300"}, body={})
    clock = Clock()
    with transport_to(server, sleep=clock.sleep, monotonic=clock.monotonic) as transport:
        Cloudflare(transport, ACCOUNT).create_application(body("app"))
    assert sum(clock.slept) >= 300
    assert len(api.list_applications()) == 1


def test_threads_keep_within_the_budget(server: LocalServer, api: Cloudflare) -> None:
    emulator(server, "PUT", "settings", {"rate_limit": {"requests": 50, "window": 10, "block": 60}})
    before = len(emulator(server, "GET", "ledger"))
    clock = Clock()

    def sleep(seconds: float) -> None:
        emulator(server, "POST", "clock", {"advance": seconds})
        clock.sleep(seconds)

    with transport_to(server, sleep=sleep, monotonic=clock.monotonic) as transport:
        paced = Cloudflare(transport, ACCOUNT)
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda number: paced.create_application(body(f"app-{number}")), range(120)))
    asked = emulator(server, "GET", f"ledger?since={before}")
    assert [row["status"] for row in asked] == [201] * 120
    assert 20 <= sum(clock.slept) < 200


def test_the_servers_time_is_the_worlds(server: LocalServer, api: Cloudflare) -> None:
    emulator(server, "POST", "clock", {"advance": 86400})
    api.list_applications()
    assert abs(api.transport.server_time() - emulator(server, "GET", "clock")["time"]) < 2
