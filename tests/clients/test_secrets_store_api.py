from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import UnavailableError
from tests.clients.api_server import Scripted


def test_stores_and_their_secrets_are_listed() -> None:
    server = Scripted({"result": [{"id": "st"}]})
    assert server.api.list_secrets_stores() == [{"id": "st"}]
    server.api.list_store_secrets("st", search="pw")
    assert [path for _, path, _ in server.asked] == [
        "/secrets_store/stores",
        "/secrets_store/stores/st/secrets?search=pw",
    ]


@pytest.mark.parametrize("result", [{"id": "x"}, [{"id": "x"}]])
def test_what_was_created_is_taken_out_of_its_list(result: Any) -> None:
    assert Scripted({"result": result}).api.create_secrets_store("s") == {"id": "x"}
    server = Scripted({"result": result})
    assert server.api.create_store_secret("st", "n", "v") == {"id": "x"}
    assert server.asked[0][2] == [{"name": "n", "value": "v", "scopes": ["containers"]}]


def test_a_creation_that_names_nothing_may_have_happened() -> None:
    with pytest.raises(UnavailableError) as caught:
        Scripted({"result": []}).api.create_store_secret("st", "n", "v", comment="c")
    assert caught.value.sent


def test_secrets_are_changed_and_deleted_by_id() -> None:
    server = Scripted({"result": {"id": "i"}})
    server.api.update_store_secret("st", "i", {"value": "v"})
    server.api.delete_store_secret("st", "i")
    assert [(method, path) for method, path, _ in server.asked] == [
        ("PATCH", "/secrets_store/stores/st/secrets/i"),
        ("DELETE", "/secrets_store/stores/st/secrets/i"),
    ]
