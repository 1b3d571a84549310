"""One layout for every manifest: order of sections, indentation, blank lines. What it means and its comments stay.

Works on lines, since comments have no place in a tree. Each step is taken only where the text afterwards parses to the very same
tree and has the very same lines otherwise; a text written in a way that a step does not understand keeps that part of its layout.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reconciler.manifest.findings import Findings
from reconciler.manifest.lines import Indenting, Outline
from reconciler.manifest.reader import parse
from reconciler.manifest.tree import Block, Items

ORDER = (
    "version",
    "project",
    "account_id",
    "state",
    "naming",
    "variables",
    "environments",
    "defaults",
    "check",
    "images",
    "secrets",
    "ssh_public_keys",
    "registries",
    "registry_protocols",
    "workers",
    "applications",
    "deployments",
    "jobs",
    "account",
    "outputs",
    "moved",
    "imports",
)
"""The order of sections: what a manifest is about, what it says of all, what there is to be, what comes of it."""

_OTHER_LINE_ENDS = re.compile("\r(?!\n)|[\x85\u2028\u2029]")


def formatted(text: str) -> str:
    """The text in its layout. Raises ManifestError for one that cannot be read."""
    findings = Findings()
    parse(text, "", findings)
    findings.raise_errors()
    if _OTHER_LINE_ENDS.search(text):
        return text
    line_end = "\r\n" if "\r\n" in text else "\n"
    lines = text.replace("\r\n", "\n").split("\n")
    for step in (_indented, _ordered, _spaced):
        lines = _taken(step, lines)
    return line_end.join(lines)


def _taken(step: Callable[[list[str]], list[str]], lines: list[str]) -> list[str]:
    after = step(lines)
    same_lines = sorted(filter(None, map(str.strip, after))) == sorted(filter(None, map(str.strip, lines)))
    return after if same_lines and _is_same(_tree(after), _tree(lines)) else lines


def _tree(lines: Sequence[str]) -> Any:
    findings = Findings()
    tree = parse("\n".join(lines), "", findings)
    return None if findings.errors else tree


def _is_same(one: Any, other: Any) -> bool:
    """Whether two trees say the same, spelling of scalars included."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Block):
        return one.keys() == other.keys() and all(
            _is_same(one[key], other[key]) and one.spelling(key) == other.spelling(key) for key in one
        )
    if isinstance(one, Items):
        return len(one) == len(other) and all(
            _is_same(one[at], other[at]) and one.spelling(at) == other.spelling(at) for at in range(len(one))
        )
    return bool(one == other)


# the steps


def _indented(lines: list[str]) -> list[str]:
    """Two columns for each level."""
    return Indenting(lines, Outline.of(lines)).indented()


def _ordered(lines: list[str]) -> list[str]:
    """Sections in their order; what stands above a key goes with it."""
    sections = Outline.of(lines).sections(lines)
    if not sections:
        return lines
    places = {key: at for at, key in enumerate(ORDER)}
    ordered = sorted(sections, key=lambda one: places.get(one.key, len(ORDER)))
    moved = [line for one in ordered for line in lines[one.begin : one.end]]
    return [*lines[: sections[0].begin], *moved, *lines[sections[-1].end :]]


def _spaced(lines: list[str]) -> list[str]:
    """No blanks at line ends, at most one blank line, one around each section of several lines, none at the ends."""
    outline = Outline.of(lines)
    sections = outline.sections(lines)
    tidy = _Tidying(lines, outline.continued)
    tidy.take(0, sections[0].begin if sections else 0)
    is_large = False
    for section in sections:
        was_large, is_large = is_large, section.end - section.key_line > 1
        # What stands above the first section may belong to it.
        tidy.take(section.begin, section.end, apart=was_large or (is_large and section is not sections[0]))
    tidy.take(sections[-1].end if sections else 0, len(lines), apart=is_large)
    return [*tidy.made, ""]


class _Tidying:
    """Takes lines over, with no more blank ones than needed."""

    def __init__(self, lines: Sequence[str], continued: Mapping[int, int]) -> None:
        self.made: list[str] = []
        self._lines = lines
        self._continued = continued
        self._has_gap = False

    def take(self, begin: int, end: int, *, apart: bool = False) -> None:
        """The lines from `begin` to before `end`; `apart` keeps them away from what is above."""
        self._has_gap = self._has_gap or apart
        for at in range(begin, end):
            line = self._lines[at] if at in self._continued else self._lines[at].rstrip()
            if not line and at not in self._continued:
                self._has_gap = True
                continue
            if self._has_gap and self.made:
                self.made.append("")
            self._has_gap = False
            self.made.append(line)
