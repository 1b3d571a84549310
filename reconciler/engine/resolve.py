"""Replaces pointers by values, or by Unknown while there are none. The only place that knows what a pointer comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from reconciler.model.address import ResourceAddress
from reconciler.model.value import (
    Foretold,
    Pointer,
    Ref,
    Secret,
    Template,
    TextOf,
    Unknown,
    Value,
)

PLAIN = frozenset({str, int, float, bool, type(None)})
# A dict is told at once: asking whether it is a Mapping takes longer than the look-up itself.
_MAPS = (dict, Mapping)
_POINTERS = frozenset(get_args(Pointer))


@dataclass(slots=True)
class Scope:
    """What pointers may come to: outputs (values or Unknown), texts of the manifest, and foretold facts."""

    outputs: dict[ResourceAddress, Mapping[str, Value]] = field(default_factory=dict)
    texts: dict[ResourceAddress, Mapping[str, Value]] = field(default_factory=dict)
    foretold: dict[ResourceAddress, Mapping[str, Value]] = field(default_factory=dict)

    def value_of(self, pointer: Pointer) -> Value:
        """What a pointer comes to; Unknown where its resource has not said yet."""
        match pointer:
            case TextOf():
                return _follow(self.texts.get(pointer.address, {}), pointer)
            case Foretold():
                return _follow(self.foretold.get(pointer.address, {}), pointer)
            case Ref():
                return _follow(self.outputs.get(pointer.address, {}), pointer)


def _follow(holder: Value, pointer: Pointer) -> Value:
    for part in pointer.path:
        if isinstance(holder, Unknown):
            break
        if not isinstance(holder, _MAPS) or part not in holder:
            return Unknown(pointer.address, pointer.expression)
        holder = holder[part]
    if isinstance(holder, Unknown):
        return Unknown(holder.until or pointer.address, pointer.expression)
    return holder


def resolve(value: Value, scope: Scope) -> Value:
    """The value with every pointer replaced; the same object where there is nothing to replace."""
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind is dict:
        return _resolve_dict(value, scope)
    if kind in _POINTERS:
        return scope.value_of(value)
    if kind is list and PLAIN.issuperset(map(type, value)):
        return value
    if kind is list or kind is tuple:
        return [resolve(inner, scope) for inner in value]
    if isinstance(value, Template):
        return _join(value, scope)
    return value


def _resolve_dict(value: Mapping[str, Value], scope: Scope) -> Mapping[str, Value]:
    changed: dict[str, Value] | None = None
    for key, inner in value.items():
        if type(inner) in PLAIN:
            continue
        resolved = resolve(inner, scope)
        if resolved is not inner:
            changed = dict(value) if changed is None else changed
            changed[key] = resolved
    return value if changed is None else changed


def _join(template: Template, scope: Scope) -> Value:
    parts = [scope.value_of(part) if isinstance(part, Pointer) else part for part in template.parts]
    for part in parts:
        if isinstance(part, Unknown):
            return Unknown(part.until, template.expression)
    if any(isinstance(part, Secret) for part in parts):
        return Secret.join([part if isinstance(part, Secret) else _text(part) for part in parts])
    return "".join(map(_text, parts))


def _text(part: Value) -> str:
    if isinstance(part, bool):
        return "true" if part else "false"
    return str(part)
