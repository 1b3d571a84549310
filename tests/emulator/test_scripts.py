from __future__ import annotations

import json
from typing import Any

import pytest

from tests.emulator.workers_api import (
    APP_BINDING,
    CODE,
    NEW_APP,
    WorkersApi,
    refusal_of,
    upload_files,
)


@pytest.fixture
def api() -> WorkersApi:
    return WorkersApi()


def test_an_upload_is_live_at_once(api: WorkersApi) -> None:
    result = api.deploy(compatibility_date="2026-10-01", bindings=[APP_BINDING], migrations=NEW_APP)
    version = api.result("GET", "/workers/scripts/edge/deployments")["deployments"][0]["versions"][0][
        "version_id"
    ]
    assert result["deployment_id"] == version.replace("-", "")
    assert (result["id"], result["migration_tag"], result["compatibility_date"]) == (
        "edge",
        "v1",
        "2026-10-01",
    )
    assert result["startup_time_ms"] > 0


def test_the_etag_is_that_of_the_content(api: WorkersApi) -> None:
    first = api.deploy()
    assert api.deploy("other")["etag"] == first["etag"]
    assert api.deploy(code=CODE + "\n")["etag"] != first["etag"]


def test_wrangler_finds_what_it_looks_for_in_a_service(api: WorkersApi) -> None:
    api.send("PUT", "/workers/scripts/edge", files=upload_files(), headers={"User-Agent": "wrangler/4.164.0"})
    service = api.result("GET", "/workers/services/edge")
    script = service["default_environment"]["script"]
    assert script["last_deployed_from"] == "wrangler"
    assert len(script["tag"]) == 32
    assert "migration_tag" not in script
    assert api.result("GET", "/workers/workers/edge")["subdomain"] == {
        "enabled": False,
        "previews_enabled": False,
    }


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/workers/services/none", 10090),
        ("/workers/scripts/none", 10007),
        ("/workers/scripts/none/settings", 10007),
        ("/workers/scripts/none/script-settings", 10007),
        ("/workers/scripts/none/secrets", 10007),
        ("/workers/scripts/none/deployments", 10007),
        ("/workers/scripts/none/versions", 10007),
        ("/workers/scripts/none/versions/x", 10007),
        ("/workers/scripts/none/subdomain", 10007),
        ("/workers/scripts/none/schedules", 10007),
        ("/workers/scripts/none/references", 10007),
        ("/workers/workers/none", 10007),
    ],
)
def test_a_script_that_is_not_there(api: WorkersApi, path: str, code: int) -> None:
    assert api.refusal("GET", path) == (404, code)


@pytest.mark.parametrize(
    "metadata",
    [
        {"main_module": "absent.js"},
        {"body_part": "index.js"},
        {"bindings": {}},
        {"bindings": [3]},
        {"bindings": [{"type": "plain_text", "text": "nameless"}]},
        {"bindings": [{"type": "plain_text", "name": "A", "text": "1"}] * 2},
        {"bindings": [{"type": "plain_text", "name": "A"}]},
        {"compatibility_date": "yesterday"},
        {"compatibility_flags": "nodejs_compat"},
        {"annotations": {"workers/tag": "x" * 101}},
        {"annotations": []},
        {"migrations": NEW_APP, "exports": {"App": {"type": "durable-object"}}},
        {"migrations": [3]},
        {"exports": {"App": 3}},
        {"containers": [{"class_name": "App", "images": 3}]},
    ],
)
def test_an_upload_that_is_wrong_changes_nothing(api: WorkersApi, metadata: dict[str, Any]) -> None:
    status, code = refusal_of(api.upload(**metadata))
    assert (status, code) in ((400, 10021), (400, 10061))
    assert api.result("GET", "/workers/scripts") == []


@pytest.mark.parametrize(
    "files",
    [
        {"metadata": (None, "not json")},
        {"other": (None, "{}")},
        {"metadata": (None, '{"main_module": "index.js"}'), "index.js": ("index.js", "x", "text/plain")},
    ],
)
def test_a_body_that_is_no_upload_is_refused(api: WorkersApi, files: dict[str, Any]) -> None:
    assert api.refusal("PUT", "/workers/scripts/edge", files=files) == (400, 10021)
    assert api.refusal("PUT", "/workers/scripts/edge", json={}) == (400, 10021)


@pytest.mark.parametrize("name", ["a.b", "-a", "a" * 64, "ä"])
def test_a_name_that_is_none_is_refused(api: WorkersApi, name: str) -> None:
    assert refusal_of(api.upload(name)) == (400, 10016)


def test_bindings_are_replaced_but_secrets_stay(api: WorkersApi) -> None:
    text = {"type": "plain_text", "name": "A", "text": "1"}
    api.deploy(bindings=[text, {"type": "secret_text", "name": "S", "text": "hidden"}])
    api.deploy(bindings=[{"type": "json", "name": "B", "json": {"x": 1}}])
    assert set(api.bindings()) == {"B", "S"}
    assert api.bindings()["S"] == {"name": "S", "type": "secret_text"}


def test_kept_types_and_inherited_bindings_come_from_the_version_before(api: WorkersApi) -> None:
    texts = [{"type": "plain_text", "name": name, "text": name} for name in "AB"]
    api.deploy(bindings=[*texts, {"type": "json", "name": "C", "json": 1}])
    changed = {"type": "plain_text", "name": "A", "text": "new"}
    api.deploy(bindings=[changed, {"type": "inherit", "name": "C"}], keep_bindings=["plain_text"])
    assert {name: one.get("text") for name, one in api.bindings().items()} == {
        "A": "new",
        "B": "B",
        "C": None,
    }
    assert api.bindings()["C"]["type"] == "json"


def test_what_cannot_be_inherited_is_an_error_only_where_it_is_asked_for(api: WorkersApi) -> None:
    inherit = [{"type": "inherit", "name": "A"}]
    assert refusal_of(api.upload(query="?bindings_inherit=strict", bindings=inherit)) == (400, 10057)
    api.deploy(bindings=inherit)
    assert api.bindings() == {}


def test_a_binding_carries_the_id_of_its_namespace(api: WorkersApi) -> None:
    api.deploy(bindings=[APP_BINDING], migrations=NEW_APP)
    namespace = api.namespaces()["edge_App"]["id"]
    assert api.bindings()["APP"]["namespace_id"] == namespace
    api.deploy("user", bindings=[APP_BINDING | {"script_name": "edge"}])
    assert api.bindings("user")["APP"]["namespace_id"] == namespace


@pytest.mark.parametrize(
    ("binding", "code"),
    [
        (APP_BINDING, 10061),
        (APP_BINDING | {"script_name": "none"}, 10061),
        (APP_BINDING | {"script_name": "there"}, 10061),
        ({"type": "service", "name": "X", "service": "none"}, 10143),
    ],
)
def test_a_binding_to_what_is_not_there_is_refused(
    api: WorkersApi, binding: dict[str, Any], code: int
) -> None:
    api.deploy("there")
    assert refusal_of(api.upload(bindings=[binding])) == (400, code)


def test_settings_that_an_upload_leaves_out_stay(api: WorkersApi) -> None:
    api.deploy(observability={"enabled": True}, logpush=True, tags=["team"], limits={"cpu_ms": 50})
    api.deploy()
    settings = api.result("GET", "/workers/scripts/edge/settings")
    assert (settings["observability"], settings["logpush"]) == ({"enabled": True}, True)
    assert (settings["tags"], settings["limits"]) == (["team"], {})


def test_changed_settings_are_a_new_version_of_the_same_code(api: WorkersApi) -> None:
    before = api.deploy(containers=[{"class_name": "App"}], migrations=NEW_APP)
    settings = {"bindings": [{"type": "plain_text", "name": "A", "text": "1"}], "limits": {"cpu_ms": 9}}
    files = {"settings": (None, json.dumps(settings), "application/json")}
    assert api.result("PATCH", "/workers/scripts/edge/settings", files=files)["limits"] == {"cpu_ms": 9}
    after = api.result("GET", "/workers/scripts")[0]
    assert after["etag"] == before["etag"]
    assert after["deployment_id"] != before["deployment_id"]
    assert api.namespaces()["edge_App"]["container"] == {"class_name": "App"}


def test_a_binding_of_which_only_the_name_is_sent_stays(api: WorkersApi) -> None:
    api.deploy(bindings=[{"type": "plain_text", "name": "A", "text": "1"}])
    settings = {
        "bindings": [{"type": "plain_text", "name": "A"}, {"type": "secret_text", "name": "S", "text": "x"}]
    }
    files = {"settings": (None, json.dumps(settings))}
    api.result("PATCH", "/workers/scripts/edge/settings", files=files)
    assert api.bindings()["A"]["text"] == "1"
    assert "S" in api.bindings()


def test_settings_of_the_script_make_no_version(api: WorkersApi) -> None:
    before = api.deploy()
    tails = [{"service": "edge"}]
    changed = api.result("PATCH", "/workers/scripts/edge/script-settings", json={"tail_consumers": tails})
    assert changed["tail_consumers"] == tails
    assert api.result("GET", "/workers/scripts/edge/script-settings") == changed
    assert api.result("GET", "/workers/scripts")[0]["deployment_id"] == before["deployment_id"]
    assert len(api.result("GET", "/workers/tails/by-consumer/edge")) == 1


def test_scripts_are_listed_by_tag(api: WorkersApi) -> None:
    api.deploy("a", tags=["team"])
    api.deploy("b")
    assert [one["id"] for one in api.result("GET", "/workers/scripts")] == ["a", "b"]
    assert [one["id"] for one in api.result("GET", "/workers/scripts?tags=team:yes")] == ["a"]
    assert [one["id"] for one in api.result("GET", "/workers/scripts?tags=team:no")] == ["b"]


def test_the_content_can_be_read_back(api: WorkersApi) -> None:
    api.deploy()
    answer = api.send("GET", "/workers/scripts/edge")
    assert answer.headers["content-type"].startswith("multipart/form-data")
    assert CODE.encode() in answer.content


def test_no_value_of_a_secret_is_in_the_world_or_the_ledger(api: WorkersApi) -> None:
    api.deploy(bindings=[{"type": "secret_text", "name": "S", "text": "hidden-value"}])
    api.send(
        "PUT",
        "/workers/scripts/edge/secrets",
        json={"name": "T", "text": "hidden-value", "type": "secret_text"},
    )
    known = [value for *_, value in api.world.visible()]
    asked = [entry.body for entry in api.world.ledger.since(0)]
    assert "hidden-value" not in json.dumps([known, asked])
