from __future__ import annotations

import json
from typing import Any

import pytest

from tests.emulator.workers_api import WorkersApi

STORES = "/secrets_store/stores"


@pytest.fixture
def api() -> WorkersApi:
    return WorkersApi()


def new_store(api: WorkersApi) -> str:
    store: dict[str, Any] = api.result("POST", STORES, json={"name": "default_secret_store"})
    return str(store["id"])


def wish(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "value": "hidden-value", "scopes": ["containers"], **more}


def add(api: WorkersApi, store: str, *wishes: dict[str, Any]) -> list[dict[str, Any]]:
    # wrangler sends JSON under another type.
    headers = {"Content-Type": "text/plain;charset=UTF-8"}
    found: list[dict[str, Any]] = api.result(
        "POST", f"{STORES}/{store}/secrets", content=json.dumps(wishes), headers=headers
    )
    return found


def test_an_account_has_one_store(api: WorkersApi) -> None:
    assert api.result("GET", STORES) == []
    store = new_store(api)
    assert [one["id"] for one in api.result("GET", STORES)] == [store]
    assert api.refusal("POST", STORES, json={"name": "second"}) == (409, 1002)
    assert api.refusal("POST", STORES, json={}) == (400, 1003)


def test_secrets_are_made_found_and_deleted(api: WorkersApi) -> None:
    store = new_store(api)
    made = add(api, store, wish("KEY"), wish("KEY_2", comment="second"))
    assert [(one["name"], one["status"], one["scopes"]) for one in made] == [
        ("KEY", "active", ["containers"]),
        ("KEY_2", "active", ["containers"]),
    ]
    secrets = f"{STORES}/{store}/secrets"
    assert [one["name"] for one in api.result("GET", secrets + "?search=KEY_2")] == ["KEY_2"]
    assert api.result("DELETE", f"{secrets}/{made[0]['id']}")["name"] == "KEY"
    assert api.refusal("GET", f"{secrets}/{made[0]['id']}") == (404, 1001)
    assert [one["name"] for one in api.result("GET", secrets)] == ["KEY_2"]


def test_a_secret_changes_in_place_and_shows_no_value(api: WorkersApi) -> None:
    store = new_store(api)
    made = add(api, store, wish("KEY"))[0]
    api.world.clock.advance(60)
    changed = api.result(
        "PATCH", f"{STORES}/{store}/secrets/{made['id']}", json={"value": "new", "comment": "c"}
    )
    assert (changed["id"], changed["comment"]) == (made["id"], "c")
    assert changed["modified"] > made["modified"]
    world = json.dumps([[value for *_, value in api.world.visible()], changed])
    ledger = json.dumps([entry.body for entry in api.world.ledger.since(0)])
    assert "hidden-value" not in world + ledger


@pytest.mark.parametrize(
    ("wishes", "refusal"),
    [
        ([wish("TAKEN")], (409, 1002)),
        ([wish("A"), wish("A")], (409, 1002)),
        ([wish("A", scopes=["everywhere"])], (400, 1003)),
        ([wish("A", value="")], (400, 1003)),
        ([{"name": "A"}], (400, 1003)),
        ({"name": "A"}, (400, 10021)),
    ],
)
def test_what_is_no_list_of_secrets_is_refused(
    api: WorkersApi, wishes: object, refusal: tuple[int, int]
) -> None:
    store = new_store(api)
    add(api, store, wish("TAKEN"))
    assert api.refusal("POST", f"{STORES}/{store}/secrets", json=wishes) == refusal
    assert [one["name"] for one in api.result("GET", f"{STORES}/{store}/secrets")] == ["TAKEN"]


def test_a_deleted_store_takes_its_secrets_along(api: WorkersApi) -> None:
    store = new_store(api)
    add(api, store, wish("KEY"))
    assert api.result("DELETE", f"{STORES}/{store}")["id"] == store
    assert list(api.world.visible()) == []
    assert api.refusal("GET", f"{STORES}/{store}/secrets") == (404, 1001)
