"""Grows the tree from the parser's events: anchors, aliases and merge keys, within bounds; refuses tags and odd keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from sys import intern
from typing import Any

from reconciler.frozen import frozen
from reconciler.manifest.findings import MOST
from reconciler.manifest.scalars import NULL_BEGINNINGS, as_text, meaning
from reconciler.manifest.tree import Block, Items, Mark, Node, mark_of

DEEPEST = 100
# A billion laughs are ten short lines. What aliases repeat may come to three times what is written, beyond a first portion.
FREE_REPEATS = 100_000
REPEATS_PER_VALUE = 3


class Refusal(Exception):  # noqa: N818 - it is no error of ours, and never leaves the room
    """Something that YAML allows and a manifest does not."""

    def __init__(self, code: str, summary: str, mark: Mark, fix: str = "") -> None:
        super().__init__(summary)
        self.code = code
        self.summary = summary
        self.mark = mark
        self.fix = fix


@frozen
class Twin:
    """A key that stands twice in one map."""

    key: str
    first: Mark
    second: Mark


@frozen
class _Anchored:
    """What an alias repeats: the value, how many values that is, and how deep it goes."""

    value: Node
    spelling: str | None
    size: int
    height: int


class _Frame:
    """A map or list that is still open."""

    __slots__ = ("anchor", "height", "key", "mark", "merged", "merges", "node", "size_before")

    def __init__(self, node: Block | Items, anchor: str | None, size_before: int) -> None:
        self.node = node
        self.anchor = anchor
        self.size_before = size_before
        self.height = 1
        self.key: str | None = None
        self.mark: Mark = 0
        self.merges = False  # the key is `<<`
        self.merged: list[tuple[Node, Mark]] = []


class Builder:
    """One tree in the making; after a refusal `root` is what had grown until then."""

    def __init__(self, translation: Mapping[int, str]) -> None:
        self.root: Node = None
        self.twins: list[Twin] = []
        self._stack: list[_Frame] = []
        self._anchors: dict[str, _Anchored | None] = {}
        self._written = 0
        self._repeated = 0
        self._documents = 0
        self._translation = translation  # of signs that stand in for others, in every scalar

    def grow(self, parser: Any) -> None:
        """Takes every event of a parser."""
        from _ruamel_yaml import (
            AliasEvent,
            DocumentStartEvent,
            MappingEndEvent,
            MappingStartEvent,
            ScalarEvent,
            SequenceEndEvent,
            SequenceStartEvent,
            StreamEndEvent,
        )

        take: dict[type, Callable[[Any], None]] = {
            ScalarEvent: self._scalar,
            MappingStartEvent: partial(self._begin, Block),
            MappingEndEvent: self._ends,
            SequenceStartEvent: partial(self._begin, Items),
            SequenceEndEvent: self._ends,
            AliasEvent: self._alias,
            DocumentStartEvent: self._document,
        }
        next_event, find = parser.get_event, take.get
        while True:
            event = next_event()
            taker = find(type(event))
            if taker is not None:
                taker(event)
            elif type(event) is StreamEndEvent:
                return

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            fix = "keep one document; environments are written under `environments:`"
            raise Refusal("E106", "a second YAML document begins here", _place(event), fix)

    def _scalar(self, event: Any) -> None:
        if event.ctag is not None:
            raise _tag_refusal(event)
        text = event.value.translate(self._translation) if self._translation else event.value
        plain = event.implicit[0]
        frame = self._stack[-1] if self._stack else None
        if frame is not None and frame.key is None and type(frame.node) is Block:
            self._key(frame, text, plain, event)
            return
        self._written += 1
        value = meaning(text) if plain else text
        spelling = None
        if value is not text and as_text(value) != text:
            spelling = text
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(value, spelling, 1, 0)
        self._add(value, event, spelling)

    def _key(self, frame: _Frame, text: str, plain: bool, event: Any) -> None:
        mark = event.start_mark
        if plain and text[:1] in NULL_BEGINNINGS and meaning(text) is None:
            raise Refusal(
                "E105", "a key must be a text, not null", _place(event), "write a name, or quote it"
            )
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(text, None, 1, 0)
        frame.key = intern(text)
        frame.merges = plain and text == "<<"
        frame.mark = mark_of(mark.line, mark.column)

    def _add(self, value: Node, event: Any, spelling: str | None = None) -> None:
        """Puts a value where the parser stands."""
        if not self._stack:
            self.root = value
            return
        frame = self._stack[-1]
        node = frame.node
        if isinstance(node, Items):
            mark = event.start_mark
            node.put(value, mark_of(mark.line, mark.column), spelling)
            return
        key = frame.key
        frame.key = None
        if key is None:
            raise Refusal("E105", "a key must be a text, not a map or a list", _place(event), "write a name")
        if frame.merges:
            frame.merged.append((value, frame.mark))
        elif key in node:
            if len(self.twins) > MOST:
                raise Refusal("E103", "too many keys stand here twice", frame.mark)
            self.twins.append(Twin(key, node.marks[key], frame.mark))
        else:
            node.put(key, value, frame.mark, spelling)

    def _begin(self, made: type[Block | Items], event: Any) -> None:
        if event.ctag is not None:
            raise _tag_refusal(event)
        stack = self._stack
        if len(stack) >= DEEPEST:
            raise _depth_refusal(event)
        self._written += 1
        node = made()
        self._add(node, event)
        anchor = event.anchor
        if anchor is not None:
            self._anchors[anchor] = None
        stack.append(_Frame(node, anchor, self._written + self._repeated))

    def _ends(self, event: Any) -> None:
        stack = self._stack
        frame = stack.pop()
        if frame.merged and isinstance(frame.node, Block):
            self._take_merged(frame.merged, frame.node, event)
        if frame.anchor is not None:
            size = self._written + self._repeated - frame.size_before + 1
            self._anchors[frame.anchor] = _Anchored(frame.node, None, size, frame.height)
        if stack and stack[-1].height <= frame.height:
            stack[-1].height = frame.height + 1

    def _take_merged(self, merged: list[tuple[Node, Mark]], node: Block, event: Any) -> None:
        """A map's own keys win over what it merges, and what is merged first over what comes later."""
        for value, mark in merged:
            for block in value if isinstance(value, Items) else [value]:
                if not isinstance(block, Block):
                    fix = "`<<` takes an alias of a map, or a list of such"
                    raise Refusal("E105", "only maps can be merged", mark, fix)
                self._repeat(len(block), event)
                for key in [key for key in block if key not in node]:
                    node.take(block, key)

    def _deepen(self, height: int, event: Any) -> None:
        """Tells the map or list around how deep it goes now."""
        if len(self._stack) + height > DEEPEST:
            raise _depth_refusal(event)
        if self._stack:
            self._stack[-1].height = max(self._stack[-1].height, height + 1)

    def _alias(self, event: Any) -> None:
        name = event.anchor
        if name not in self._anchors:
            raise Refusal("E105", f'no anchor "&{name}" stands before this alias', _place(event))
        anchored = self._anchors[name]
        if anchored is None:
            raise Refusal("E108", f'the alias "*{name}" stands inside what it repeats', _place(event))
        frame = self._stack[-1] if self._stack else None
        if frame is not None and frame.key is None and type(frame.node) is Block:
            raise Refusal(
                "E105", "a key must be a text, not an alias", _place(event), "write the name itself"
            )
        if frame is None or not frame.merges:
            self._repeat(anchored.size, event)
        self._deepen(anchored.height, event)
        self._add(anchored.value, event, anchored.spelling)

    def _repeat(self, size: int, event: Any) -> None:
        self._repeated += size
        if self._repeated > FREE_REPEATS + REPEATS_PER_VALUE * self._written:
            raise Refusal(
                "E108",
                "the aliases of this file repeat too much",
                _place(event),
                "use fewer aliases of aliases",
            )


def _place(event: Any) -> Mark:
    return mark_of(event.start_mark.line, event.start_mark.column)


def _tag_refusal(event: Any) -> Refusal:
    tag = str(event.ctag).replace("tag:yaml.org,2002:", "!!")
    fix = "quote a scalar to make it a text; other tags have no meaning here"
    return Refusal("E109", f"the tag {tag} is not allowed", _place(event), fix)


def _depth_refusal(event: Any) -> Refusal:
    return Refusal("E108", f"this is nested more than {DEEPEST} levels deep", _place(event))
