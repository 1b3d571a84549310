"""Checks trees and values against the schema: jsonschema_rs says yes or no, fast; `wording.py` says what is wrong.

The only user of jsonschema_rs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from reconciler.manifest.findings import Findings
from reconciler.manifest.schema import Schema, definition_of, manifest_schema, part_of, resource_schema
from reconciler.manifest.shape import Shape, shape_of
from reconciler.manifest.site import Site
from reconciler.manifest.tree import Block, Node, child, mark_at, source_of
from reconciler.manifest.wording import Show, Showing, Where, problems, sentence
from reconciler.model.kind import Kind
from reconciler.model.value import Path, Pointer, Secret, Template, Unknown, Value

_Piece = tuple[
    Where, str, Node
]  # where it stands, its definition in the schema ("": the language itself), what it is


class Checker:
    """The schemas of a set of kinds, compiled when first needed."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self._kinds = kinds  # by section
        self._shapes: dict[str, Shape] = {}
        self._definitions: dict[str, Schema] = {}
        self._compiled: dict[tuple[str, str], Any] = {}

    @cached_property
    def _whole(self) -> Schema:
        return manifest_schema(self._kinds.values(), keyed=True)

    def _enough_for(self, root: Block, *, partial: bool) -> Schema:
        """A schema of the kinds that a document may speak of: to make and compile that of every kind takes its time."""
        anywhere = partial or "defaults" in root
        kinds = [kind for section, kind in self._kinds.items() if anywhere or section in root]
        return manifest_schema(kinds, partial=partial, keyed=True)

    def _definition(self, kind: Kind) -> Schema:
        if kind.name not in self._definitions:
            self._definitions[kind.name] = definition_of(kind)
        return self._definitions[kind.name]

    def shape(self, kind: Kind) -> Shape:
        """What the attributes of a kind may be."""
        if kind.name not in self._shapes:
            self._shapes[kind.name] = shape_of(resource_schema(kind))
        return self._shapes[kind.name]

    # trees

    def check_document(self, root: Block, file: str, findings: Findings) -> None:
        """Collects what is wrong with a manifest as written; its base may leave to the environments what it lacks."""
        partial = bool(root.get("environments"))
        if _compiled(self._enough_for(root, partial=partial)).is_valid(root):
            return
        for piece in self._pieces(root, partial=partial):
            self._report(piece, root, file, findings)

    def check_merged(self, root: Block, file: str, findings: Findings) -> None:
        """Collects what the resources of one environment lack, once everything is laid over them."""
        for piece in self._resources((), root, partial=False):
            self._report(piece, root, file, findings)

    def _pieces(self, root: Block, *, partial: bool) -> Iterator[_Piece]:
        """The language itself, then every resource and every part of one, so that one mistake is not looked for everywhere."""
        yield (), "", root
        yield from self._resources((), root, partial=partial)
        yield from self._parts((), root)
        for name, overlay in child(root, "environments").items():
            yield from self._resources(("environments", name), overlay, partial=True)
            yield from self._parts(("environments", name), overlay)

    def _resources(self, above: Where, holder: Node, *, partial: bool) -> Iterator[_Piece]:
        for section, kind in self._kinds.items():
            definition = part_of(kind) if partial else kind.name
            for key, block in child(holder, section).items():
                yield (*above, section, key), definition, block

    def _parts(self, above: Where, holder: Node) -> Iterator[_Piece]:
        defaults = child(holder, "defaults")
        for section in self._kinds.keys() & defaults.keys():
            yield (*above, "defaults", section), part_of(self._kinds[section]), defaults[section]

    def _report(self, piece: _Piece, root: Block, file: str, findings: Findings) -> None:
        above, definition, value = piece
        schema = self._whole["$defs"][definition] if definition else _without_resources(self._whole)
        if self._validator(definition, "", schema).is_valid(value):
            return
        for problem in problems(schema, value, lambda path: self._show((*above, *path))):
            path = (*above, *problem.path)
            address, rest = self._address(path)
            place = source_of(file, mark_at(root, (*path, problem.key) if problem.key else path))
            hint = findings.did_you_mean(problem.key, problem.known) if problem.known else ""
            findings.error(problem.code, sentence(rest, problem), place, fix=hint, address=address)
            if findings.is_full:
                findings.raise_errors()

    def _address(self, path: Where) -> tuple[str, Where]:
        """The resource that a path leads into, and the rest of the path."""
        inside = path[2:] if path[:1] == ("environments",) else path
        kind = self._kinds.get(str(inside[0])) if len(inside) > 1 else None
        if kind is None:
            return "", path
        return f"{kind.name}.{inside[1]}", inside[2:]

    def _show(self, path: Where) -> Showing:
        """How a value as written may appear in a message: what could be a secret may not."""
        for at, part in enumerate(path[:4]):
            kind = self._kinds.get(str(part))
            if kind is None:
                continue
            inside = path[at + 1 :] if path[at - 1 : at] == ("defaults",) else path[at + 2 :]
            row = kind.attribute(tuple(map(str, inside))) if inside else None
            is_secret = any(output.secret for output in kind.outputs) or (row is not None and row.secret)
            return Showing(openly=not is_secret)
        return Showing()

    # values

    def check_value(
        self, site: Site, kind: Kind, key: str, value: Value, origins: Mapping[Path, str]
    ) -> bool:
        """Whether an attribute into which values came by reference is what it may be; collects what is not."""
        schema = {"properties": {key: self._definition(kind)["properties"][key]}}
        plain = {key: _stand_in(value)}
        if self._validator(kind.name, key, schema).is_valid(plain):
            return True
        for problem in problems(schema, plain, _showing(origins)):
            hint = site.findings.did_you_mean(problem.key, problem.known) if problem.known else ""
            site.error(tuple(map(str, problem.path)), problem.code, sentence(problem.path, problem), hint)
        return False

    def _validator(self, definition: str, key: str, schema: Schema) -> Any:
        place = (definition, key)
        if place not in self._compiled:
            self._compiled[place] = _compiled(schema)
        return self._compiled[place]


def _showing(origins: Mapping[Path, str]) -> Show:
    """A value that came by reference is named by the reference: it may be anybody's."""

    def show(where: Where) -> Showing:
        path = tuple(map(str, where))
        ends = range(len(path), 0, -1)
        return Showing(origin=next((origins[path[:end]] for end in ends if path[:end] in origins), ""))

    return show


def _compiled(schema: Schema) -> Any:
    import jsonschema_rs

    return jsonschema_rs.validator_for(dict(schema))


def _without_resources(schema: Schema) -> dict[str, Any]:
    return {**schema, "$defs": dict.fromkeys(schema["$defs"], True)}


def _stand_in(value: Value) -> Value:
    """A value in which what is not known yet is written as a reference, which may stand anywhere."""
    if isinstance(value, Pointer | Template | Unknown | Secret):
        return "${}"
    if isinstance(value, dict):
        return {key: _stand_in(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_stand_in(inner) for inner in value]
    return value
