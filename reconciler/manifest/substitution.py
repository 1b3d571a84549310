"""Walks a block as written and gives plain maps and lists, with every reference replaced by what it comes to."""

from __future__ import annotations

from reconciler.manifest.expression import ExpressionError, Reference, parts_of
from reconciler.manifest.options import ADDRESSES
from reconciler.manifest.references import Scope
from reconciler.manifest.shape import Given, Shape, conformed, fitted
from reconciler.manifest.site import Site, Spot
from reconciler.manifest.tree import Block, Items
from reconciler.model.value import Path, Pointer, Template, Unknown, Value, path_text, pointers


class Substitution:
    """One walk over one block, for one resource.

    `changed` has the top-level keys in which something came by reference that the schema has not seen yet, `origins` which
    reference that was, and `unsaid` the references that did not say which attribute they mean.
    """

    __slots__ = ("changed", "origins", "scope", "site", "unsaid")

    def __init__(self, scope: Scope, site: Site) -> None:
        self.scope = scope
        self.site = site
        self.changed: set[str] = set()
        self.origins: dict[Path, str] = {}
        self.unsaid: list[tuple[Path, Pointer]] = []

    def block(self, block: Block, shape: Shape, path: Path = ()) -> dict[str, Value]:
        """A map, without the keys that are `null`."""
        result: dict[str, Value] = {}
        for key, value in block.items():
            kind = type(value)
            if kind is str and "${" not in value:
                result[key] = value
            elif value is not None:
                result[key] = self.at(block, key, shape.member(key), (*path, key))
            elif path:
                self.changed.add(path[0])
        return result

    def at(self, block: Block, key: str, shape: Shape, path: Path) -> Value:
        """What stands under a key; None where nothing does."""
        return self._value(block.get(key), block.spelling(key), shape, path)

    def _items(self, items: Items, shape: Shape, path: Path) -> list[Value]:
        item = shape.item
        return [
            value
            if type(value) is str and "${" not in value
            else self._value(value, items.spelling(at), item, (*path, str(at)))
            for at, value in enumerate(items)
        ]

    def _value(self, value: Value, spelling: str | None, shape: Shape, path: Path) -> Value:
        kind = type(value)
        if kind is str:
            return self._text(value, shape, path) if "${" in value else value
        if kind is Block:
            return self.block(value, shape, path)
        if kind is Items:
            return self._items(value, shape, path)
        result = fitted(value, shape, spelling)
        if shape.narrow and result is not value:
            self.changed.add(path[0])
        return result

    def _text(self, text: str, shape: Shape, path: Path) -> Value:
        try:
            parts = parts_of(text)
        except ExpressionError as error:
            self.site.error(path, "E301", error.message, error.fix)
            return Unknown(None, text)
        first = parts[0]
        if len(parts) == 1 and isinstance(first, Reference):
            if path[0] in ADDRESSES and self.site.kind and first.root in self.scope.declared.kinds:
                return text.strip()[2:-1]
            value = self.scope.evaluate(first, Spot(self.site, path))
        else:
            value = self.scope.joined(parts, Spot(self.site, path), text)
        return self._arrived(value, text, shape, path)

    def _arrived(self, value: Value, text: str, shape: Shape, path: Path) -> Value:
        """What a reference gave, as the place wants it."""
        if isinstance(value, Unknown):
            return value
        if isinstance(value, Pointer | Template):
            return self._pointing(value, text, path)
        result = conformed(value, shape)
        if type(result) is not str or not shape.text or shape.narrow:
            self.changed.add(path[0])
            self.origins[path] = text
        return str(result) if type(result) is Given else result

    def _pointing(self, value: Pointer | Template, text: str, path: Path) -> Value:
        for pointer in pointers(value):
            if not pointer.path:
                self.unsaid.append((path, pointer))
            elif self.scope.declared.holds_secret(pointer):
                self._check_secret(pointer, text, path, alone=value is pointer)
        return value

    def _check_secret(self, pointer: Pointer, text: str, path: Path, *, alone: bool) -> None:
        site = self.site
        row = site.row(path)
        if row is not None and (row.secret_template or (row.secret and alone)):
            return
        if row is not None and row.secret:
            fix = "let the secret be the whole text, references included"
            site.error(path, "E315", f"{path_text(path)}: a secret may not stand inside a text here", fix)
            return
        stays = f"{path_text(path)} must not hold a secret ({text}): it would stand in plan and state"
        fix = self.scope.declared.keys_for_secrets(site.kind, pointer)
        site.error(path, "E315", site.no_secrets or stays, fix)
