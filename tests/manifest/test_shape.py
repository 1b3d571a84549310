"""What a place takes, and how a scalar is made to fit there."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.manifest.shape import ANYTHING, Given, Shape, conformed, fitted, shape_of

TEXT, NUMBER, FLAG = Shape(text=True), Shape(number=True), Shape(boolean=True)


@pytest.mark.parametrize(
    ("schema", "shape"),
    [
        ({}, ANYTHING),
        (True, ANYTHING),
        ({"description": "x"}, ANYTHING),
        ({"type": "string"}, TEXT),
        ({"type": "string", "pattern": "x"}, Shape(text=True, narrow=True)),
        ({"type": ["string", "integer"]}, Shape(text=True, number=True)),
        ({"enum": ["a", 1]}, Shape(text=True, number=True, narrow=True)),
        ({"const": True}, Shape(boolean=True, narrow=True)),
        ({"type": "array", "items": {"type": "number"}}, Shape(items=NUMBER)),
        ({"type": "object", "additionalProperties": {"type": "boolean"}}, Shape(others=FLAG)),
        ({"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "string"}}]}, Shape(number=True, items=TEXT)),
        ({"if": {}, "then": {"type": "string"}, "else": {"type": "integer"}}, Shape(text=True, number=True)),
    ],
)  # fmt: skip
def test_a_schema_has_a_shape(schema: Any, shape: Shape) -> None:
    assert shape_of(schema) == shape


def test_alternatives_share_their_members() -> None:
    schema = {
        "anyOf": [
            {"properties": {"a": {"type": "string"}}},
            {"properties": {"a": {"type": "integer"}, "b": {}}},
        ]
    }
    found = shape_of(schema)
    assert (found.member("a"), found.member("b")) == (Shape(text=True, number=True), ANYTHING)
    assert found.member("c") is ANYTHING


@pytest.mark.parametrize(
    ("value", "shape", "spelling", "expected"),
    [
        (1.1, TEXT, "1.10", "1.10"),
        (7, TEXT, None, "7"),
        (True, TEXT, None, "true"),
        (True, TEXT, "True", "True"),
        (7, NUMBER, "007", 7),
        (7, ANYTHING, "007", 7),
        (True, FLAG, None, True),
        (True, NUMBER, None, True),
        (7, FLAG, None, 7),
        ("7", NUMBER, None, "7"),
        (Given("7"), NUMBER, None, 7),
        (Given(" 7 "), NUMBER, None, 7),
        (Given("1.5"), NUMBER, None, 1.5),
        (Given("true"), FLAG, None, True),
        (Given("true"), NUMBER, None, "true"),
        (Given("7"), FLAG, None, "7"),
        (Given("7"), TEXT, None, "7"),
        (Given("7"), ANYTHING, None, "7"),
        (Given("x"), NUMBER, None, "x"),
        (Given(""), NUMBER, None, ""),
        (None, TEXT, None, None),
    ],
)
def test_a_scalar_is_made_to_fit(value: Any, shape: Shape, spelling: str | None, expected: Any) -> None:
    found = fitted(value, shape, spelling)
    assert found == expected
    assert type(found) is type(expected)


def test_maps_and_lists_are_made_to_fit_inside() -> None:
    shape = Shape(members={"a": TEXT}, others=NUMBER, items=TEXT)
    assert conformed({"a": 1, "b": Given("2"), "c": None}, shape) == {"a": "1", "b": 2}
    assert conformed([1, True], shape) == ["1", "true"]
