"""Values that are not plain data: they point elsewhere, mix text and pointers, are not known yet, or must never be shown.

Plain values are str, int, float, bool, None, list and dict. A handler's verbs see nothing else but `Secret`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from reconciler.frozen import frozen
from reconciler.model.address import ResourceAddress

Value = Any
Path = tuple[str, ...]
Attributes = Mapping[str, Value]

SENSITIVE = "(sensitive)"


@frozen
class Ref:
    """An output of another resource; makes an edge. `expression` is what the manifest says: `${images.api.ref}`."""

    address: ResourceAddress
    path: Path
    expression: str = ""


@frozen
class TextOf:
    """A value that stands in another resource's text (its name, its class); makes no edge."""

    address: ResourceAddress
    path: Path
    expression: str = ""


@frozen
class Foretold:
    """A fact of another resource's coming change (its generation); takes over that resource's own edges."""

    address: ResourceAddress
    path: Path
    expression: str = ""


Pointer = Ref | TextOf | Foretold


@frozen
class Template:
    """Text with pointers inside; `parts` are texts and pointers in order."""

    parts: tuple[str | Pointer | Unknown | Secret, ...]
    expression: str = ""


@frozen
class Unknown:
    """Not known yet; `until` is the resource whose step makes it known (None: outside this command)."""

    until: ResourceAddress | None
    expression: str = ""


@frozen
class Secret:
    """A value that is never shown; compared by keyed fingerprint, revealed only inside a verb.

    `fingerprint` is `<key id>:<32 hex>`; "" means it could not be compared (no source, or another key).
    """

    fingerprint: str = ""
    _reveal: Callable[[], str] | None = field(default=None, repr=False, compare=False)

    def reveal(self) -> str:
        """The value itself; raises LookupError where no source gave it."""
        if self._reveal is None:
            raise LookupError("the value of this secret is not at hand")
        return self._reveal()

    @property
    def at_hand(self) -> bool:
        """Whether `reveal` will give a value."""
        return self._reveal is not None

    def __str__(self) -> str:
        return SENSITIVE

    def __repr__(self) -> str:
        return SENSITIVE

    @classmethod
    def join(cls, parts: Sequence[str | Secret]) -> Secret:
        """A text with secrets inside is a secret itself; its fingerprint is derived from those of its parts."""
        secrets = [part for part in parts if isinstance(part, Secret)]
        known = all(part.fingerprint for part in secrets)
        fingerprint = _joined_fingerprint(parts, secrets[0]) if known and secrets else ""
        if not all(part.at_hand for part in secrets):
            return cls(fingerprint)
        return cls(
            fingerprint,
            lambda: "".join(part.reveal() if isinstance(part, Secret) else part for part in parts),
        )


def _joined_fingerprint(parts: Sequence[str | Secret], first: Secret) -> str:
    digest = hashlib.sha256()
    for part in parts:
        text = part.fingerprint if isinstance(part, Secret) else part
        digest.update(f"{type(part).__name__}:{len(text)}:{text};".encode())
    return f"{first.fingerprint.partition(':')[0]}:{digest.hexdigest()[:32]}"


def path_text(path: Path) -> str:
    """A path as plans print it: `environment_variables.LOG_LEVEL`, `labels["a.b"]`."""
    text = ""
    for part in path:
        if not part or any(sign in part for sign in '."[] '):
            text += f'["{part}"]'
        else:
            text += f".{part}" if text else part
    return text


def parse_path(text: str) -> Path:
    """The reverse of `path_text`; raises ValueError on unbalanced brackets."""
    parts: list[str] = []
    rest = text
    while rest:
        if rest.startswith('["'):
            inside, closed, rest = rest[2:].partition('"]')
            if not closed:
                raise ValueError(f'"{text}" is no attribute path: a bracket is not closed')
            parts.append(inside)
        else:
            cut = min((at for at in (rest.find("."), rest.find("[")) if at > 0), default=len(rest))
            parts.append(rest[:cut])
            rest = rest[cut:]
        rest = rest.removeprefix(".")
    return tuple(parts)


def at_path(value: Value, path: Path, default: Value = None) -> Value:
    """What stands at a path inside nested mappings."""
    for part in path:
        # A plain dict is told at once; asking what is a Mapping takes longer than the look-up itself.
        if (type(value) is not dict and not isinstance(value, Mapping)) or part not in value:
            return default
        value = value[part]
    return value


def pointers(value: Value) -> Iterator[Pointer]:
    """Every pointer inside a value, in order of appearance."""
    if isinstance(value, Pointer):
        yield value
    elif isinstance(value, Template):
        for part in value.parts:
            if isinstance(part, Pointer):
                yield part
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from pointers(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from pointers(inner)


def unknowns(value: Value) -> Iterator[Unknown]:
    """Every unknown inside a value, in order of appearance."""
    if isinstance(value, Unknown):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from unknowns(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from unknowns(inner)


def is_plain(value: Value) -> bool:
    """Whether a value is fully known and not secret: what may go into JSON as it is."""
    if isinstance(value, Mapping):
        return all(map(is_plain, value.values()))
    if isinstance(value, list | tuple):
        return all(map(is_plain, value))
    return value is None or isinstance(value, str | int | float | bool)
