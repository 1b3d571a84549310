from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.workers_api import CODE, NEW_APP, WorkersApi

SECRETS = "/workers/scripts/edge/secrets"
BULK = "/workers/scripts/edge/secrets-bulk"


@pytest.fixture
def api() -> WorkersApi:
    api = WorkersApi()
    api.deploy(bindings=[{"type": "plain_text", "name": "VAR", "text": "1"}])
    return api


def secret(name: str, text: str = "hidden") -> dict[str, str]:
    return {"name": name, "text": text, "type": "secret_text"}


def names(api: WorkersApi) -> list[str]:
    return [one["name"] for one in api.result("GET", SECRETS)]


def hash_of(api: WorkersApi, name: str) -> str:
    newest = max(
        (value for kind, *_, value in api.world.visible() if kind == "version"), key=lambda v: v["number"]
    )
    return next(str(one["sha256"]) for one in newest["bindings"] if one["name"] == name)


def test_a_secret_is_made_read_and_deleted(api: WorkersApi) -> None:
    assert api.result("PUT", SECRETS, json=secret("A")) == {"name": "A", "type": "secret_text"}
    assert api.result("GET", SECRETS + "/A") == {"name": "A", "type": "secret_text"}
    assert api.result("DELETE", SECRETS + "/A?url_encoded=true") is None
    assert names(api) == []
    assert api.refusal("GET", SECRETS + "/A") == api.refusal("DELETE", SECRETS + "/A") == (404, 10056)


def test_a_secret_whose_name_needs_encoding(api: WorkersApi) -> None:
    api.result("PUT", SECRETS, json=secret("a/b c"))
    assert api.result("GET", SECRETS + "/a%2Fb%20c")["name"] == "a/b c"


def test_each_change_is_a_new_live_version(api: WorkersApi) -> None:
    api.result("PUT", SECRETS, json=secret("A", "one"))
    before = hash_of(api, "A")
    api.result("PUT", SECRETS, json=secret("A", "two"))
    assert hash_of(api, "A") != before
    deployments = api.result("GET", "/workers/scripts/edge/deployments")["deployments"]
    assert [one["annotations"]["workers/triggered_by"] for one in deployments] == [
        "secret",
        "secret",
        "upload",
    ]
    assert set(api.bindings()) == {"VAR", "A"}


def test_a_merge_patch_changes_only_what_it_names(api: WorkersApi) -> None:
    api.result("PATCH", BULK, json={"secrets": {name: secret(name) for name in "ABC"}})
    kept = hash_of(api, "A")
    api.result(
        "PATCH", BULK, json={"secrets": {"B": None, "C": {"text": "new", "type": "secret_text"}, "Z": None}}
    )
    assert names(api) == ["A", "C"]
    assert hash_of(api, "A") == kept != hash_of(api, "C")


def test_secrets_survive_an_upload_that_does_not_mention_them(api: WorkersApi) -> None:
    api.result("PUT", SECRETS, json=secret("A"))
    api.deploy(bindings=[{"type": "secret_text", "name": "B", "text": "x"}])
    api.deploy()
    assert sorted(names(api)) == ["A", "B"]


def test_a_container_stays_on_when_a_secret_changes(api: WorkersApi) -> None:
    api.deploy(migrations=NEW_APP, containers=[{"class_name": "App"}])
    api.result("PUT", SECRETS, json=secret("A"))
    assert api.namespaces()["edge_App"]["container"] == {"class_name": "App"}


def test_secrets_are_not_edited_while_a_newer_version_waits(api: WorkersApi) -> None:
    api.upload(method="POST", code=CODE + " ")
    assert api.refusal("PUT", SECRETS, json=secret("A")) == (400, 10215)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", SECRETS, {}),
        ("PUT", SECRETS, []),
        ("PUT", SECRETS, {"name": "A"}),
        ("PUT", SECRETS, {"name": "A", "text": 3}),
        ("PUT", SECRETS, {"name": "A", "text": "x", "type": "plain_text"}),
        ("PUT", SECRETS, secret("VAR")),
        ("PATCH", BULK, {}),
        ("PATCH", BULK, {"secrets": {"A": 3}}),
    ],
)
def test_what_is_no_secret_is_refused(api: WorkersApi, method: str, path: str, body: Any) -> None:
    assert api.refusal(method, path, json=body) == (400, 10021)
    assert names(api) == []


def test_wrangler_makes_the_script_when_it_is_told_that_there_is_none(api: WorkersApi) -> None:
    assert api.refusal("PUT", "/workers/scripts/none/secrets", json=secret("A")) == (404, 10007)
