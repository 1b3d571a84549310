"""What a schema asks for, in plain words."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.manifest.wording import Showing, described, problems, sentence


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer"}, "a whole number"),
        ({"type": "integer", "minimum": 0}, "a whole number of at least 0"),
        ({"type": "integer", "maximum": 9}, "a whole number of at most 9"),
        ({"type": "number", "minimum": 1, "maximum": 65535}, "a number from 1 to 65535"),
        ({"type": "number", "exclusiveMinimum": 0}, "a number above 0"),
        ({"type": "boolean"}, "true or false"),
        ({"type": "string"}, "a text"),
        ({"type": "string", "minLength": 1}, "a text that is not empty"),
        ({"type": "string", "minLength": 2, "maxLength": 5}, "a text that has at least 2 characters and at most 5"),
        ({"type": "string", "pattern": "^op://"}, "a text that matches ^op://"),
        ({"type": "string", "format": "date"}, "a text that is a valid date"),
        ({"type": ["string", "number", "boolean", "null"]}, "a text"),
        ({"type": ["integer", "null"]}, "a whole number"),
        ({"type": "array"}, "a list"),
        ({"type": "array", "minItems": 1}, "a list that is not empty"),
        ({"type": "array", "minItems": 2}, "a list of at least 2 members"),
        ({"type": "array", "maxItems": 3}, "a list of at most 3 members"),
        ({"type": "array", "minItems": 1, "maxItems": 3}, "a list of 1 to 3 members"),
        ({"type": "object"}, "a map"),
        ({"type": "object", "properties": {"a": {}, "b": {}}}, "a map of a and b"),
        ({"enum": ["a", "b", 3]}, "one of a, b or 3"),
        ({"enum": ["all"]}, "all"),
        ({"const": True}, "true"),
        ({"anyOf": [{"type": "integer"}, {"type": "array"}, {"type": "integer"}]}, "a whole number or a list"),
        ({"if": {}, "then": True, "else": {"type": "boolean"}}, "true or false"),
        ({"not": {}}, "valid"),
    ],
)  # fmt: skip
def test_a_schema_in_words(schema: dict[str, Any], words: str) -> None:
    assert described(schema) == words


def said(schema: dict[str, Any], value: Any, showing: Showing = Showing()) -> list[str]:  # noqa: B008
    return [sentence(one.path, one) for one in problems(schema, value, lambda _path: showing)]


MAP = {"properties": {"a": {"type": "integer"}, "b": {"type": "array", "items": {"type": "string"}}}}


@pytest.mark.parametrize(
    ("schema", "value", "words"),
    [
        (MAP, {"a": "x", "b": ["y", 3]}, ['a must be a whole number, not "x"', "b.1 must be a text, not 3"]),
        ({"required": ["a", "b"]}, {"b": 1}, ["needs a"]),
        ({"minProperties": 1, "maxProperties": 1, "properties": {"a": {}, "b": {}}}, {}, ["must have exactly one of a and b"]),
        ({"minProperties": 1}, {}, ["must have at least 1 key"]),
        ({"maxProperties": 2}, {"a": 1, "b": 2, "c": 3}, ["must have at most 2"]),
        ({"uniqueItems": True}, [{"a": 1}, {"a": 1}], ["must not hold the same twice"]),
        ({"propertyNames": {"enum": ["a"]}}, {"AB": 1}, ['the key "AB" must be a']),
        ({"type": "string", "maxLength": 3}, "x" * 500, [f'must be a text that has at most 3 characters, not "{"x" * 59}..."']),
        ({"pattern": "^a$"}, "a\n", ["is not what may stand here"]),
    ],
)  # fmt: skip
def test_a_problem_in_words(schema: dict[str, Any], value: Any, words: list[str]) -> None:
    assert said(schema, value) == words


def test_a_value_may_be_named_by_where_it_came_from_or_not_at_all() -> None:
    assert said({"type": "integer"}, "x", Showing(origin="${env.X}")) == [
        "must be a whole number, not what ${env.X} gives"
    ]
    assert said({"type": "integer"}, "x", Showing(openly=False)) == ["must be a whole number, not a text"]


def test_the_alternative_that_takes_the_type_says_what_is_wrong() -> None:
    schema = {
        "anyOf": [{"enum": ["a"]}, {"type": "object", "required": ["x"]}, {"type": "array", "maxItems": 1}]
    }
    assert said(schema, {}) == ["needs x"]
    assert said(schema, "b") == ['must be a, a map or a list of at most 1 members, not "b"']
