"""One block that `import --write` writes: what it says, what stands above it, and how it gives way where it cannot stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from reconciler.cli.import_strangers import Stranger
from reconciler.model.change import Change
from reconciler.model.kind import Kind
from reconciler.model.value import Value, path_text

_WORKER = re.compile(r"\$\{workers\.([a-z0-9_-]+)[^}]*\}")


@dataclass(slots=True)
class Entry:
    """Something that is there, on its way into the manifest."""

    stranger: Stranger
    kind: Kind
    left_out: str = ""  # why it is not written
    _refused: str = ""  # why it is written as somebody else's, under its id
    _said: set[str] = field(default_factory=set)  # keys of `spare` that have to be said
    _ignored: list[str] = field(default_factory=list)

    @property
    def is_external(self) -> bool:
        """Whether it is written as somebody else's."""
        return bool(self._refused or self.stranger.described.why_external)

    def leave_out(self, why: str) -> None:
        """Does not write it."""
        self.left_out = why

    def demote(self, why: str) -> None:
        """Writes it as somebody else's; where that is refused too, not at all."""
        if self._refused:
            self.left_out = f"it cannot be written: {self._refused}"
        else:
            self._refused = why

    def hold(self, change: Change) -> bool:
        """Says or ignores what a plan would change; whether the block is another one now."""
        keys = {one.path[0] for one in change.attributes if self._is_told(one.path)}
        spare = keys & self.stranger.described.spare.keys() - self._said
        self._said |= spare
        paths = [path_text(one.path) for one in change.attributes if self._is_told(one.path)]
        ignored = [] if spare else [path for path in paths if path not in self._ignored]
        self._ignored += ignored
        return not self.is_external and bool(spare or ignored)

    def _is_told(self, path: tuple[str, ...]) -> bool:
        """Whether the service shows it, so that it can be said or left as it is."""
        row = self.kind.attribute(path)
        return row is not None and not (row.computed or row.write_only or row.rides_along)

    def block(self) -> dict[str, Value]:
        """What the manifest says of it, in the order in which the kind documents its keys."""
        stranger, described = self.stranger, self.stranger.described
        if self._refused:
            return {"external": True, "id": stranger.observed.identity}
        said = {key: described.spare[key] for key in self._said}
        block: dict[str, Any] = {**described.block, **said}
        if described.why_external:
            return {**self._name(), "external": True, **block}
        places = {row.path: at for at, row in enumerate(self.kind.attributes)}
        ordered = {key: block[key] for key in sorted(block, key=lambda key: places.get(key, -1))}
        return {**self._name(), **ordered, **({"ignore_changes": self._ignored} if self._ignored else {})}

    def _name(self) -> dict[str, Value]:
        stranger = self.stranger
        by_default = stranger.default_name in ("", stranger.observed.name)
        return {} if by_default or "id" in stranger.described.block else {"name": stranger.observed.name}

    def comments(self) -> list[str]:
        """What a reader has to know of it."""
        if self._refused:
            return [f"it cannot be managed as it is: {self._refused}"]
        described = self.stranger.described
        if described.why_external:
            return [described.why_external, *([described.fix] if described.fix else [])]
        ignored = ", ".join(f"`{one}`" for one in self._ignored)
        told = f"left as it is: {ignored}, of which the service shows what would be sent otherwise from here"
        return [*described.notes, *([told] if ignored else [])]


def unused_workers(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Workers that no other block refers to."""
    entries = list(entries)
    texts = [text for one in entries for text in _texts(one.block())]
    used = {found[1] for text in texts for found in _WORKER.finditer(text)}
    for one in entries:
        if one.kind.name == "worker" and one.stranger.address.key not in used:
            yield one


def _texts(value: Value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
