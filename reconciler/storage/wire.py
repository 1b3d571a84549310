"""Derives, from a frozen dataclass of the model, the msgspec Struct that stands for it in JSON.

Addresses become text, secrets fingerprints, fields at their default are left out. A field added to the model is stored
without a line here, so that nothing can be forgotten.
"""

from __future__ import annotations

import marshal
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache, lru_cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from reconciler.errors import StateError
from reconciler.frozen import frozen
from reconciler.model.address import ResourceAddress
from reconciler.model.value import Foretold, Path, Ref, Secret, Template, TextOf, Unknown, Value, path_text

Model = TypeVar("Model")
Convert = Callable[[Any], Any]

_address = lru_cache(maxsize=1 << 16)(ResourceAddress.parse)
REPORT_IT = "this is a bug in reconciler; report it"
_TUPLE: Any = tuple  # made up at run time, where a type checker has no say
_DICT: Any = dict
_LIVE = (Ref, TextOf, Foretold, Template, Unknown)


@frozen
class Shape:
    """How one annotation looks in JSON, and the ways there and back; None: the value goes as it is."""

    type: Any
    store: Convert | None = None
    load: Convert | None = None  # neither is asked for what is empty or None


class Mirror(Generic[Model]):
    """One dataclass and its Struct. `sparse`: fields at their default are left out."""

    def __init__(self, model: type[Model], *, sparse: bool, tag: str | None = None) -> None:
        hints = get_type_hints(model)
        own = fields(model)  # type: ignore[arg-type]
        shapes = [_shape(hints[it.name], sparse=sparse) for it in own]
        self.model = model
        self._store = [(at, it.store) for at, it in enumerate(shapes) if it.store]
        self._load = [(at, it.load) for at, it in enumerate(shapes) if it.load]
        self._values = _values_of([it.name for it in own])
        self.fields = [_field(it, shape, sparse=sparse) for it, shape in zip(own, shapes, strict=True)]
        self.struct = msgspec.defstruct(
            model.__name__,
            self.fields,
            omit_defaults=sparse,
            forbid_unknown_fields=True,
            tag_field="event" if tag else None,
            tag=tag,
            namespace={"__doc__": model.__doc__},
        )

    def values(self, value: Model) -> list[Any]:
        """The fields as the Struct holds them, in order."""
        values = list(self._values(value))
        for at, store in self._store:
            if values[at]:
                values[at] = store(values[at])
        return values

    def store(self, value: Model) -> Any:
        """The Struct that stands for a value."""
        return self.struct(*self.values(value))

    def load(self, stored: Any) -> Model:
        """The value that a Struct stands for."""
        return self.revive(msgspec.structs.astuple(stored))

    def revive(self, stored_values: tuple[Any, ...]) -> Model:
        """The value whose fields, as the Struct holds them, are these."""
        values = list(stored_values)
        for at, load in self._load:
            if values[at]:
                values[at] = load(values[at])
        return self.model(*values)


@cache
def mirror(model: type[Model], *, sparse: bool = True) -> Mirror[Model]:
    """The one mirror of a dataclass."""
    return Mirror(model, sparse=sparse)


@cache
def event_mirror(model: type[Model]) -> Mirror[Model]:
    """The mirror of an event; its Struct says which one it is: `{"event": "begun", ...}`."""
    words = re.sub(r"(?<!^)(?=[A-Z])", "_", model.__name__.removeprefix("Step"))
    return Mirror(model, sparse=True, tag=words.lower())


def plain(value: Value) -> Value:
    """A value as JSON may hold it: a secret only as its fingerprint, never anything that points elsewhere."""
    try:
        marshal.dumps(value, 2)  # refuses, at the speed of C, whatever is not plain data all through
    except ValueError:
        return _plain(value, ())
    return value


def _plain(value: Value, path: Path) -> Value:
    if isinstance(value, Secret):
        return {"$secret": value.fingerprint}
    if isinstance(value, _LIVE):
        raise _bug(path, f"still a {type(value).__name__}")
    if isinstance(value, Mapping):
        return {str(key): _plain(inner, (*path, str(key))) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner, path) for inner in value]
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | int | float):
        return value
    raise _bug(path, f"a {type(value).__name__}")


def _bug(path: Path, what: str) -> StateError:
    where = f'the value of "{path_text(path)}"' if path else "a value"
    return StateError(f"{where} cannot be stored: it is {what}", fix=REPORT_IT)


def _values_of(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) == 1:  # attrgetter would give the bare value
        return lambda value: (getattr(value, names[0]),)
    return attrgetter(*names)


def _field(own: Field[Any], shape: Shape, *, sparse: bool) -> Any:
    if sparse and own.default is not MISSING:
        return (own.name, shape.type, msgspec.field(default=own.default))
    if sparse and own.default_factory is not MISSING:
        return (own.name, shape.type, msgspec.field(default_factory=own.default_factory))
    return (own.name, shape.type)


def _shape(hint: Any, *, sparse: bool) -> Shape:
    if hint is ResourceAddress:
        return Shape(str, str, _address)
    if hint is Any:
        return Shape(Any, plain)
    if is_dataclass(hint) and isinstance(hint, type):
        inner = event_mirror(hint) if hint.__module__.endswith(".event") else mirror(hint, sparse=sparse)
        return Shape(inner.struct, inner.store, inner.load)
    if get_origin(hint) in (Union, UnionType):
        return _optional(hint, sparse=sparse)
    if get_origin(hint) is tuple:
        return _many(_shape(get_args(hint)[0], sparse=sparse))
    if get_origin(hint) in (Mapping, dict):
        key, value = (_shape(it, sparse=sparse) for it in get_args(hint))
        return _map(key, value)
    return Shape(hint)


def _optional(hint: Any, *, sparse: bool) -> Shape:
    some = [it for it in get_args(hint) if it is not NoneType]
    if len(some) != 1:
        raise TypeError(f"only `X | None` can be mirrored, not {hint}")
    inner = _shape(some[0], sparse=sparse)
    return Shape(inner.type | None, inner.store, inner.load)


def _many(inner: Shape) -> Shape:
    return Shape(_TUPLE[inner.type, ...], _each(inner.store), _each(inner.load))


def _each(convert: Convert | None) -> Convert | None:
    if convert is None:
        return None
    return lambda values: tuple(map(convert, values))


def _map(key: Shape, value: Shape) -> Shape:
    shape = _DICT[key.type, value.type]
    if value.store is plain and key.store is None:
        return Shape(shape, plain)
    return Shape(shape, _each_item(key.store, value.store), _each_item(key.load, value.load))


def _each_item(key: Convert | None, value: Convert | None) -> Convert | None:
    if key is None and value is None:
        return None
    name, content = key or _same, value or _same
    return lambda items: {name(it): content(inner) for it, inner in items.items()}


def _same(value: Any) -> Any:
    return value
