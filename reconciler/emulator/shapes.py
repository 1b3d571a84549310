"""What a body may look like, in a small vocabulary: checks that collect a complaint per field path.

The sentences are ours (the service's are not documented); the form is the service's: `details` by dotted path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from reconciler.emulator.answers import ServiceError

Details = dict[str, str]
Check = Callable[[Any, str, Details], None]


def validate(document: dict[str, Any], check: Check) -> None:
    """Raises VALIDATE_INPUT with every complaint about a body (reference 1.5)."""
    details: Details = {}
    check(document, "", details)
    if details:
        raise ServiceError(400, "VALIDATE_INPUT", details)


def below(path: str, key: str | int) -> str:
    """The path of a field inside a field."""
    return f"{path}.{key}" if path else str(key)


def text(pattern: str = "", wanted: str = "") -> Check:
    """A text, of a certain form if a pattern is given."""
    form = re.compile(pattern)

    def check(value: Any, path: str, details: Details) -> None:
        if not isinstance(value, str):
            details[path] = f"expected a string, received {_kind(value)}"
        elif not form.fullmatch(value) if pattern else False:
            details[path] = f"must be {wanted}"

    return check


def number(minimum: float | None = None, maximum: float | None = None, whole: bool = False) -> Check:
    """A number, whole if wanted, within its bounds."""

    def check(value: Any, path: str, details: Details) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            details[path] = f"expected a number, received {_kind(value)}"
        elif whole and value != int(value):
            details[path] = "must be a whole number"
        elif minimum is not None and value < minimum:
            details[path] = f"must be at least {minimum:g}"
        elif maximum is not None and value > maximum:
            details[path] = f"must be at most {maximum:g}"

    return check


def flag(value: Any, path: str, details: Details) -> None:
    """True or false."""
    if not isinstance(value, bool):
        details[path] = f"expected a boolean, received {_kind(value)}"


def anything(value: Any, path: str, details: Details) -> None:
    """No opinion."""


def one_of(values: Collection[Any]) -> Check:
    """One of a few values."""

    def check(value: Any, path: str, details: Details) -> None:
        if value not in values:
            details[path] = "expected one of " + ", ".join(map(str, values))

    return check


def list_of(item: Check, longest: int | None = None) -> Check:
    """A list whose items all pass."""

    def check(value: Any, path: str, details: Details) -> None:
        if not isinstance(value, list):
            details[path] = f"expected an array, received {_kind(value)}"
            return
        if longest is not None and len(value) > longest:
            details[path] = f"must have at most {longest} items"
        for position, entry in enumerate(value):
            item(entry, below(path, position), details)

    return check


def shape(
    required: dict[str, Check] | None = None,
    optional: dict[str, Check] | None = None,
    closed: bool = False,
) -> Check:
    """An object with its fields; a closed one refuses keys it does not know."""
    known = {**(required or {}), **(optional or {})}

    def check(value: Any, path: str, details: Details) -> None:
        if not isinstance(value, dict):
            details[path or "."] = f"expected an object, received {_kind(value)}"
            return
        for key in required or ():
            if key not in value:
                details[below(path, key)] = "required"
        for key, entry in value.items():
            if key in known:
                known[key](entry, below(path, key), details)
        unknown = [key for key in value if key not in known] if closed else []
        if unknown:
            details[path or "."] = "unrecognized keys: " + ", ".join(f'"{key}"' for key in unknown)

    return check


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), type(value).__name__)
