"""Checks trees and values against the schema: jsonschema_rs says yes or no, fast, and where; `wording.py` says what is wrong.

The only user of jsonschema_rs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from reconciler.manifest.findings import Findings
from reconciler.manifest.schema import Schema, manifest_schema, resource_schema
from reconciler.manifest.shape import Shape, shape_of
from reconciler.manifest.site import Site
from reconciler.manifest.tree import Block, mark_at, source_of
from reconciler.manifest.wording import Problem, Show, Showing, problems, sentence
from reconciler.model.handler import Kind
from reconciler.model.value import Path, Pointer, Secret, Template, Unknown, Value

Where = tuple[str | int, ...]


class Checker:
    """The schemas of a set of kinds, compiled when first needed."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self._kinds = kinds  # by section
        self._shapes: dict[str, Shape] = {}
        self._values: dict[tuple[str, str], Any] = {}

    @cached_property
    def _whole(self) -> Schema:
        return manifest_schema(self._kinds.values())

    @cached_property
    def _part(self) -> Schema:
        return manifest_schema(self._kinds.values(), partial=True)

    def shape(self, kind: Kind) -> Shape:
        """What the attributes of a kind may be."""
        if kind.name not in self._shapes:
            self._shapes[kind.name] = shape_of(resource_schema(kind))
        return self._shapes[kind.name]

    def check_document(self, root: Block, file: str, findings: Findings) -> None:
        """Collects what is wrong with a manifest as written; its base may leave to the environments what it lacks."""
        schema = self._part if root.get("environments") else self._whole
        self._check(schema, root, file, findings)

    def check_merged(self, root: Block, file: str, findings: Findings) -> None:
        """Collects what the sections of one environment lack, once everything is laid over them."""
        view = Block()
        for key in ("version", "project", *self._kinds):
            if key in root:
                view.take(root, key)
        self._check(self._whole, view, file, findings)

    def check_value(
        self, site: Site, kind: Kind, key: str, value: Value, origins: Mapping[Path, str]
    ) -> bool:
        """Whether an attribute into which values came by reference is what it may be; collects what is not."""
        schema = self._whole["$defs"][kind.name]["properties"][key]
        place = (kind.name, key)
        if place not in self._values:
            self._values[place] = _compiled({"properties": {key: schema}})
        plain = {key: _stand_in(value)}
        if self._values[place].is_valid(plain):
            return True

        def show(where: Where) -> Showing:
            path = tuple(map(str, where))
            ends = range(len(path), 0, -1)
            return Showing(origin=next((origins[path[:end]] for end in ends if path[:end] in origins), ""))

        for path, problem in _found({"properties": {key: schema}}, self._values[place], plain, show):
            hint = site.findings.did_you_mean(problem.key, problem.known) if problem.known else ""
            site.error(tuple(map(str, path)), problem.code, sentence(path, problem), hint)
        return False

    def _check(self, schema: Schema, root: Block, file: str, findings: Findings) -> None:
        validator = _compiled(schema)
        if validator.is_valid(root):
            return
        for path, problem in _found(schema, validator, root, self._show):
            address, rest = self._address(path)
            place = source_of(file, mark_at(root, (*path, problem.key) if problem.key else path))
            hint = findings.did_you_mean(problem.key, problem.known) if problem.known else ""
            findings.error(problem.code, sentence(rest, problem), place, fix=hint, address=address)

    def _address(self, path: Where) -> tuple[str, Where]:
        """The resource that a path leads into, and the rest of the path."""
        inside = path[2:] if path[:1] == ("environments",) else path
        kind = self._kinds.get(str(inside[0])) if len(inside) > 1 else None
        if kind is None:
            return "", path
        return f"{kind.name}.{inside[1]}", inside[2:]

    def _show(self, where: Where) -> Showing:
        """How a value as written may appear in a message: what could be a secret may not."""
        address, rest = self._address(where)
        kind = next((kind for kind in self._kinds.values() if address.startswith(f"{kind.name}.")), None)
        if kind is None:
            return Showing()
        row = kind.attribute(tuple(map(str, rest)))
        is_secret = any(output.secret for output in kind.outputs) or (row is not None and row.secret)
        return Showing(openly=not is_secret)


def _compiled(schema: Schema) -> Any:
    import jsonschema_rs

    return jsonschema_rs.validator_for(dict(schema))


def _found(schema: Schema, validator: Any, value: Any, show: Show) -> Iterator[tuple[Where, Problem]]:
    """Every problem with the path to it, each level of the value worded once."""
    seen: set[tuple[Where, Where]] = set()
    for error in validator.iter_errors(value):
        where, rule = tuple(error.instance_path), tuple(error.schema_path)
        node = rule[: rule.index("propertyNames")] if "propertyNames" in rule else rule[:-1]
        if (where, node) in seen:
            continue
        seen.add((where, node))
        # The two libraries read patterns a little differently; what one of them refuses is never let through in silence.
        unworded = [Problem((), "is not what may stand here")]
        for problem in _worded(schema, node, value, where, show) or unworded:
            yield (*where, *problem.path), problem


def _worded(schema: Schema, node: Where, value: Any, where: Where, show: Show) -> list[Problem]:
    return list(problems(_walk(schema, node), _walk(value, where), lambda path: show((*where, *path))))


def _walk(holder: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        holder = holder[part]
    return holder


def _stand_in(value: Value) -> Value:
    """A value in which what is not known yet is written as a reference, which may stand anywhere."""
    if isinstance(value, Pointer | Template | Unknown | Secret):
        return "${}"
    if isinstance(value, dict):
        return {key: _stand_in(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_stand_in(inner) for inner in value]
    return value
