"""Lines of a given width: two ends, wrapped messages, colours that only repeat what words say."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from reconciler.frozen import frozen

_ASCII = {
    "±": "-/+",
    "»": ">>",
    "×": "x",
    "→": "->",
    "…": "...",
    "÷": "/",
    "–": "-",
    "·": "-",
    "—": "-",
}

_NARROW = re.compile("[ -\u02ff→…–—]*")  # one column each, and all that most plans are made of
_BETWEEN_WORDS = re.compile(r" (?!%)")
_NARROWEST = 24
_LONGEST = 40


def columns(text: str) -> int:
    """How many columns a text takes on a terminal."""
    if text.isascii() or _NARROW.fullmatch(text):
        return len(text)
    return sum(_columns(sign) for sign in text)


def _columns(sign: str) -> int:
    if unicodedata.combining(sign) or unicodedata.category(sign) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def pad(text: str, width: int) -> str:
    """A text with blanks up to a width."""
    return text + " " * (width - columns(text))


def in_ascii(text: str) -> str:
    """A text in plain ASCII: our own signs as they are typed, others written out."""
    for sign, plain in _ASCII.items():
        text = text.replace(sign, plain)
    return text.encode("ascii", "backslashreplace").decode()


@frozen
class Page:
    """Something to write lines on; `ascii`: signs of ours are measured and written as they are typed."""

    width: int = 100
    colour: bool = False
    ascii: bool = False

    def typed(self, text: str) -> str:
        """A text in the signs that may stand on this page."""
        return in_ascii(text) if self.ascii else text

    def paint(self, text: str, code: str) -> str:
        """A text in a colour, where colours are welcome."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code and text else text

    def fits(self, left: str, right: str = "") -> bool:
        """Whether two ends have room on one line."""
        left, right = self.typed(left), self.typed(right)
        return columns(left) + (columns(right) + 2 if right else 0) <= self.width

    def spread(self, left: str, right: str, code: str = "", painted: int = 0) -> str:
        """Two ends of a line; the first `painted` signs (0: all) of the left one get the colour."""
        head, rest = (
            self.typed(left[:painted] if painted else left),
            self.typed(left[painted:]) if painted else "",
        )
        right = self.typed(right)
        shown = f"{self.paint(head, code)}{rest}"
        room = max(2, self.width - columns(head) - columns(rest) - columns(right))
        return f"{shown}{' ' * room}{right}" if right else shown

    def ended(self, lines: Iterator[str], right: str) -> Iterator[str]:
        """Lines whose last one has something at its right end, below it where there is no room."""
        *firsts, last = lines
        yield from firsts
        if not right or self.fits(last, right):
            yield self.spread(last, right)
        else:
            yield last
            yield self.spread("", right)

    def wrap(self, text: str, indent: int, first: str | None = None) -> Iterator[str]:
        """A message in as many lines as it needs; the first one begins with `first`, the others are indented."""
        text = self.typed(text)
        line = " " * indent if first is None else self.typed(first)
        room = max(self.width - indent, _NARROWEST)
        if len(text) > _LONGEST * room:  # nobody reads it line by line: the terminal may break it
            yield line + text
            return
        begun, used = len(line), columns(line)
        for word in _pieces(text, room):
            length = columns(word)
            if used + 1 + length > self.width and line.strip() and (len(line) > begun or used > indent):
                yield line.rstrip()
                line, begun, used = " " * indent, indent, indent
            between = " " if len(line) > begun else ""
            line += between + word
            used += length + len(between)
        yield line.rstrip()


def _pieces(text: str, room: int) -> Iterator[str]:
    """The words of a text; one that fits on no line is broken."""
    for word in _BETWEEN_WORDS.split(text):
        if columns(word) <= room:
            yield word
        else:
            step = room if word.isascii() else room // 2
            yield from (word[at : at + step] for at in range(0, len(word), step))
