from __future__ import annotations

from typing import Any

import pytest

from reconciler.engine.origins import Origins, fingerprint_of
from reconciler.model.address import ResourceAddress
from reconciler.model.handler import Handler
from reconciler.model.kind import Kind, Output
from reconciler.model.resource import Prior
from reconciler.model.value import Ref, Secret, Template


class Makes(Handler):
    kind = Kind(
        "makes",
        "makes",
        (),
        (Output("id"), Output("ids"), Output("name", textual=True), Output("value", secret=True)),
    )


ONE = ResourceAddress("makes", "one")
USED = Prior(
    ONE,
    "id-one",
    attributes={"value": {"$secret": "key:abc"}},
    outputs={"id": "10.0.0.1", "ids": {"A": "f00dcafe"}, "name": "a-long-name"},
)
ORIGINS = Origins.of([USED], {"makes": Makes()})
ID = Ref(ONE, ("id",), "${makes.one.id}")
A = Ref(ONE, ("ids", "A"), "${makes.one.ids.A}")


@pytest.mark.parametrize(
    ("recorded", "restored"),
    [
        ("10.0.0.1", ID),
        (
            "http://10.0.0.1:80/f00dcafe",
            Template(("http://", ID, ":80/", A), "http://${makes.one.id}:80/${makes.one.ids.A}"),
        ),
        ("10.0.0.12", "10.0.0.12"),
        ("a-long-name", "a-long-name"),
        ({"deep": ["f00dcafe", 7, None]}, {"deep": [A, 7, None]}),
        ({"$secret": "key:abc"}, Ref(ONE, ("value",), "${makes.one.value}")),
    ],
)
def test_what_a_used_resource_gave_is_a_reference_again(recorded: Any, restored: Any) -> None:
    assert ORIGINS.restored(recorded) == restored


def test_a_secret_of_unknown_origin_stays_the_one_that_is_there() -> None:
    then, now = {"a": {"$secret": "key:then"}}, {"a": {"$secret": "key:now"}}
    assert ORIGINS.restored(then, now) == {"a": Secret("key:now")}
    assert ORIGINS.restored(then, {}) == {"a": Secret("key:then")}


def test_where_there_is_none_it_is_what_is_declared_if_that_was_there_then() -> None:
    text = Template(("pg://", Ref(ONE, ("value",))), "pg://${makes.one.value}")
    foreign = Template(("pg://", Ref(ResourceAddress("makes", "two"), ("value",))))
    then = {"$secret": "key:then"}
    assert ORIGINS.restored(then, None, text) == text
    assert ORIGINS.restored(then, None, foreign) == Secret("key:then")
    assert ORIGINS.restored(then, {"$secret": "key:now"}, text) == Secret("key:now")


@pytest.mark.parametrize(
    ("value", "mark"), [({"$secret": ""}, ""), ({"$secret": "a", "b": 1}, None), ("x", None)]
)
def test_only_a_marker_is_a_secret(value: Any, mark: str | None) -> None:
    assert fingerprint_of(value) == mark
