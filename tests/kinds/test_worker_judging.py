from __future__ import annotations

from typing import Any

import pytest

from reconciler.kinds.worker import WorkerHandler
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Action, Change, Effect
from reconciler.model.resource import Observed, Prior
from reconciler.model.value import Secret, Unknown
from tests.kinds.application_bench import change_of

HANDLER = WorkerHandler(None)  # type: ignore[arg-type]
ME = ResourceAddress("worker", "api")
WANTED: dict[str, Any] = {
    "name": "shop-edge",
    "main": "worker.js",
    "modules": {"worker.js": "1", "lib.js": "2"},
    "vars": {"A": "x"},
    "containers": {"Api": {"name": "shop-api", "class_name": "Api"}},
    "container_classes": ["Api"],
    "classes": {"Api": "present"},
}


def change(
    wanted: dict[str, Any] | None = None,
    *,
    live: dict[str, Any] | None = None,
    prior: dict[str, Any] | None = None,
    namespaces: dict[str, str] | None = None,
    applications: dict[str, Any] | None = None,
    action: Action = Action.UPDATE,
    **settings: Any,
) -> Change:
    there = {} if namespaces is None else namespaces
    namespaces = {"Api": "1", **there}
    attributes = {"name": "shop-edge", "vars": {"A": "x"}, "classes": dict.fromkeys(namespaces, "present")}
    outputs = {"name": "shop-edge", "version_id": "v", "url": "https://x", "namespaces": namespaces}
    seen = Observed(
        "shop-edge", "shop-edge", attributes | (live or {}), outputs, raw={"applications": applications or {}}
    )
    remembered = Prior(ME, "shop-edge", attributes=WANTED | (prior or {}))
    return change_of(HANDLER, WANTED | (wanted or {}), seen, remembered, action, **settings)


def hazards(found: Change) -> dict[str, str]:
    return {hazard.code: hazard.message for hazard in HANDLER.judge(found).hazards}


def test_nothing_differs() -> None:
    judged = HANDLER.judge(change())
    assert (judged.effect, judged.hazards, judged.details) == (Effect.NONE, (), {})


def test_changed_modules_are_named() -> None:
    judged = HANDLER.judge(change({"modules": {"worker.js": "9", "new.js": "3"}}))
    assert judged.effect is Effect.HOT
    assert judged.details["modules"] == {"added": ["new.js"], "changed": ["worker.js"], "removed": ["lib.js"]}


def test_a_new_class_is_described() -> None:
    judged = HANDLER.judge(change({"classes": {"Api": "present", "New": "present"}}))
    assert judged.details["classes"] == {"created": ["New"]}
    assert judged.hazards == ()


def test_a_deleted_class_loses_its_data() -> None:
    found = change({"classes": {"Api": "present", "Old": "deleted"}}, namespaces={"Old": "2"})
    assert hazards(found) == {"DELETES_DATA": "the data of every object of Old is deleted"}


def test_a_class_behind_which_somebody_else_s_application_runs() -> None:
    found = change(
        {"classes": {"Api": "present", "Old": "deleted"}},
        namespaces={"Old": "2"},
        applications={"Old": {"name": "theirs", "id": "7"}},
    )
    assert hazards(found)["DISABLES_CONTAINER"].startswith("the application theirs (7) runs behind Old")


@pytest.mark.parametrize("action", [Action.DELETE, Action.REPLACE])
def test_a_worker_takes_its_objects_along(action: Action) -> None:
    found = change(action=action, applications={"Api": {"name": "shop-api", "id": "1"}})
    assert hazards(found) == {"DELETES_DATA": "its Durable Objects go with it, data included: Api"}
    assert HANDLER.judge(found).effect is Effect.DOWNTIME


def test_a_worker_without_objects_loses_nothing() -> None:
    seen = Observed("shop-edge", "shop-edge", {}, {"namespaces": {}})
    assert HANDLER.judge(Change(ME, Action.DELETE, observed=seen)).hazards == ()


def test_bindings_that_the_upload_takes_away_are_shown() -> None:
    found = change({"modules": {"worker.js": "9"}}, live={"bindings": {"KV": {"type": "kv"}}})
    assert hazards(found) == {"REMOVES_BINDING": "the upload takes away KV, which the live script has"}
    assert HANDLER.judge(found).details["removed_bindings"] == ["KV"]


def test_without_an_upload_nothing_is_taken_away() -> None:
    found = change({"workers_dev": True}, live={"bindings": {"KV": {"type": "kv"}}})
    assert hazards(found) == {}


def test_a_rotated_secret_is_shown() -> None:
    found = change(
        {"secrets": {"DB": Secret("k:2"), "NEW": Secret("k:3")}},
        prior={"secrets": {"DB": {"$secret": "k:1"}}},
    )
    assert hazards(found) == {"ROTATES_SECRET": "DB gets a new value"}
    assert HANDLER.judge(found).effect is Effect.HOT


def test_a_class_that_nobody_names_any_more_stays_and_is_mentioned() -> None:
    found = change({"classes": {}, "containers": {}, "container_classes": []})
    (note,) = HANDLER.judge(found).notes
    assert note.startswith("nothing names the class Api any more; it stays, with its data")


# outputs


def namespaces(found: Change) -> Any:
    return HANDLER.predict(found)["namespaces"]


def test_namespaces_of_classes_that_exist_are_known() -> None:
    found = namespaces(change({"classes": {"Api": "present", "New": "present"}}))
    assert found["Api"] == "1"
    assert isinstance(found["New"], Unknown)


def test_a_renamed_class_keeps_its_namespace() -> None:
    wanted = {"classes": {"New": "present"}, "containers": {"New": {"name": "shop-api", "class_name": "New"}}}
    assert namespaces(change(wanted, renamed={"New": "Api"})) == {"New": "1"}


def test_everything_is_new_in_a_new_worker() -> None:
    assert isinstance(namespaces(change_of(HANDLER, WANTED))["Api"], Unknown)
    assert isinstance(namespaces(change(action=Action.REPLACE))["Api"], Unknown)


def test_an_idle_worker_is_as_it_is() -> None:
    outputs = HANDLER.predict(change(action=Action.NO_OP))
    assert outputs == {"name": "shop-edge", "version_id": "v", "url": "https://x", "namespaces": {"Api": "1"}}


def test_only_an_upload_or_a_secret_makes_a_version() -> None:
    assert HANDLER.predict(change({"workers_dev": True}))["version_id"] == "v"
    assert isinstance(HANDLER.predict(change({"vars": {"A": "y"}}))["version_id"], Unknown)
    assert HANDLER.predict(change({"vars": {"A": "y"}}))["url"] == "https://x"
