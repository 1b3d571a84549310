"""The language inside `${...}` (interface 1.2): texts to literal parts and references. Knows the grammar, not what exists."""

from __future__ import annotations

import re
from functools import lru_cache

from reconciler.frozen import frozen
from reconciler.model.value import path_text

_OPENING = re.compile(r"\$\$\{|\$\{")
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_STEP = re.compile(
    r"""\.(?P<name>[A-Za-z0-9_-]+)|\[(?:"(?P<double>[^"\]]*)"|'(?P<single>[^'\]]*)'|(?P<inside>[^\[\]"']+))\]"""
)
_NUMBER = re.compile(r"[0-9]{1,9}")
_FALLBACK = ":-"
# Fallbacks may hold references, which may have fallbacks; nobody needs many of those.
_DEEPEST = 20


class ExpressionError(ValueError):
    """A text that is no reference; `fix` says what one looks like."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


@frozen
class Index:
    """`["eu"]` or `[each.key]` behind a key."""

    of: str | Reference


@frozen
class Reference:
    """`${root.step.step["index"]:-fallback}`; `text` is how it was written, braces and all."""

    root: str
    steps: tuple[str | Index, ...]
    text: str
    fallback: Parts | None = None


Parts = tuple[str | Reference, ...]


def refers(text: str) -> bool:
    """Whether a text holds anything of this language."""
    return "${" in text


@lru_cache(maxsize=8192)
def parts_of(text: str, depth: int = 0) -> Parts:
    """The literal parts and references of a text, in order; `$${` is a literal `${`."""
    if depth > _DEEPEST:
        raise ExpressionError("fallbacks are nested too deep")
    parts: list[str | Reference] = []
    literal, at = "", 0
    while found := _OPENING.search(text, at):
        literal += text[at : found.start()]
        if found.group() == "$${":
            literal, at = literal + "${", found.end()
            continue
        end = _closing(text, found.end())
        if literal:
            parts.append(literal)
        parts.append(_reference(text[found.end() : end], text[found.start() : end + 1], depth))
        literal, at = "", end + 1
    literal += text[at:]
    if literal or not parts:
        parts.append(literal)
    return tuple(parts)


def _closing(text: str, start: int) -> int:
    """Where the brace closes; references inside a fallback have braces of their own."""
    depth, at = 1, start
    while depth:
        end = text.find("}", at)
        if end < 0:
            wrong = _short(text[start - 2 :])
            raise ExpressionError(f'the reference "{wrong}" has no closing brace', _LITERAL)
        depth += text.count("${", at, end) - 1
        at = end + 1
    return end


def _reference(inside: str, text: str, depth: int) -> Reference:
    path, marker, fallback = inside.partition(_FALLBACK)
    root, steps = _path(path.strip(), text)
    if not marker:
        return Reference(root, steps, text)
    if root != "env":
        raise ExpressionError(
            f"only env takes a fallback, {_short(text)} has one", "write ${env.NAME:-fallback}"
        )
    return Reference(root, steps, text, parts_of(fallback, depth + 1))


def _path(path: str, text: str) -> tuple[str, tuple[str | Index, ...]]:
    begun = _NAME.match(path)
    if begun is None:
        raise ExpressionError(f"{_short(text)} names nothing", _LITERAL)
    steps: list[str | Index] = []
    at = begun.end()
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            wrong = _short(path[at:])
            raise ExpressionError(f'{_short(text)} cannot be read from "{wrong}" on', _LOOKS_LIKE)
        steps.append(_step(step, text))
        at = step.end()
    return begun.group(), tuple(steps)


_LITERAL = "write ${root.name}, or $${ for a literal ${"
_LOOKS_LIKE = 'a reference looks like ${images.api.ref}, ${applications.w["eu"].id} or ${env.NAME:-fallback}'


def _step(step: re.Match[str], text: str) -> str | Index:
    if (name := step["name"]) is not None:
        return name
    inside = step["inside"]
    if inside is None:
        return Index(step["double"] if step["double"] is not None else step["single"])
    if _NUMBER.fullmatch(inside.strip()):
        return Index(inside.strip())
    root, steps = _path(inside.strip(), text)
    return Index(Reference(root, steps, f"${{{inside.strip()}}}"))


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def written(root: str, key: str, each: str = "", path: tuple[str, ...] = ()) -> str:
    """A reference to a resource as it would be written in full."""
    index = f'["{each}"]' if each else ""
    attribute = f".{path_text(path)}" if path else ""
    return f"${{{root}.{key}{index}{attribute}}}"
