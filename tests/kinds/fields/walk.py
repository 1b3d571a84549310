"""Walks the schema of a kind to the places where a user may write something, and says how a value gets there.

A place is a path such as `checks.*.http.path`: `*` stands for a key of the user's choice, `[]` for an item of a list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.manifest.schema import resource_schema
from reconciler.model.kind import Kind

Schema = Mapping[str, Any]
KEY, ITEM = "*", "[]"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something may be written, and what; `needed` is what must stand beside it on the way there."""

    parts: tuple[str, ...]
    schema: Schema
    needed: tuple[tuple[tuple[str, ...], Schema], ...] = ()

    @property
    def path(self) -> str:
        """How it is called in tables and names of tests."""
        return ".".join(self.parts).replace(".[]", "[]")

    @property
    def removable(self) -> tuple[str, ...]:
        """The innermost place that can be left out when this one is: a key that has to be there goes with its holder."""
        parts = self.parts
        needed = {parts for parts, _ in self.needed}
        while parts in needed or parts[-1] == ITEM:
            parts = parts[:-1]
        return parts


def places(kind: Kind) -> list[Place]:
    """Every place of a kind's block, the options that all kinds take included."""
    schema = resource_schema(kind)
    found: dict[str, Place] = {}
    for place in _inside((), schema, ()):
        other = found.get(place.path)
        both = {"anyOf": [other.schema, place.schema]} if other else place.schema
        found[place.path] = Place(place.parts, both, place.needed)
    return list(found.values())


def _inside(parts: tuple[str, ...], schema: Schema, needed: Any) -> Iterator[Place]:
    if "anyOf" in schema:
        for branch in schema["anyOf"]:
            yield from _inside(parts, branch, needed)
        return
    types = schema.get("type")
    types = {types} if isinstance(types, str) else set(types or ())
    if not types & {"object", "array"} or "string" in types:
        yield Place(parts, schema, needed)
    if "object" in types:
        yield from _members(parts, schema, needed)
    if "array" in types:
        yield from _items(parts, schema, needed)


def _members(parts: tuple[str, ...], schema: Schema, needed: Any) -> Iterator[Place]:
    properties: Mapping[str, Schema] = schema.get("properties", {})
    beside = [((*parts, name), properties[name]) for name in schema.get("required", ())]
    for name, inner in properties.items():
        yield from _inside((*parts, name), inner, (*needed, *beside))
    free = schema.get("additionalProperties")
    if isinstance(free, Mapping):
        yield from _inside((*parts, KEY), free, needed)
    elif "object" in str(schema["type"]) and free is not False and not properties:
        yield Place((*parts, KEY), {}, needed)


def _items(parts: tuple[str, ...], schema: Schema, needed: Any) -> Iterator[Place]:
    items: Schema = schema.get("items", {})
    plain = [inner for inner in items.get("anyOf", [items]) if inner.get("type") != "object"]
    for inner in items.get("anyOf", [items]):
        if inner.get("type") == "object":
            yield from _members((*parts, ITEM), inner, needed)
    if plain:
        yield Place(parts, {**schema, "items": plain[0]}, needed)


def put(holder: Any, parts: tuple[str, ...], value: Any, key: str = "one") -> Any:
    """`holder` with a value at a place; what stands there already is kept."""
    if not parts:
        return value
    head, rest = parts[0], parts[1:]
    if head == ITEM:
        first, *others = holder or [None]
        return [put(first, rest, value, key), *others]
    name = key if head == KEY else head
    before = holder if isinstance(holder, dict) else {}
    return {**before, name: put(before.get(name), rest, value, key)}


def without(holder: Any, parts: tuple[str, ...], key: str = "one") -> Any:
    """`holder` without what stands at a place; what is empty then goes too."""
    head, rest = parts[0], parts[1:]
    if head == ITEM:
        return [left] if (left := without(holder[0], rest, key)) else None
    name = key if head == KEY else head
    if name not in holder:
        return holder
    left = without(holder[name], rest, key) if rest else None
    others = {each: value for each, value in holder.items() if each != name}
    return {**others, name: left} if left not in (None, {}, []) else others
