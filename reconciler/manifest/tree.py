"""The manifest as written: plain maps and lists that remember where each key and member stands, and how it was spelled.

A `Block` is a dict and `Items` is a list, so whoever checks or merges them sees plain data; texts, numbers and booleans are
Python's own. Places are packed into one int, since a large manifest has hundreds of thousands of them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.model.diagnostic import Source
from reconciler.model.value import Path

Node = Any  # Block | Items | str | int | float | bool | None
Mark = int

_COLUMNS = 1 << 16
_WIDEST = _COLUMNS - 1
START: Mark = _COLUMNS + 1


def mark_of(line: int, column: int) -> Mark:
    """A place, counted from 0 as the parser does."""
    return (line + 1) * _COLUMNS + (column + 1 if column < _WIDEST else _WIDEST)


def source_of(file: str, mark: Mark) -> Source:
    """A place for people."""
    return Source(file, *divmod(mark, _COLUMNS))


class Block(dict[str, Node]):
    """A map as written; `marks` has the place of every key, `spelled` the text of scalars that Python would print otherwise."""

    __slots__ = ("marks", "spelled")

    def __init__(self) -> None:
        self.marks: dict[str, Mark] = {}
        self.spelled: dict[str, str] | None = None

    def put(self, key: str, value: Node, mark: Mark, spelling: str | None = None) -> None:
        """Sets a key, with its place and spelling."""
        self[key] = value
        self.marks[key] = mark
        if spelling is not None:
            self.spelled = self.spelled or {}
            self.spelled[key] = spelling
        elif self.spelled:
            self.spelled.pop(key, None)

    def take(self, other: Block, key: str) -> None:
        """Sets a key as it stands in another block."""
        self.put(key, other[key], other.marks[key], other.spelling(key))

    def drop(self, key: str) -> None:
        """Removes a key, if it is there."""
        self.pop(key, None)
        self.marks.pop(key, None)

    def spelling(self, key: str) -> str | None:
        """How a scalar was spelled, where that says more than its value."""
        return self.spelled.get(key) if self.spelled else None

    def clone(self) -> Block:
        """A block that can be changed without touching this one; what is inside is shared."""
        twin = Block()
        twin.update(self)
        twin.marks = dict(self.marks)
        twin.spelled = dict(self.spelled) if self.spelled else None
        return twin


class Items(list[Node]):
    """A list as written; `marks` has the place of every member."""

    __slots__ = ("marks", "spelled")

    def __init__(self) -> None:
        self.marks: list[Mark] = []
        self.spelled: dict[int, str] | None = None

    def put(self, value: Node, mark: Mark, spelling: str | None = None) -> None:
        """Appends a member, with its place and spelling."""
        if spelling is not None:
            self.spelled = self.spelled or {}
            self.spelled[len(self)] = spelling
        self.append(value)
        self.marks.append(mark)

    def spelling(self, at: int) -> str | None:
        """How a scalar was spelled, where that says more than its value."""
        return self.spelled.get(at) if self.spelled else None


def mark_at(node: Node, path: Sequence[str | int], default: Mark = START) -> Mark:
    """The place of what stands at a path, or of the nearest thing above it that has one."""
    mark = default
    for part in path:
        if isinstance(node, Block) and isinstance(part, str) and part in node:
            mark = node.marks[part]
            node = node[part]
        elif isinstance(node, Items) and (at := _position(part)) < len(node):
            mark = node.marks[at]
            node = node[at]
        else:
            return mark
    return mark


def _position(part: str | int) -> int:
    """Which member of a list a part of a path names; paths in messages hold texts only."""
    if isinstance(part, int):
        return part
    return int(part) if part.isascii() and part.isdigit() and len(part) < 10 else sys.maxsize


def child(node: Node, key: str) -> Block:
    """The block under a key; an empty one where there is none."""
    inner = node.get(key) if isinstance(node, Block) else None
    return inner if isinstance(inner, Block) else Block()


class Places(Mapping[Path, Source]):
    """Where each attribute of a resource stands; worked out when asked, since hardly any ever is."""

    __slots__ = ("_block", "_file")

    def __init__(self, file: str, block: Block) -> None:
        self._file = file
        self._block = block

    def __getitem__(self, path: Path) -> Source:
        mark = 0
        node: Node = self._block
        for part in path:
            if not isinstance(node, Block) or part not in node:
                raise KeyError(path)
            mark = node.marks[part]
            node = node[part]
        if not mark:
            raise KeyError(path)
        return source_of(self._file, mark)

    def __iter__(self) -> Iterator[Path]:
        stack: list[tuple[Path, Block]] = [((), self._block)]
        while stack:
            above, block = stack.pop()
            for key, inner in block.items():
                yield (*above, key)
                if isinstance(inner, Block):
                    stack.append(((*above, key), inner))

    def __len__(self) -> int:
        return sum(1 for _ in self)
