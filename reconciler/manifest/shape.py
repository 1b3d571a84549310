"""What kind of scalar a place wants, read off its JSON Schema, and how a scalar is made to fit there (interface 1.2).

A text field takes what is written as it is written; a text from outside (`env`, `--var`) becomes a number or boolean where one
is wanted and the text is one. Whether the result is valid is for the schema to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any

from reconciler.frozen import frozen
from reconciler.manifest.scalars import as_text, meaning
from reconciler.model.value import Value


class Given(str):
    """A text from outside, which may yet become a number or a boolean; never leaves this room."""

    __slots__ = ()


@frozen
class Shape:
    """What a place takes. `narrow`: not every text will do, so a text that arrives here must be checked again."""

    text: bool = False
    number: bool = False
    boolean: bool = False
    narrow: bool = False
    members: Mapping[str, Shape] = field(default_factory=dict)
    others: Shape | None = None
    items: Shape | None = None

    def member(self, key: str) -> Shape:
        """What the value under a key may be."""
        return self.members.get(key) or self.others or ANYTHING

    @property
    def item(self) -> Shape:
        """What the members of a list may be."""
        return self.items or ANYTHING


ANYTHING = Shape(text=True, number=True, boolean=True)
TEXT = Shape(text=True)
FLAG = Shape(boolean=True)
_BRANCHES = ("anyOf", "oneOf", "allOf")
_NARROWING = ("enum", "const", "pattern", "minLength", "maxLength", "format")


def shape_of(schema: Any) -> Shape:
    """The shape that a schema asks for."""
    if not isinstance(schema, Mapping) or not schema:
        return ANYTHING
    parts = [_own_shape(schema)] if _speaks(schema) else []
    for keyword in _BRANCHES:
        parts.extend(shape_of(branch) for branch in schema.get(keyword, ()))
    parts.extend(shape_of(schema[keyword]) for keyword in ("then", "else") if keyword in schema)
    return _joined(parts) if parts else ANYTHING


def _speaks(schema: Mapping[str, Any]) -> bool:
    keywords = ("type", "enum", "const", "properties", "additionalProperties", "patternProperties", "items")
    return any(keyword in schema for keyword in keywords)


def _own_shape(schema: Mapping[str, Any]) -> Shape:
    types = _types(schema)
    others = [*schema.get("patternProperties", {}).values()]
    if isinstance(schema.get("additionalProperties"), Mapping):
        others.append(schema["additionalProperties"])
    items = schema.get("items")
    return Shape(
        text="string" in types,
        number=bool(types & {"number", "integer"}),
        boolean="boolean" in types,
        narrow=any(keyword in schema for keyword in _NARROWING),
        members={key: shape_of(inner) for key, inner in schema.get("properties", {}).items()},
        others=_joined([shape_of(other) for other in others]) if others else None,
        items=shape_of(items) if isinstance(items, Mapping) else None,
    )


def _types(schema: Mapping[str, Any]) -> set[str]:
    declared = schema.get("type")
    if isinstance(declared, str):
        return {declared}
    if declared is not None:
        return set(declared)
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    return {_TYPES.get(type(value), "object") for value in values}


_TYPES = {str: "string", bool: "boolean", int: "number", float: "number"}


def _joined(parts: Iterable[Shape]) -> Shape:
    """What takes everything that one of the parts takes."""
    shapes = list(parts)
    if len(shapes) == 1:
        return shapes[0]
    members: dict[str, Shape] = {}
    for shape in shapes:
        for key, inner in shape.members.items():
            members[key] = _joined([members[key], inner]) if key in members else inner
    others = [shape.others for shape in shapes if shape.others]
    items = [shape.items for shape in shapes if shape.items]
    return Shape(
        text=any(shape.text for shape in shapes),
        number=any(shape.number for shape in shapes),
        boolean=any(shape.boolean for shape in shapes),
        narrow=any(shape.narrow for shape in shapes),
        members=members,
        others=_joined(others) if others else None,
        items=_joined(items) if items else None,
    )


def fitted(value: Value, shape: Shape, spelling: str | None = None) -> Value:
    """A scalar as the place wants it; what fits nowhere stays as it is."""
    kind = type(value)
    if kind is str:
        return value
    if kind is Given:
        return _from_outside(str(value), shape)
    if kind is bool:
        return value if shape.boolean or not shape.text else spelling or as_text(value)
    if kind is int or kind is float:
        return value if shape.number or not shape.text else spelling or as_text(value)
    return value


def _from_outside(text: str, shape: Shape) -> Value:
    if shape.text:
        return text
    value = meaning(text.strip())
    if type(value) is bool:
        return value if shape.boolean else text
    if isinstance(value, int | float):
        return value if shape.number else text
    return text


def conformed(value: Value, shape: Shape) -> Value:
    """Plain data, all of it, as the place wants it; `null` in a map is a key left out."""
    if isinstance(value, dict):
        return {key: conformed(inner, shape.member(key)) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [conformed(inner, shape.item) for inner in value]
    return fitted(value, shape)
