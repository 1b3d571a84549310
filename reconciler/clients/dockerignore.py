"""What `.dockerignore` leaves out of a build context, decided as BuildKit decides it.

Pure: knows patterns and paths, opens nothing. Paths are relative and written with `/`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from itertools import groupby

from reconciler.errors import ReconcilerError
from reconciler.frozen import frozen

Matched = tuple[bool, ...]
"""Which runs of patterns have matched a folder or one above it."""

_WILD = re.compile(r"[*?\[\\]")


@frozen
class _Pattern:
    text: str
    brings_back: bool
    expression: str

    @property
    def fixed(self) -> tuple[tuple[str, ...], bool]:
        """The folders it begins with, up to the first that is a pattern; and whether that is all of it."""
        parts = self.text.split("/")
        plain = next((number for number, part in enumerate(parts) if _WILD.search(part)), len(parts))
        return tuple(parts[:plain]), plain == len(parts)


@frozen
class _Run:
    """Patterns in a row that all leave out, or all bring back: of these, it does not matter which one matches."""

    brings_back: bool
    matches: Callable[[str], object]


@frozen
class IgnoreRules:
    """The rules of one file; without any, everything is sent.

    A path is judged after the folder above it: `look` gives what its children have to be judged with.
    """

    runs: tuple[_Run, ...] = ()
    returning: tuple[tuple[tuple[str, ...], bool], ...] = ()

    @classmethod
    def parse(cls, text: str, name: str = ".dockerignore") -> IgnoreRules:
        """Reads a file; ReconcilerError names the line of a pattern that nobody can understand."""
        patterns = list(_patterns(text, name))
        runs = [
            _Run(back, re.compile("|".join(one.expression for one in run), re.DOTALL).fullmatch)
            for back, run in groupby(patterns, key=lambda one: one.brings_back)
        ]
        return cls(tuple(runs), tuple(one.fixed for one in patterns if one.brings_back))

    @property
    def at_top(self) -> Matched:
        """What paths at the top of the context are judged with."""
        return (False,) * len(self.runs)

    def look(self, path: str, above: Matched) -> tuple[bool, Matched]:
        """Whether a path is left out, and what is to be known of it below."""
        is_left_out, matched = False, []
        for run, is_matched_above in zip(self.runs, above, strict=True):
            # A run that could not alter the verdict is not asked, and not remembered either, as in BuildKit.
            is_asked = run.brings_back == is_left_out
            is_match = is_matched_above or (is_asked and run.matches(path) is not None)
            if is_match:
                is_left_out = not run.brings_back
            matched.append(is_match)
        return is_left_out, tuple(matched)

    def may_return(self, folder: str) -> bool:
        """Whether something below a folder that is left out may be brought back; if not, nobody need look."""
        parts = tuple(folder.split("/"))
        return any(_leads_into(parts, fixed, is_whole) for fixed, is_whole in self.returning)

    def leaves_out(self, path: str) -> bool:
        """Whether a path is left out."""
        verdict, matched = False, self.at_top
        for end in (*(found.start() for found in re.finditer("/", path)), len(path)):
            verdict, matched = self.look(path[:end], matched)
        return verdict


def _leads_into(folder: tuple[str, ...], fixed: tuple[str, ...], is_whole: bool) -> bool:
    if len(folder) < len(fixed):
        return fixed[: len(folder)] == folder
    return not is_whole and folder[: len(fixed)] == fixed


def _patterns(text: str, name: str) -> Iterator[_Pattern]:
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        written = line.strip()
        if line.startswith("#") or not written:
            continue
        brings_back = written.startswith("!")
        pattern = _cleaned(written[1:].strip() if brings_back else written)
        if pattern:
            yield _Pattern(pattern, brings_back, _expression(pattern, f"{name}:{number}: {written}"))
        elif brings_back:
            raise _misread(f"{name}:{number}: {written}")


def _cleaned(pattern: str) -> str:
    """The shortest form of a path; a leading `/` means nothing, since everything is relative to the context."""
    return posixpath.normpath(pattern).lstrip("/") if pattern else ""


def _expression(pattern: str, where: str) -> str:
    """A pattern as a regular expression that a path must match as a whole."""
    found, at = "", 0
    if pattern.startswith("**") and not _WILD.search(pattern[2:]) and not pattern.startswith("**/"):
        return f".*{re.escape(pattern[2:])}"
    while at < len(pattern):
        sign, rest = pattern[at], pattern[at + 1 :]
        if pattern.startswith("**", at):
            at += 3 if rest[1:2] == "/" else 2
            piece = "(?:.*/)?" if at < len(pattern) else ".*"
            found += "" if found.endswith(piece) else piece  # twice is once, and would take long to find out
            continue
        if sign == "[":
            taken, piece = _class(pattern[at:], where)
            at, found = at + taken, found + piece
            continue
        if sign == "\\":
            if not rest:
                raise _misread(where)
            sign, at = rest[0], at + 1
            found += re.escape(sign)
        else:
            found += {"*": "[^/]*", "?": "[^/]"}.get(sign) or re.escape(sign)
        at += 1
    return found


_CLASS = re.compile(r"\[(\^?)((?:\\.|[^\\\]])+)\]", re.DOTALL)
_RANGE = re.compile(r"(\\.|[^\\-])(?:-(\\.|[^\\-]))?", re.DOTALL)


def _class(text: str, where: str) -> tuple[int, str]:
    """A set of signs as in `[a-z]`, with how many signs of the pattern it takes."""
    whole = _CLASS.match(text)
    if whole is None:
        raise _misread(where)
    pieces, at = "", 0
    while at < len(whole[2]):
        piece = _RANGE.match(whole[2], at)
        if piece is None or (piece[2] and piece[1][-1] > piece[2][-1]):
            raise _misread(where)
        pieces += "-".join(re.escape(end[-1]) for end in piece.groups() if end)
        at = piece.end()
    return whole.end(), f"[{whole[1]}{pieces}]"


def _misread(where: str) -> ReconcilerError:
    return ReconcilerError(f"{where} is no pattern", fix="correct the line, or remove it")
