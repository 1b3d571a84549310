"""A change as rows: the smallest true difference of every attribute, in words. Text, Markdown and HTML only dress them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.frozen import frozen
from reconciler.model.plan import PlannedAttribute, PlannedChange
from reconciler.model.value import path_text
from reconciler.render.amounts import ratio
from reconciler.render.harmless import harmless
from reconciler.render.values import SENSITIVE, Wording

_CONTEXT = 24
"""Signs of an unchanged text that are shown on either side of what differs."""
_MANY_LINES = 400
"""Lines beyond which two texts are only counted: comparing them would take longer than reading them."""
_SHORT_LIST = 72
_NO_QUANTITY = re.compile(r"(port|id|version|generation|date|code)$")
_KEYS = ("name", "id", "key", "domain", "port", "path")


@frozen
class Row:
    """One place that differs. A side is "" where nothing stands; `lines` are those of a longer text, each with its sign."""

    how: str
    path: str
    before: str = ""
    after: str = ""
    notes: tuple[str, ...] = ()
    line: int = 0
    lines: tuple[str, ...] = ()

    @property
    def sign(self) -> str:
        """`+`, `-`, or a blank for what changes."""
        return {"added": "+", "removed": "-"}.get(self.how, " ")


def rows_of(change: PlannedChange, wording: Wording, waves: Mapping[str, int]) -> Iterator[Row]:
    """Every place of a resource that differs; `waves` says when an address is dealt with."""
    for attribute in change.attributes:
        yield from attribute_rows(attribute, wording, waves)


def attribute_rows(attribute: PlannedAttribute, wording: Wording, waves: Mapping[str, int]) -> Iterator[Row]:
    """The rows of one attribute: more than one where its value has parts that can be told apart."""
    if attribute.sensitive:
        yield _secret(attribute)
    elif attribute.how == "kept":
        yield _row(attribute, attribute.path, "", wording.shown(attribute.after, attribute.path), how="kept")
    elif attribute.unknown:
        before = "" if attribute.before is None else wording.shown(attribute.before, attribute.path)
        after = known_after(attribute, waves)
        yield _row(attribute, attribute.path, before, after)
    else:
        yield from _Comparison(attribute, wording).rows(attribute.path, attribute.before, attribute.after)


def known_after(attribute: PlannedAttribute, waves: Mapping[str, int]) -> str:
    """What is not known yet, with the step that makes it known."""
    if attribute.known_after:
        wave = waves.get(attribute.known_after, 0)
        step = harmless(attribute.known_after)
        return f"(known after {step}, wave {wave})" if wave else f"(known after {step})"
    return (
        f"(known after apply: {harmless(attribute.expression)})"
        if attribute.expression
        else "(known after apply)"
    )


def _secret(attribute: PlannedAttribute) -> Row:
    sides = {"added": ("", SENSITIVE), "removed": (SENSITIVE, "")}
    before, after = sides.get(attribute.how, ("", "(sensitive, changed)"))
    return _row(attribute, attribute.path, before, after, how=attribute.how)


def _row(
    attribute: PlannedAttribute,
    path: str,
    before: str,
    after: str,
    *,
    how: str = "",
    more: str = "",
    lines: tuple[str, ...] = (),
) -> Row:
    how = how or ("added" if not before else "removed" if not after else "changed")
    notes = tuple(filter(None, (more, _forcing(attribute), harmless(attribute.note))))
    return Row(how, harmless(path), before, after, notes, attribute.source.line, lines)


def _forcing(attribute: PlannedAttribute) -> str:
    if attribute.forces_replacement is None:
        return "may force replacement"
    return "forces replacement" if attribute.forces_replacement else ""


@frozen
class _Comparison:
    """Two known values of one attribute."""

    attribute: PlannedAttribute
    wording: Wording

    def rows(self, path: str, before: Any, after: Any) -> Iterator[Row]:
        path = self.wording.cut(path, len(path))
        if before is None or after is None:
            yield self._one_side(path, before, after)
        elif isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from self._members(path, before, after)
        elif isinstance(before, list | tuple) and isinstance(after, list | tuple):
            yield from self._lists(path, before, after)
        elif isinstance(before, str) and isinstance(after, str) and self._is_long(before, after):
            yield self._texts(path, before, after)
        else:
            shown = self.wording.pair(before, after, path)
            more = ratio(before, after)
            more = "" if more and _NO_QUANTITY.search(path) else more
            yield _row(self.attribute, path, *shown, how="changed", more=more)

    def _one_side(self, path: str, before: Any, after: Any) -> Row:
        sides = ["" if side is None else self.wording.shown(side, path) for side in (before, after)]
        return _row(self.attribute, path, *sides)

    def _is_long(self, *texts: str) -> bool:
        if any("\n" in text.strip() for text in texts):
            return True
        return bool(self.wording.longest) and any(
            len(self.wording.short(text)) > self.wording.longest for text in texts
        )

    def _members(self, path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Row]:
        for key in sorted({*before, *after}, key=str):
            was, becomes = before.get(key), after.get(key)
            if was != becomes or type(was) is not type(becomes):
                inner = path_text((key,))
                yield from self.rows(
                    path + inner if inner.startswith("[") else f"{path}.{inner}", was, becomes
                )

    def _lists(self, path: str, before: Sequence[Any], after: Sequence[Any]) -> Iterator[Row]:
        if key := _shared_key(before, after):
            yield from self._members(
                path, *({str(one[key]): one for one in side} for side in (before, after))
            )
            return
        shown = self.wording.pair(list(before), list(after), path)
        if max(map(len, shown)) <= _SHORT_LIST or not self.wording.longest:
            yield _row(self.attribute, path, *shown, how="changed")
            return
        gone, new = _without(before, after), _without(after, before)
        lines = [f"- {self.wording.shown(one)}" for one in gone] + [
            f"+ {self.wording.shown(one)}" for one in new
        ]
        what = f"({len(before)} members)"
        becomes = f"({len(after)} members)" if lines else "(the same in another order)"
        yield _row(self.attribute, path, what, becomes, how="changed", lines=tuple(lines))

    def _texts(self, path: str, before: str, after: str) -> Row:
        if "\n" in before.strip() or "\n" in after.strip():
            lines = tuple(_line_diff(before, after, self.wording))
            counts = [f"({len(side.splitlines())} lines)" for side in (before, after)]
            return _row(self.attribute, path, *counts, how="changed", lines=lines)
        return _row(self.attribute, path, *_excerpts(before, after, self.wording), how="changed")


def _shared_key(before: Sequence[Any], after: Sequence[Any]) -> str:
    """What tells the members of two lists of objects apart: matched by it, not by position."""
    members = [*before, *after]
    if not members or not all(isinstance(one, Mapping) for one in members):
        return ""
    for key in _KEYS:
        if all(isinstance(one.get(key), str | int) for one in members) and all(
            len({str(one[key]) for one in side}) == len(side) for side in (before, after)
        ):
            return key
    return ""


def _without(some: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    known = {json.dumps(one, sort_keys=True, default=str) for one in others}
    return [one for one in some if json.dumps(one, sort_keys=True, default=str) not in known]


def _line_diff(before: str, after: str, wording: Wording) -> Iterator[str]:
    import difflib  # seldom needed, and every plan would wait for it

    was, becomes = before.splitlines(), after.splitlines()
    start, end = _trimmed(was, becomes)
    changed = was[start : len(was) - end], becomes[start : len(becomes) - end]
    if max(map(len, changed)) > _MANY_LINES:
        yield f"@ line {start + 1}: {len(changed[0]):,} lines become {len(changed[1]):,}"
        return
    context = 1 if wording.longest else 3
    first, last = max(0, start - context), max(0, end - context)
    diff = difflib.unified_diff(
        was[first : len(was) - last], becomes[first : len(becomes) - last], lineterm="", n=context
    )
    for line in diff:
        if line.startswith(("---", "+++")) and len(line) == 4:
            continue
        if line.startswith("@@"):
            yield f"@ line {int(line[4:].split(',')[0].split(' ')[0]) + first}"
        else:
            yield wording.cut(harmless(f"{line[0]} {line[1:]}"), len(line))


def _trimmed(one: Sequence[Any], other: Sequence[Any]) -> tuple[int, int]:
    """How many members two sequences share at the beginning, and how many of the rest at the end."""
    shorter = min(len(one), len(other))
    start = next((at for at in range(shorter) if one[at] != other[at]), shorter)
    rest = shorter - start
    end = next((at for at in range(rest) if one[-1 - at] != other[-1 - at]), rest)
    return start, end


def _excerpts(before: str, after: str, wording: Wording) -> tuple[str, str]:
    """What differs between two long texts, whole words, with a little of what stands around it."""
    start, end = _trimmed(before, after)
    begins = before.rfind(" ", max(0, start - _CONTEXT), start)
    gap = before.find(" ", len(before) - end, len(before) - end + _CONTEXT) if end else -1
    start = begins + 1 if begins >= 0 else start
    end = len(before) - gap if gap >= 0 else end
    return _excerpt(before, start, end, wording), _excerpt(after, start, end, wording)


def _excerpt(text: str, start: int, end: int, wording: Wording) -> str:
    first, last = max(0, start - _CONTEXT), min(len(text), len(text) - end + _CONTEXT)
    part = text[first:last]
    length = ""
    if len(part) > wording.longest:
        part, last, length = part[: wording.longest], 0, f" ({len(text):,} characters)"
    shown = harmless(json.dumps(wording.short(part), ensure_ascii=False)[1:-1])
    return f'"{"…" if first else ""}{shown}{"…" if last < len(text) else ""}"{length}'
