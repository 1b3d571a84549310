"""Adds whole blocks to the text of a manifest, each with comments above it, and leaves every other sign of it alone.

It knows places in the text, not what keys mean. What would change anything else is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.errors import ReconcilerError
from reconciler.manifest.findings import Findings
from reconciler.manifest.reader import parse
from reconciler.manifest.stretches import Entry, Stretch, inserted, stretches_of
from reconciler.manifest.writing import Notes, entry, in_flow

_NULLS = ("", "null", "Null", "NULL", "~")
_STEP = 2  # of what `writing` writes

Blocks = Mapping[str, Mapping[str, Any]]


def with_blocks(text: str, path: Sequence[str], blocks: Blocks, notes: Notes) -> str:
    """The text with blocks, by key, in the map at `path`; levels that are missing are put in.

    `notes` are comments by path; between braces there is no place for them. Raises ReconcilerError where it cannot.
    """
    root = stretches_of(text)
    here, above, depth = root, None, 0
    while depth < len(path) and here.entries is not None and path[depth] in here.entries:
        above = here.entries[path[depth]]
        here, depth = above.value, depth + 1
    rest = path[depth:]
    if here.is_bound:
        raise _by_hand(path, "a part of it has an anchor or an alias")
    if here.entries:
        edited = _beside(text, root, here, rest, _Blocks(path, blocks, notes))
    elif above is not None and text[here.begin : here.end].strip() in (*_NULLS, "{}"):
        edited = _instead(text, root, here, above, rest, _Blocks(path, blocks, notes))
    else:
        raise _by_hand(path, "something else stands there")
    expected = _with(parse(text, "", Findings()), path, blocks)
    if parse(edited, "", Findings()) != expected:
        raise _by_hand(path, "it is written in a way that an edit would change elsewhere too")
    return edited


class _Blocks:
    """Blocks on their way into the text."""

    def __init__(self, path: Sequence[str], blocks: Blocks, notes: Notes) -> None:
        self._path = tuple(path)
        self._blocks = blocks
        self._notes = notes

    def lines(self, rest: Sequence[str], indent: int, step: int) -> list[str]:
        """The keys of `rest` below each other, and the blocks inside."""
        heads = [f"{' ' * (indent + depth * step)}{key}:" for depth, key in enumerate(rest)]
        inside = " " * (indent + len(rest) * step)
        found = [
            inside + _indented(line, step)
            for key, block in self._blocks.items()
            for line in entry((*self._path, key), dict(block), self._notes)
        ]
        return heads + found

    def between_braces(self, rest: Sequence[str]) -> str:
        """The same on one line, without the outermost braces."""
        whole: Any = {key: dict(block) for key, block in self._blocks.items()}
        for key in reversed(rest):
            whole = {key: whole}
        return in_flow(whole)[1:-1]


def _indented(line: str, step: int) -> str:
    """A line indented by this text's own step."""
    bare = line.lstrip(" ")
    return " " * ((len(line) - len(bare)) // _STEP * step) + bare


def _beside(text: str, root: Stretch, here: Stretch, rest: Sequence[str], blocks: _Blocks) -> str:
    """Behind the keys of a map; a new section stands at the end of everything."""
    assert here.entries is not None
    if here.has_braces:
        last = list(here.entries.values())[-1]
        at = max(last.end, last.value.end)
        return f"{text[:at]}, {blocks.between_braces(rest)}{text[at:]}"
    lines = blocks.lines(rest, here.indent, root.step)
    return inserted(text, len(text), ["", *lines]) if here is root else inserted(text, here.end, lines)


def _instead(
    text: str, root: Stretch, here: Stretch, above: Entry, rest: Sequence[str], blocks: _Blocks
) -> str:
    """In the place of nothing."""
    if here.in_braces:
        return f"{text[: above.end]} {{{blocks.between_braces(rest)}}}{text[max(here.end, above.end) :]}"
    nothing = max(here.begin, above.end)
    emptied = text[: above.end] + text[nothing:].removeprefix(text[here.begin : here.end])
    return inserted(emptied, above.end, blocks.lines(rest, above.column + root.step, root.step))


def _with(node: Any, path: Sequence[str], blocks: Blocks) -> Any:
    here = node if isinstance(node, Mapping) else {}
    if not path:
        return {**here, **blocks}
    return {**here, path[0]: _with(here.get(path[0]), path[1:], blocks)}


def _by_hand(path: Sequence[str], why: str) -> ReconcilerError:
    place = ".".join(path)
    return ReconcilerError(
        f"nothing can be added to {place} of the manifest: {why}",
        fix=f"write `{path[-1]}:` as a map with a line for each key, then run again",
    )
