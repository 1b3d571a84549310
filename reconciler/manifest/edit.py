"""Writes one value into the text of a manifest and leaves every other sign of it alone: comments, quotes, order, layout.

It knows places in the text, not what keys mean. An edit that would change anything else is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.errors import ReconcilerError
from reconciler.manifest.findings import Findings
from reconciler.manifest.reader import parse
from reconciler.manifest.syntax import with_stand_ins

_STEP = 2
_NULLS = ("null", "Null", "NULL", "~")


@dataclass(slots=True)
class _Entry:
    """A key and its value; `end` is behind the colon."""

    column: int
    end: int
    value: _Stretch


@dataclass(slots=True)
class _Stretch:
    """A value as a stretch of the text. `entries` is None unless it is a map; `in_braces` is said of the map around it."""

    begin: int
    end: int
    in_braces: bool
    is_scalar: bool = False
    is_bound: bool = False  # by an anchor, an alias or a tag: changing it changes more
    entries: dict[str, _Entry] | None = None
    has_braces: bool = False

    @property
    def indent(self) -> int:
        """The column of its keys."""
        return next((entry.column for entry in (self.entries or {}).values()), 0)


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
    root: _Stretch = field(init=False)

    def __post_init__(self) -> None:
        self.root = _stretches(self.text)

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

    def _filled(self, here: _Stretch, entry: _Entry | None, rest: Sequence[str]) -> str:
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

    def _behind(self, entry: _Entry, here: _Stretch, rest: Sequence[str]) -> str:
        """A key with nothing behind it."""
        if here.in_braces or not rest:
            new = self._in_braces(rest) if rest or here.in_braces else self.value
            return f"{self.text[: entry.end]} {new}{self.text[entry.end :]}"
        return self._inserted(entry.end, self._lines(rest, entry.column + self._step()))

    def _added(self, here: _Stretch, rest: Sequence[str]) -> str:
        """A new key behind the others of a map."""
        assert here.entries is not None
        if not here.has_braces:
            return self._inserted(here.end, self._lines(rest, here.indent))
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
        lines = [f"{' ' * (indent + depth * self._step())}{key}:" for depth, key in enumerate(rest)]
        return [*lines[:-1], f"{lines[-1]} {self.value}"]

    def _inserted(self, at: int, lines: Sequence[str]) -> str:
        """New lines behind the one in which `at` lies."""
        line_end = "\r\n" if "\r\n" in self.text else "\n"
        added = line_end.join(lines)
        if not self.text[:at].endswith("\n"):
            found = self.text.find("\n", at)
            if found < 0:
                return f"{self.text}{line_end}{added}{line_end}"
            at = found + 1
        return f"{self.text[:at]}{added}{line_end}{self.text[at:]}"

    def _step(self) -> int:
        """By how much this text indents."""
        for entry in (self.root.entries or {}).values():
            if not entry.value.has_braces and entry.value.indent:
                return entry.value.indent
        return _STEP


def _stretches(text: str) -> _Stretch:
    from _ruamel_yaml import CParser
    from ruamel.yaml.error import YAMLError

    try:
        return _Stretches(CParser(text), {}).root()
    except YAMLError:
        # Inside braces the parser takes colons for signs of its own; the stand-ins have the same length.
        changed, translation = with_stand_ins(text)
        return _Stretches(CParser(changed), translation).root()


class _Stretches:
    """Reads a parser's events as stretches of the text."""

    def __init__(self, parser: Any, translation: Mapping[int, str]) -> None:
        self._events: Iterator[Any] = iter(parser.get_event, None)
        self._translation = translation

    def root(self) -> _Stretch:
        """The whole of the first document."""
        for event in self._events:
            if type(event).__name__ not in ("StreamStartEvent", "DocumentStartEvent"):
                return self._stretch(event, in_braces=False)
        raise AssertionError

    def _stretch(self, event: Any, *, in_braces: bool) -> _Stretch:
        name = type(event).__name__
        begin, end = event.start_mark.index, event.end_mark.index
        is_bound = name == "AliasEvent" or bool(event.anchor or getattr(event, "tag", None))
        found = _Stretch(begin, end, in_braces, name == "ScalarEvent", is_bound)
        if name == "MappingStartEvent":
            self._read_map(event, found)
        elif name == "SequenceStartEvent":
            self._read_list(event, found)
        return found

    def _read_map(self, begun: Any, found: _Stretch) -> None:
        found.entries, found.has_braces = {}, bool(begun.flow_style)
        for key in self._events:
            if type(key).__name__ == "MappingEndEvent":
                found.end = key.end_mark.index if found.has_braces else found.end
                return
            name = self._stretch(key, in_braces=found.has_braces)
            value = self._stretch(next(self._events), in_braces=found.has_braces)
            entry = _Entry(key.start_mark.column, name.end + 1, value)
            found.end = max(entry.end, value.end if value.end > value.begin else 0)
            if name.is_scalar:
                found.entries[key.value.translate(self._translation)] = entry

    def _read_list(self, begun: Any, found: _Stretch) -> None:
        for event in self._events:
            if type(event).__name__ == "SequenceEndEvent":
                found.end = event.end_mark.index if begun.flow_style else found.end
                return
            found.end = self._stretch(event, in_braces=bool(begun.flow_style)).end
