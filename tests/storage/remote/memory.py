"""A shelf in memory with a clock of its own, faults on demand, and a note of every write."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.errors import UnavailableError
from reconciler.storage.identity import Identity
from reconciler.storage.lock import Holder
from reconciler.storage.remote.lease import Timing
from reconciler.storage.remote.shelf import Item, LockedError, TakenError, check_conditions
from reconciler.storage.remote.store import RemoteStore
from tests.storage import samples


@dataclass
class Clock:
    """Time that passes only when somebody sleeps."""

    now: float = 1_000_000.0
    slept: float = 0.0
    meanwhile: list[Callable[[], object]] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds
        for happens in self.meanwhile:
            happens()

    def timing(self, ahead: float = 0.0) -> Timing:
        """`ahead`: by how much a machine's own clock differs; it is a steady one all the same."""
        return Timing(lambda: self.now + ahead, self.sleep, beats=False)


@dataclass
class MemoryShelf:
    clock: Clock = field(default_factory=Clock)
    items: dict[str, Item] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    faults: list[str] = field(
        default_factory=list
    )  # `before`, `after`, or empty for none: one for each request
    lies: bool = False
    lock: tuple[str, Holder, str] | None = None
    has_lock: bool = False

    def describe(self) -> str:
        return "memory://shop/default"

    def get(self, name: str) -> Item | None:
        self._fault("before")
        return self.items.get(name)

    def create(self, name: str, data: bytes) -> str:
        return self._write(name, data, None)

    def replace(self, name: str, data: bytes, tag: str) -> str:
        return self._write(name, data, tag)

    def remove(self, names: Iterable[str]) -> None:
        self._fault("before")
        for name in names:
            self.items.pop(name, None)

    def names(self, under: str) -> list[str]:
        self._fault("before")
        return [name for name in self.items if name.startswith(under)]

    def now(self) -> float:
        return self.clock.now

    def probe(self) -> None:
        check_conditions(self)

    def enter(self, ticket: str, holder: Holder, told: str) -> None:
        if not self.has_lock:
            return
        if self.lock is not None:
            raise LockedError(self.lock[0], self.lock[1].user, self.lock[2])
        self.lock = (ticket, holder, told)

    def leave(self, ticket: str) -> None:
        if self.lock is not None and self.lock[0] == ticket:
            self.lock = None

    def _write(self, name: str, data: bytes, tag: str | None) -> str:
        kind = self.faults.pop(0) if self.faults else ""
        if kind == "before":
            raise UnavailableError("no answer", sent=True)
        there = self.items.get(name)
        if not self.lies and (there.tag if there else None) != tag:
            raise TakenError
        made = f"tag-{len(self.writes)}"
        self.items[name] = Item(data, made, float(int(self.clock.now)))
        self.writes.append(name)
        if kind == "after":
            raise UnavailableError("no answer", sent=True)
        return made

    def _fault(self, kind: str) -> None:
        if self.faults and self.faults.pop(0) == kind:
            raise UnavailableError("no answer", sent=True)


def store(shelf: MemoryShelf, identity: Identity = samples.SHOP, **other: Any) -> RemoteStore:
    other.setdefault("timing", shelf.clock.timing())
    return RemoteStore("memory", shelf, identity, now=lambda: samples.NOW, **other)


def damage(shelf: MemoryShelf, name: str, change: Callable[[bytes], bytes]) -> None:
    item = shelf.items[name]
    shelf.items[name] = replace(item, data=change(item.data))
