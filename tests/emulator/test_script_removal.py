from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.workers_api import ACCOUNT, APP_BINDING, NEW_APP, WorkersApi


@pytest.fixture
def api() -> WorkersApi:
    api = WorkersApi()
    api.deploy(migrations=NEW_APP)
    return api


@pytest.mark.parametrize("family", ["scripts", "services"])
def test_a_deleted_script_takes_its_namespaces_along(api: WorkersApi, family: str) -> None:
    api.result("PUT", "/workers/scripts/edge/routes", json=[{"pattern": "example.com/*"}])
    api.result("PUT", "/workers/domains", json={"hostname": "www.example.com", "service": "edge"})
    assert api.result("DELETE", f"/workers/{family}/edge") is None
    kinds = {kind for kind, *_ in api.world.visible()}
    assert kinds == set()
    assert api.refusal("DELETE", f"/workers/{family}/edge")[0] == 404


def test_a_deleted_script_leaves_its_application_an_orphan(api: WorkersApi) -> None:
    api.deploy(containers=[{"class_name": "App"}])
    application = api.add_application(api.namespaces()["edge_App"]["id"])
    api.result("DELETE", "/workers/services/edge?force=true")
    assert api.namespaces() == {}
    assert api.world.has("application", ACCOUNT, application)


def test_a_script_made_again_begins_anew(api: WorkersApi) -> None:
    before = api.namespaces()["edge_App"]["id"]
    api.result("DELETE", "/workers/scripts/edge")
    api.deploy(migrations=NEW_APP)
    assert api.namespaces()["edge_App"]["id"] != before
    assert len(api.result("GET", "/workers/scripts/edge/versions")["items"]) == 1


@pytest.mark.parametrize(
    ("binding", "path"),
    [
        ({"type": "service", "name": "EDGE", "service": "edge"}, ("services", "incoming")),
        (APP_BINDING | {"script_name": "edge"}, ("durable_objects",)),
    ],
)
def test_a_script_in_use_is_deleted_by_force_only(
    api: WorkersApi, binding: dict[str, Any], path: tuple[str, ...]
) -> None:
    api.deploy("user", bindings=[binding])
    found = api.result("GET", "/workers/scripts/edge/references")
    for key in path:
        found = found[key]
    assert [one["name"] for one in found] == ["user"]
    assert api.refusal("DELETE", "/workers/scripts/edge") == (400, 10064)
    assert api.result("DELETE", "/workers/scripts/edge?force=true") is None
