"""Writes one value into the text of a manifest and leaves every other sign of it alone: comments, quotes, order, layout.

It knows places in the text, not what keys mean. An edit that would change anything else is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.errors import ReconcilerError
from reconciler.manifest.findings import Findings
from reconciler.manifest.reader import parse
from reconciler.manifest.stretches import Entry, Stretch, inserted, stretches_of

_NULLS = ("null", "Null", "NULL", "~")


def with_text_at(text: str, path: Sequence[str], value: str) -> str:
    """The text with `value` at a path of keys, levels that are missing put in. Raises ReconcilerError where it cannot."""
    edited = _Edit(text, path, value).made()
    before = parse(text, "", Findings())
    if parse(edited, "", Findings()) != _with(before, path, value):
        raise _by_hand(path, value, "it is written in a way that an edit would change elsewhere too")
    return edited


def _with(node: Any, path: Sequence[str], value: str) -> Any:
    if not path:
        return value
    here = node if isinstance(node, Mapping) else {}
    return {**here, path[0]: _with(here.get(path[0]), path[1:], value)}


def _by_hand(path: Sequence[str], value: str, why: str) -> ReconcilerError:
    written = ": {".join(path) + f': "{value}"' + "}" * (len(path) - 1)
    return ReconcilerError(
        f"{'.'.join(path)} cannot be written into the manifest: {why}", fix=f"write it by hand: {written}"
    )


@dataclass(slots=True)
class _Edit:
    """One value on its way into a text."""

    text: str
    path: Sequence[str]
    value: str
    root: Stretch = field(init=False)

    def __post_init__(self) -> None:
        self.root = stretches_of(self.text)

    def made(self) -> str:
        """The text after the edit."""
        here, entry = self.root, None
        for depth, key in enumerate(self.path):
            if here.entries is None:
                return self._filled(here, entry, self.path[depth:])
            if here.is_bound:
                raise _by_hand(self.path, self.value, "a part of it has an anchor or an alias")
            entry = here.entries.get(key)
            if entry is None:
                return self._added(here, self.path[depth:])
            here = entry.value
        return self._filled(here, entry, ())

    def _filled(self, here: Stretch, entry: Entry | None, rest: Sequence[str]) -> str:
        """Puts the rest in the place of a scalar, or of nothing."""
        written = self.text[here.begin : here.end]
        if entry is None or not here.is_scalar or here.is_bound:
            raise _by_hand(self.path, self.value, "something else stands there")
        if not written.strip():
            return self._behind(entry, here, rest)
        if rest and written not in _NULLS:
            raise _by_hand(self.path, self.value, "something else stands there")
        quote = written[0] if written[0] in "'\"" else '"' if here.in_braces else ""
        new = self._in_braces(rest) if rest else f"{quote}{self.value}{quote}"
        return self.text[: here.begin] + new + self.text[here.end :]

    def _behind(self, entry: Entry, here: Stretch, rest: Sequence[str]) -> str:
        """A key with nothing behind it."""
        if here.in_braces or not rest:
            new = self._in_braces(rest) if rest or here.in_braces else self.value
            return f"{self.text[: entry.end]} {new}{self.text[entry.end :]}"
        return inserted(self.text, entry.end, self._lines(rest, entry.column + self.root.step))

    def _added(self, here: Stretch, rest: Sequence[str]) -> str:
        """A new key behind the others of a map."""
        assert here.entries is not None
        if not here.has_braces:
            return inserted(self.text, here.end, self._lines(rest, here.indent))
        new = self._in_braces(rest).removeprefix("{").removesuffix("}")
        if not here.entries:
            return self.text[: here.begin + 1] + new + self.text[here.begin + 1 :]
        last = list(here.entries.values())[-1]
        at = max(last.end, last.value.end)
        return f"{self.text[:at]}, {new}{self.text[at:]}"

    def _in_braces(self, rest: Sequence[str]) -> str:
        opened = "".join(f"{{{key}: " for key in rest)
        return f'{opened}"{self.value}"{"}" * len(rest)}'

    def _lines(self, rest: Sequence[str], indent: int) -> list[str]:
        lines = [f"{' ' * (indent + depth * self.root.step)}{key}:" for depth, key in enumerate(rest)]
        return [*lines[:-1], f"{lines[-1]} {self.value}"]
