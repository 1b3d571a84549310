from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.workers_api import APP_BINDING, CODE, NEW_APP, WorkersApi, refusal_of

EDGE = "/workers/scripts/edge"


@pytest.fixture
def api() -> WorkersApi:
    return WorkersApi()


def live_version(api: WorkersApi) -> str:
    deployment = api.result("GET", EDGE + "/deployments")["deployments"][0]
    return str(deployment["versions"][0]["version_id"])


def add_version(api: WorkersApi, **metadata: Any) -> str:
    answer = api.upload(method="POST", **metadata)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["result"]["id"])


def share(version: str, percentage: float = 100) -> dict[str, Any]:
    return {"version_id": version, "percentage": percentage}


def test_a_version_shows_its_bindings_with_namespaces(api: WorkersApi) -> None:
    api.deploy(migrations=NEW_APP, bindings=[APP_BINDING], compatibility_date="2026-10-01")
    version = api.result("GET", f"{EDGE}/versions/{live_version(api)}")
    assert version["number"] == 1
    assert version["resources"]["bindings"][0]["namespace_id"] == api.namespaces()["edge_App"]["id"]
    assert version["resources"]["script_runtime"]["compatibility_date"] == "2026-10-01"


def test_annotations_stay_with_their_version(api: WorkersApi) -> None:
    api.deploy(annotations={"workers/tag": "release-7", "workers/message": "hello"})
    first = live_version(api)
    api.deploy()
    version = api.result("GET", f"{EDGE}/versions/{first}")
    assert version["annotations"] == {"workers/tag": "release-7", "workers/message": "hello"}


def test_a_fresh_version_is_not_found_for_a_while(api: WorkersApi) -> None:
    api.world.settings.update({"version_seconds": 2})
    api.deploy()
    path = f"{EDGE}/versions/{live_version(api)}"
    assert api.refusal("GET", path) == (404, 100146)
    api.world.clock.advance(2)
    assert api.result("GET", path)["number"] == 1


def test_a_version_is_that_of_its_script(api: WorkersApi) -> None:
    api.deploy()
    api.deploy("other")
    assert api.refusal("GET", f"/workers/scripts/other/versions/{live_version(api)}") == (404, 100146)


def test_versions_are_listed_newest_first(api: WorkersApi) -> None:
    for _ in range(3):
        api.deploy()
    answer = api.send("GET", EDGE + "/versions?deployable=true&per_page=2").json()
    assert [one["number"] for one in answer["result"]["items"]] == [3, 2]
    assert answer["result_info"]["total_count"] == 3


def test_an_uploaded_version_is_live_once_it_is_deployed(api: WorkersApi) -> None:
    api.deploy(migrations=NEW_APP, containers=[{"class_name": "App"}])
    version = add_version(api, code=CODE + " ")
    assert live_version(api) != version
    assert api.namespaces()["edge_App"]["container"]
    body = {"strategy": "percentage", "versions": [share(version)], "annotations": {"workers/message": "go"}}
    deployment = api.result("POST", EDGE + "/deployments", json=body)
    assert deployment["annotations"]["workers/message"] == "go"
    assert live_version(api) == version
    assert api.namespaces()["edge_App"]["container"] is None


def test_versions_can_be_live_by_share(api: WorkersApi) -> None:
    api.deploy()
    old, new = live_version(api), add_version(api, code=CODE + " ")
    before = api.result("GET", "/workers/scripts")[0]["etag"]
    api.result("POST", EDGE + "/deployments", json={"versions": [share(new, 10), share(old, 90)]})
    assert api.result("GET", "/workers/scripts")[0]["etag"] == before


@pytest.mark.parametrize(
    ("shares", "refusal"),
    [
        ([], (400, 10021)),
        ([share("live", 50)], (400, 10021)),
        ([share("live", 50), share("live", 60)], (400, 10021)),
        ([{"version_id": "live", "percentage": "100"}], (400, 10021)),
        ([share("none")], (404, 100146)),
        ([share("live", 50), share("exporting", 50)], (400, 100405)),
    ],
)
def test_a_deployment_that_cannot_be(
    api: WorkersApi, shares: list[dict[str, Any]], refusal: tuple[int, int]
) -> None:
    api.deploy(migrations=NEW_APP)
    known = {"live": live_version(api)}
    known["exporting"] = add_version(api, exports={"App": {"type": "durable-object"}})
    named = [one | {"version_id": known.get(one["version_id"], "none")} for one in shares]
    assert api.refusal("POST", EDGE + "/deployments", json={"versions": named}) == refusal


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ({"migrations": NEW_APP}, 10211),
        ({"bindings": [APP_BINDING]}, 10123),
        ({"bindings": [APP_BINDING], "exports": {"App": {"type": "durable-object"}}}, 100406),
    ],
)
def test_a_version_may_not_change_the_classes(api: WorkersApi, metadata: dict[str, Any], code: int) -> None:
    api.deploy()
    assert refusal_of(api.upload(method="POST", **metadata)) == (400, code)


def test_a_first_upload_is_no_version(api: WorkersApi) -> None:
    assert refusal_of(api.upload(method="POST")) == (404, 10007)
