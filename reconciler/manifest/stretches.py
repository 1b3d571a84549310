"""A manifest's text as stretches: where each key's value begins and ends, so that an edit touches nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.manifest.syntax import with_stand_ins

_STEP = 2


@dataclass(slots=True)
class Entry:
    """A key and its value; `end` is behind the colon."""

    column: int
    end: int
    value: Stretch


@dataclass(slots=True)
class Stretch:
    """A value as a stretch of the text. `entries` is None unless it is a map; `in_braces` is said of the map around it."""

    begin: int
    end: int
    in_braces: bool
    is_scalar: bool = False
    is_bound: bool = False  # by an anchor, an alias or a tag: changing it changes more
    entries: dict[str, Entry] | None = None
    has_braces: bool = False

    @property
    def indent(self) -> int:
        """The column of its keys."""
        return next((entry.column for entry in (self.entries or {}).values()), 0)

    @property
    def step(self) -> int:
        """By how much the maps in it indent."""
        for entry in (self.entries or {}).values():
            if not entry.value.has_braces and entry.value.indent:
                return entry.value.indent
        return _STEP


def inserted(text: str, at: int, lines: Sequence[str]) -> str:
    """The text with new lines behind the one in which `at` lies."""
    line_end = "\r\n" if "\r\n" in text else "\n"
    added = line_end.join(lines)
    if not text[:at].endswith("\n"):
        found = text.find("\n", at)
        if found < 0:
            return f"{text}{line_end}{added}{line_end}"
        at = found + 1
    return f"{text[:at]}{added}{line_end}{text[at:]}"


def stretches_of(text: str) -> Stretch:
    """The whole of the first document."""
    from _ruamel_yaml import CParser
    from ruamel.yaml.error import YAMLError

    try:
        return _Reading(CParser(text), {}).root()
    except YAMLError:
        # Inside braces the parser takes colons for signs of its own; the stand-ins have the same length.
        changed, translation = with_stand_ins(text)
        return _Reading(CParser(changed), translation).root()


class _Reading:
    """Reads a parser's events as stretches of the text."""

    def __init__(self, parser: Any, translation: Mapping[int, str]) -> None:
        self._events: Iterator[Any] = iter(parser.get_event, None)
        self._translation = translation

    def root(self) -> Stretch:
        """The whole of the first document."""
        for event in self._events:
            if type(event).__name__ not in ("StreamStartEvent", "DocumentStartEvent"):
                return self._stretch(event, in_braces=False)
        raise AssertionError

    def _stretch(self, event: Any, *, in_braces: bool) -> Stretch:
        name = type(event).__name__
        begin, end = event.start_mark.index, event.end_mark.index
        is_bound = name == "AliasEvent" or bool(event.anchor or getattr(event, "tag", None))
        found = Stretch(begin, end, in_braces, name == "ScalarEvent", is_bound)
        if name == "MappingStartEvent":
            self._read_map(event, found)
        elif name == "SequenceStartEvent":
            self._read_list(event, found)
        return found

    def _read_map(self, begun: Any, found: Stretch) -> None:
        found.entries, found.has_braces = {}, bool(begun.flow_style)
        for key in self._events:
            if type(key).__name__ == "MappingEndEvent":
                found.end = key.end_mark.index if found.has_braces else found.end
                return
            name = self._stretch(key, in_braces=found.has_braces)
            value = self._stretch(next(self._events), in_braces=found.has_braces)
            entry = Entry(key.start_mark.column, name.end + 1, value)
            found.end = max(entry.end, value.end if value.end > value.begin else 0)
            if name.is_scalar:
                found.entries[key.value.translate(self._translation)] = entry

    def _read_list(self, begun: Any, found: Stretch) -> None:
        for event in self._events:
            if type(event).__name__ == "SequenceEndEvent":
                found.end = event.end_mark.index if begun.flow_style else found.end
                return
            found.end = self._stretch(event, in_braces=bool(begun.flow_style)).end
