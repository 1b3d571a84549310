from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.emulator.workers_api import APP_BINDING, NEW_APP, WorkersApi

leaf = (
    st.none()
    | st.booleans()
    | st.integers(-3, 300)
    | st.sampled_from(["", "App", "Other", "edge", "v1", "x"])
)
KEYS = [
    "name",
    "type",
    "class_name",
    "script_name",
    "service",
    "text",
    "json",
    "images",
    "container",
    "state",
    "storage",
]
KEYS += [
    "renamed_to",
    "transfer_from",
    "from",
    "to",
    "from_script",
    "App",
    "Other",
    "new_tag",
    "old_tag",
    "steps",
]
KEYS += [
    "new_classes",
    "new_sqlite_classes",
    "deleted_classes",
    "renamed_classes",
    "transferred_classes",
    "percentage",
]
KEYS += [
    "version_id",
    "cron",
    "pattern",
    "hostname",
    "zone_id",
    "zone_name",
    "value",
    "scopes",
    "origins",
    "secrets",
]
anything = st.recursive(
    leaf,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
TYPES = ["durable_object_namespace", "inherit", "secret_text", "service", "plain_text", "json"]
binding = st.fixed_dictionaries(
    {"name": leaf, "type": st.sampled_from(TYPES)}, optional={"class_name": anything}
)
metadata = st.fixed_dictionaries(
    {},
    optional={
        "bindings": st.lists(binding | anything, max_size=3) | anything,
        "migrations": anything,
        "containers": st.lists(anything, max_size=2) | anything,
        "exports": st.dictionaries(st.sampled_from(["App", "Other"]), anything) | anything,
        "keep_bindings": anything,
        "annotations": anything,
        "tags": anything,
        "tail_consumers": anything,
        "observability": anything,
        "compatibility_date": anything,
        "main_module": anything,
    },
)


@pytest.fixture(scope="module")
def api() -> WorkersApi:
    api = WorkersApi()
    api.deploy(migrations=NEW_APP, bindings=[APP_BINDING])
    return api


@settings(max_examples=150, deadline=None)
@given(metadata=metadata, method=st.sampled_from(["PUT", "POST"]))
def test_any_upload_is_answered(api: WorkersApi, metadata: dict[str, Any], method: str) -> None:
    assert api.upload(method=method, **metadata).status_code in (200, 400, 404)
    assert api.send("GET", "/workers/scripts/edge/settings").status_code == 200


@settings(max_examples=100, deadline=None)
@given(document=metadata | anything)
def test_any_settings_are_answered(api: WorkersApi, document: object) -> None:
    files = {"settings": (None, json.dumps(document))}
    for path, options in (("settings", {"files": files}), ("script-settings", {"json": document})):
        assert api.send("PATCH", f"/workers/scripts/edge/{path}", **options).status_code in (200, 400)
    assert api.send("GET", "/workers/services/edge").status_code == 200
    assert api.send("GET", "/workers/scripts/edge/references").status_code == 200
    assert api.send("GET", "/workers/tails/by-consumer/edge").status_code == 200
    assert api.send("GET", "/workers/scripts?tags=x:yes").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/workers/scripts/edge/deployments"),
        ("PUT", "/workers/scripts/edge/secrets"),
        ("PATCH", "/workers/scripts/edge/secrets-bulk"),
        ("PUT", "/workers/scripts/edge/schedules"),
        ("PUT", "/workers/scripts/edge/routes"),
        ("POST", "/workers/scripts/edge/subdomain"),
        ("PUT", "/workers/scripts/edge/domains/records"),
        ("POST", "/workers/scripts/edge/domains/changeset"),
        ("PUT", "/workers/domains"),
        ("PUT", "/workers/subdomain"),
        ("POST", "/secrets_store/stores"),
        ("POST", "//zones/z/workers/routes"),
    ],
)
@settings(max_examples=40, deadline=None)
@given(document=anything)
def test_any_body_is_answered(api: WorkersApi, method: str, path: str, document: object) -> None:
    assert api.send(method, path, json=document).status_code in (200, 400, 404, 409)


@settings(max_examples=40, deadline=None)
@given(body=st.binary(max_size=200), boundary=st.sampled_from(["x", "", '"x"']))
def test_any_bytes_are_answered(api: WorkersApi, body: bytes, boundary: str) -> None:
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    answer = api.send("PUT", "/workers/scripts/edge", content=body, headers=headers)
    assert answer.status_code == 400
