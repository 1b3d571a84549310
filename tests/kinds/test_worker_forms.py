from __future__ import annotations

from typing import Any

import pytest

from reconciler.kinds.worker.classes import (
    ClassChanges,
    class_changes,
    exports,
    migrations,
    next_tag,
    wanted_classes,
)
from reconciler.kinds.worker.durations import seconds
from reconciler.kinds.worker.forms import (
    bindings_body,
    secret_names,
    settings_attributes,
    settings_body,
)
from reconciler.kinds.worker.looking import dashed
from reconciler.kinds.worker.table import ATTRIBUTES
from reconciler.kinds.worker.uploading import container_marks, metadata
from reconciler.model.kind import Removal

DO = "durable_object_namespace"
LIVE: dict[str, Any] = {
    "bindings": [
        {"name": "API", "type": DO, "class_name": "Api", "namespace_id": "1", "script_name": "edge"},
        {"name": "HALL", "type": DO, "class_name": "Hall", "namespace_id": "2", "script_name": "other"},
        {"name": "A", "type": "plain_text", "text": "x"},
        {"name": "GEN", "type": "json", "json": 3},
        {"name": "KV", "type": "kv_namespace", "namespace_id": "abc"},
        {"name": "TOKEN", "type": "secret_text"},
    ],
    "compatibility_date": "2026-10-01",
    "compatibility_flags": ["b", "a"],
    "limits": {"cpu_ms": 50},
    "tail_consumers": [{"service": "logs", "namespace": "x"}],
}


def test_bindings_are_told_apart() -> None:
    assert settings_attributes(LIVE, "edge", ["GEN"]) == {
        "vars": {"A": "x"},
        "foretold_vars": {"GEN": 3},
        "bindings": {
            "API": {"type": DO, "class_name": "Api"},
            "HALL": {"type": DO, "class_name": "Hall", "script_name": "other"},
            "KV": {"type": "kv_namespace", "namespace_id": "abc"},
        },
        "compatibility_date": "2026-10-01",
        "compatibility_flags": ["a", "b"],
        "limits": {"cpu_ms": 50},
        "tail_consumers": [{"service": "logs"}],
    }
    assert secret_names(LIVE) == {"TOKEN"}


def test_bindings_are_sent_whole_without_secrets() -> None:
    wanted = {"bindings": {"KV": {"type": "kv_namespace", "namespace_id": "abc"}}, "vars": {"A": "x", "N": 1}}
    assert bindings_body({**wanted, "foretold_vars": {"GEN": 4}, "secrets": {"S": "never"}}) == [
        {"name": "KV", "type": "kv_namespace", "namespace_id": "abc"},
        {"name": "A", "type": "plain_text", "text": "x"},
        {"name": "N", "type": "json", "json": 1},
        {"name": "GEN", "type": "json", "json": 4},
    ]


def test_live_settings_survive_an_upload() -> None:
    live = {
        "limits": {"cpu_ms": 50},
        "observability": {"enabled": True, "logs": {"enabled": True}},
        "tags": ["t"],
    }
    wanted = {"observability": {"enabled": False}, "compatibility_date": "2026-10-01"}
    assert settings_body(wanted, live, {}) == {
        "compatibility_date": "2026-10-01",
        "observability": {"enabled": False, "logs": {"enabled": True}},
        "limits": {"cpu_ms": 50},
        "tags": ["t"],
    }


def test_settings_that_are_no_longer_set_go_back() -> None:
    live = {"limits": {"cpu_ms": 50, "subrequests": 5}, "logpush": True, "placement": {"mode": "smart"}}
    removed = {("limits", "cpu_ms"): None, ("logpush",): False, ("placement",): None}
    assert settings_body({}, live, removed) == {"limits": {"subrequests": 5}, "logpush": False}


# classes


@pytest.mark.parametrize(
    ("there", "wanted", "renames", "expected"),
    [
        ([], {"A": "present"}, {}, ClassChanges(("A",), (), {})),
        (["A"], {"A": "present"}, {}, ClassChanges((), (), {})),
        (["Old"], {"New": "present"}, {"New": "Old"}, ClassChanges((), (), {"New": "Old"})),
        (["New"], {"New": "present"}, {"New": "Old"}, ClassChanges((), (), {})),
        ([], {"New": "present"}, {"New": "Old"}, ClassChanges(("New",), (), {})),
        (["A", "B"], {"A": "present", "B": "deleted"}, {}, ClassChanges((), ("B",), {})),
        ([], {"B": "deleted"}, {}, ClassChanges((), (), {})),
        (["A", "B"], {"A": "present"}, {}, ClassChanges((), (), {}, ("B",))),
    ],
)
def test_classes_change_from_what_is_there(
    there: list[str], wanted: dict[str, str], renames: dict[str, str], expected: ClassChanges
) -> None:
    assert class_changes(there, wanted, renames) == expected


def test_lent_classes_are_wanted_too() -> None:
    wanted = {"containers": {"A": {}, "B": {}}, "classes": {"B": "deleted", "C": "present"}}
    assert wanted_classes(wanted) == {"A": "present", "B": "deleted", "C": "present"}


def test_migrations_go_on_from_the_server_s_tag() -> None:
    changes = ClassChanges(("A",), ("B",), {"New": "Old"})
    assert migrations(changes, "v3") == {
        "old_tag": "v3",
        "new_tag": "v4",
        "steps": [
            {"deleted_classes": ["B"]},
            {"renamed_classes": [{"from": "Old", "to": "New"}]},
            {"new_sqlite_classes": ["A"]},
        ],
    }
    assert migrations(ClassChanges(("A",)), None) == {
        "new_tag": "v1",
        "steps": [{"new_sqlite_classes": ["A"]}],
    }
    assert migrations(ClassChanges(unnamed=("A",)), "v1") is None


@pytest.mark.parametrize(
    ("tag", "following"),
    [(None, "v1"), ("v1", "v2"), ("v9", "v10"), ("2026-11-20", "2026-11-21"), ("release", "release-2")],
)
def test_tags_count_on(tag: str | None, following: str) -> None:
    assert next_tag(tag) == following


def test_a_script_with_exports_keeps_them() -> None:
    live = {"Api": {"type": "durable-object", "storage": "sqlite", "container": "old"}, "fn": {"type": "x"}}
    changes = ClassChanges(("New",), (), {})
    assert exports(live, ["Api"], changes, {"New": {"name": "shop-new"}}) == {
        "fn": {"type": "x"},
        "Api": {"type": "durable-object", "storage": "sqlite"},
        "New": {"type": "durable-object", "storage": "sqlite", "container": "shop-new"},
    }


# uploads


def test_container_marks_are_the_manifest_s_and_those_of_what_runs() -> None:
    wanted = {
        "containers": {"Api": {"name": "shop-api", "class_name": "Api", "images": {"main": "x@sha256:1"}}}
    }
    running = {"Kept": {"name": "retained"}, "Old": {"name": "renamed"}, "Gone": {"name": "gone"}}
    assert list(container_marks(wanted, running, ["Gone"], {"New": "Old"}).values()) == [
        {"name": "shop-api", "class_name": "Api", "images": {"main": "x@sha256:1"}},
        {"name": "retained", "class_name": "Kept"},
        {"name": "renamed", "class_name": "New"},
    ]


def test_an_upload_says_everything_but_secrets() -> None:
    wanted = {
        "main": "worker.js",
        "vars": {"A": "x"},
        "compatibility_date": "2026-10-01",
        "secrets": {"S": "x"},
    }
    live = {"script": {"migration_tag": "v1"}, "settings": {}, "namespaces": {}}
    marks = {"Api": {"name": "shop-api", "class_name": "Api"}}
    assert metadata(wanted, live, {}, ClassChanges(("Api",)), marks, "op") == {
        "main_module": "worker.js",
        "bindings": [{"name": "A", "type": "plain_text", "text": "x"}],
        "keep_bindings": ["secret_text", "secret_key"],
        "containers": [{"name": "shop-api", "class_name": "Api"}],
        "annotations": {"workers/tag": "op"},
        "compatibility_date": "2026-10-01",
        "migrations": {"old_tag": "v1", "new_tag": "v2", "steps": [{"new_sqlite_classes": ["Api"]}]},
    }


def test_a_version_s_id_has_its_dashes_back() -> None:
    plain = "0123456789abcdef0123456789abcdef"
    assert dashed(plain) == "01234567-89ab-cdef-0123-456789abcdef"
    assert dashed(dashed(plain)) == dashed(plain)


def test_durations_are_go_s() -> None:
    assert [seconds(text) for text in ("90s", "1h30m", "500ms")] == [90, 5400, 0.5]
    with pytest.raises(ValueError, match="no duration"):
        seconds("soon")


@pytest.mark.parametrize("row", ATTRIBUTES, ids=lambda row: row.path)
def test_every_row_is_complete(row: Any) -> None:
    assert row.schema
    assert row.description.endswith(".")
    assert row.removal is not Removal.RESET or row.default is not None
