"""A manifest as lines: which of them continue what began above, where the sections are, how far each one is indented."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from reconciler.manifest.syntax import with_stand_ins

_STEP = 2
_FLOW_ENDS = ("MappingEndEvent", "SequenceEndEvent")


class Section(NamedTuple):
    """A key of the top level with its value: from the comments above it to its last line."""

    key: str
    begin: int
    key_line: int
    end: int  # behind its last line


class Outline(NamedTuple):
    """What the lines of a text are. `continued` are lines inside a text or brackets, with the line where that began."""

    continued: Mapping[int, int]
    keys: Sequence[tuple[str, int]]

    @classmethod
    def of(cls, lines: Sequence[str]) -> Outline:
        """Reads the lines; nothing is found where the parser finds a mistake."""
        outlining = _Outlining(lines)
        outlining.read()
        return cls(outlining.continued, outlining.keys)

    def sections(self, lines: Sequence[str]) -> list[Section]:
        """The sections in the order of the text; what stands above the first and below the last belongs to none."""
        if not self.keys:
            return []
        starts = [line for _, line in self.keys]
        found: list[Section] = []
        begin = self._head(lines, starts[0])
        for (key, line), following in zip(self.keys, [*starts[1:], len(lines)], strict=True):
            end = self._end(lines, line, following)
            found.append(Section(key, begin, line, end))
            begin = end
        return found

    def _head(self, lines: Sequence[str], first: int) -> int:
        """Where the first section begins: comments belong to the file, but those behind its last blank line."""
        written = [at for at in range(first) if lines[at].strip()]
        start = written[0] if written else first
        parts = [at for at in range(start, first) if _parts(lines[at])]
        return parts[-1] + 1 if parts else first

    def _end(self, lines: Sequence[str], begin: int, limit: int) -> int:
        """Behind the last line that is no blank and no comment in the first column."""
        for at in range(limit - 1, begin, -1):
            if at in self.continued or (lines[at].strip() and not lines[at].startswith(("#", "..."))):
                return at + 1
        return begin + 1


class _Frame:
    """A map or list that is still open."""

    __slots__ = ("in_brackets", "is_map", "line", "wants_key")

    def __init__(self, event: Any, *, in_brackets: bool) -> None:
        self.is_map = self.wants_key = type(event).__name__ == "MappingStartEvent"
        self.in_brackets = in_brackets or bool(event.flow_style)
        self.line: int = event.start_mark.line


class _Outlining:
    """Goes through the parser's events."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.continued: dict[int, int] = {}
        self.keys: list[tuple[str, int]] = []
        self._lines = lines
        self._stack: list[_Frame] = []
        self._translation: Mapping[int, str] = {}

    def read(self) -> None:
        for event in self._events("\n".join(self._lines)):
            name = type(event).__name__
            if name in ("MappingStartEvent", "SequenceStartEvent"):
                outer = bool(self._stack) and self._stack[-1].in_brackets
                self._stack.append(_Frame(event, in_brackets=outer))
            elif name in _FLOW_ENDS:
                frame = self._stack.pop()
                self._node(frame.line, event.end_mark.line if frame.in_brackets else frame.line)
            elif name in ("ScalarEvent", "AliasEvent"):
                self._scalar(event)

    def _events(self, text: str) -> Iterator[Any]:
        from _ruamel_yaml import CParser
        from ruamel.yaml.error import YAMLError

        try:
            events = list(iter(CParser(text).get_event, None))
        except YAMLError:
            text, self._translation = with_stand_ins(text)
            try:
                events = list(iter(CParser(text).get_event, None))
            except YAMLError:
                return
        yield from events

    def _scalar(self, event: Any) -> None:
        begin, end = event.start_mark.line, event.end_mark.line
        if getattr(event, "style", None) in ("|", ">") and event.end_mark.column == 0:
            end -= 1
        if len(self._stack) == 1 and self._stack[0].wants_key and not self._stack[0].in_brackets:
            self.keys.append((event.value.translate(self._translation), begin))
        self._node(begin, end)

    def _node(self, begin: int, end: int) -> None:
        """A key, a value or a member has ended."""
        if self._stack and self._stack[-1].is_map:
            self._stack[-1].wants_key = not self._stack[-1].wants_key
        while end > begin and not self._lines[end].strip():
            end -= 1
        for line in range(begin + 1, end + 1):
            self.continued.setdefault(line, begin)


class _Level(NamedTuple):
    """Something that lines begin with at one column, and the column where they are to begin."""

    column: int
    is_dash: bool
    to: int


class Indenting:
    """Gives every level of a text two columns."""

    def __init__(self, lines: Sequence[str], outline: Outline) -> None:
        self._lines = lines
        self._outline = outline
        self._levels: list[_Level] = []
        self._shifts: dict[int, int] = {}

    def indented(self) -> list[str]:
        """The lines, each where it belongs."""
        comments: list[int] = []
        for at, line in enumerate(self._lines):
            if at in self._outline.continued:
                self._shifts[at] = self._shifts.get(self._outline.continued[at], 0)
            elif not line.strip() or line.lstrip().startswith("#"):
                comments.append(at)
                continue
            else:
                self._shifts[at] = self._place(line) - _column(line)
            for comment in comments:
                self._shifts[comment] = self._beside(_column(self._lines[comment]), at)
            comments.clear()
        for comment in comments:
            self._shifts[comment] = self._beside(_column(self._lines[comment]), None)
        return [_shifted(line, self._shifts[at]) for at, line in enumerate(self._lines)]

    def _place(self, line: str) -> int:
        """The column where a line is to begin; what it opens is remembered."""
        column, text = _column(line), line.strip()
        is_dash = _is_dash(text)
        self._close(column, is_dash)
        to = self._levels[-1].to if self._is_open(column, is_dash) else self._open(column, is_dash)
        inner, place = column, to
        while _is_dash(text):
            rest = text[1:].lstrip()
            gap = len(text) - len(rest)
            inner, place, text = inner + gap, place + gap, rest
            if text and not text.startswith("#"):
                self._levels.append(_Level(inner, _is_dash(text), place))
        return to

    def _close(self, column: int, is_dash: bool) -> None:
        while self._levels and (
            self._levels[-1].column > column
            or (self._levels[-1].column == column and self._levels[-1].is_dash and not is_dash)
        ):
            self._levels.pop()

    def _is_open(self, column: int, is_dash: bool) -> bool:
        return bool(self._levels) and self._levels[-1][:2] == (column, is_dash)

    def _open(self, column: int, is_dash: bool) -> int:
        to = self._levels[-1].to + _STEP if self._levels else 0
        self._levels.append(_Level(column, is_dash, to))
        return to

    def _beside(self, column: int, following: int | None) -> int:
        """How far a comment moves: as the line below it, if that began at the same column, else as what is around it."""
        if following is not None and _column(self._lines[following]) == column:
            return self._shifts[following]
        around = [level for level in self._levels if level.column <= column]
        return around[-1].to - around[-1].column if around else 0


def _parts(line: str) -> bool:
    return not line.strip() or line.startswith(("---", "%"))


def _is_dash(text: str) -> bool:
    return text == "-" or text.startswith("- ")


def _column(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _shifted(line: str, by: int) -> str:
    if not line.strip() or by == 0:
        return line
    return " " * by + line if by > 0 else line[min(-by, _column(line)) :]
