"""Values: classes of annotated fields that are compared, hashed and printed by them, and that nobody changes.

Hundreds of the classes are made when a command starts, and hundreds of thousands of instances in a large plan (ADR 8).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

_Value = TypeVar("_Value")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[_Value]) -> type[_Value]:
    """Makes what `@dataclass(frozen=True, slots=True)` makes, except that only the type checker holds it frozen."""
    made = dataclass(slots=True, eq=False, repr=False)(cls)
    for name, method in _methods(made).items():
        if name not in cls.__dict__:
            setattr(made, name, method)
    return made


def _methods(cls: Any) -> dict[str, Any]:
    """What the standard library would generate and compile for each class anew."""
    compared = attrgetter(*(one.name for one in fields(cls) if one.compare))

    def equals(self: object, other: object) -> Any:
        return compared(self) == compared(other) if other.__class__ is self.__class__ else NotImplemented

    return {"__eq__": equals, "__hash__": lambda self: hash(compared(self)), "__repr__": _shown}


def _shown(self: Any) -> str:
    parts = (f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr)
    return f"{type(self).__qualname__}({', '.join(parts)})"
