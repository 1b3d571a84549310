"""Everything there is, by kind and account, with a memory of the last minute and of what is due later.

Knows no resource: the operations decide what an object means. One thread only (the server's) may write.
"""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import msgspec

from reconciler.emulator.clock import Clock
from reconciler.emulator.ledger import Entry, Ledger
from reconciler.emulator.settings import Settings
from reconciler.emulator.store import Key, Store

REMEMBERED_SECONDS = 60.0
AGENDA = "_agenda"

Object = dict[str, Any]
Settler = Callable[["World", str, str, float], None]
Describer = Callable[["World", str, str], Object]
Watcher = Callable[["World", str, str], None]


class Stored:
    """One object as a value and as JSON, each worked out from the other when first asked for. Never changed."""

    __slots__ = ("_encoded", "_value")

    def __init__(self, value: Object | None = None, encoded: bytes | None = None) -> None:
        self._value = value
        self._encoded = encoded

    @property
    def value(self) -> Object:
        """The object. Whoever changes it, changes history: make a new one and `put` that."""
        if self._value is None:
            self._value = msgspec.json.decode(self._encoded or b"{}")
        assert self._value is not None
        return self._value

    @property
    def encoded(self) -> bytes:
        """The object as JSON."""
        if self._encoded is None:
            self._encoded = msgspec.json.encode(self._value)
        return self._encoded


Table = dict[str, Stored]
Index = dict[Any, dict[str, None]]


class World:
    """The objects of every account, their ledger, clock and settings.

    A kind whose name begins with `_` is bookkeeping: kept and remembered like the others, but neither shown by
    `GET /emulator/world` nor noted in the ledger. `data=None` keeps the world in memory only.

    Work as follows: read with `get`, `all`, `encoded`; build a *new* dict; `put` it. Within one request all of it
    is one transaction, written just before the answer leaves.
    """

    def __init__(
        self,
        data: Path | None = None,
        source: Callable[[], float] = time.time,
        settings: Settings | None = None,
    ) -> None:
        self.data = data
        self.clock = Clock(source)
        self.settings = settings or Settings()
        self.entry: Entry | None = None
        """The ledger entry of the request under way; None while the world settles by itself."""
        self._tables: dict[tuple[str, str], Table] = {}
        self._past: deque[tuple[float, Key, Stored | None]] = deque()
        self._due: list[tuple[float, str, str, str]] = []
        self._settlers: dict[str, Settler] = {}
        self._describers: dict[str, Describer] = {}
        self._watchers: dict[str, Watcher] = {}
        self._indexes: dict[tuple[str, str], dict[str, Index]] = {}
        self.on_clear: list[Callable[[], None]] = []
        """Called when the world is emptied, for what is kept beside it (the registry's blobs)."""
        self.on_settings: list[Callable[[World], None]] = []
        """Called when the settings have changed, for what was worked out from them."""
        self._unsaved: dict[Key, Stored | None] = {}
        self._store = Store(data) if data else None
        self.ledger = Ledger(self._store)
        if self._store:
            self._load(self._store)

    # Reading

    def get(self, kind: str, account: str, id: str) -> Object | None:  # noqa: A002 - everybody's word for it
        """The object, or None. Do not change it: `put` a new one."""
        stored = self._tables.get((kind, account), {}).get(id)
        return stored.value if stored else None

    def has(self, kind: str, account: str, id: str) -> bool:  # noqa: A002
        """Whether there is such an object."""
        return id in self._tables.get((kind, account), {})

    def all(self, kind: str, account: str) -> list[Object]:
        """The objects of a kind, in the order of their creation."""
        return [stored.value for stored in self._tables.get((kind, account), {}).values()]

    def ids(self, kind: str, account: str) -> list[str]:
        """The ids of a kind, in the order of creation."""
        return list(self._tables.get((kind, account), {}))

    def encoded(self, kind: str, account: str, id: str) -> bytes | None:  # noqa: A002
        """The object as JSON; encoded once."""
        stored = self._tables.get((kind, account), {}).get(id)
        return stored.encoded if stored else None

    def encoded_all(self, kind: str, account: str) -> list[bytes]:
        """The objects of a kind as JSON, each encoded once however often it is listed."""
        return [stored.encoded for stored in self._tables.get((kind, account), {}).values()]

    def where(self, kind: str, account: str, path: str, value: Any) -> list[Object]:
        """The objects whose field at the dotted path has this value; found by an index, not by a search."""
        indexes = self._indexes.setdefault((kind, account), {})
        if path not in indexes:
            index: Index = {}
            for id_, stored in self._tables.get((kind, account), {}).items():
                index.setdefault(_at(stored.value, path), {})[id_] = None
            indexes[path] = index
        table = self._tables.get((kind, account), {})
        return [table[id_].value for id_ in indexes[path].get(value, ())]

    def visible(self) -> Iterator[tuple[str, str, str, Object]]:
        """Every object that is no bookkeeping, as (kind, account, id, object)."""
        for (kind, account), table in self._tables.items():
            if not kind.startswith("_"):
                yield from ((kind, account, id_, stored.value) for id_, stored in table.items())

    def describe(self, kind: str, account: str, id: str) -> Object:  # noqa: A002
        """What `GET /emulator/world` shows of an object beside itself: what an application's instances run."""
        describer = self._describers.get(kind)
        return describer(self, account, id) if describer else {}

    def on_describe(self, kind: str, describer: Describer) -> None:
        """Registers what else is to be shown of the objects of a kind."""
        self._describers[kind] = describer

    def on_change(self, kind: str, watcher: Watcher) -> None:
        """Registers what follows when an object of that kind was put or removed: `watcher(world, account, id)`."""
        self._watchers[kind] = watcher

    # Writing

    def put(
        self,
        kind: str,
        account: str,
        id: str,  # noqa: A002
        value: Object,
        at: float | None = None,
        verb: str = "",
    ) -> None:
        """Creates or replaces an object and notes it in the ledger, as `verb` where that says it better.

        `at` is the moment from which on it is so, where that is not now: something fell due earlier.
        """
        table = self._tables.setdefault((kind, account), {})
        before = table.get(id)
        table[id] = after = Stored(value)
        self._replaced((kind, account, id), before, after, at)
        self.note(verb or ("changed" if before else "created"), kind, id, value)

    def remove(self, kind: str, account: str, id: str, at: float | None = None) -> Object | None:  # noqa: A002
        """Removes an object, notes it, and returns what it was."""
        before = self._tables.get((kind, account), {}).pop(id, None)
        if before is None:
            return None
        self._replaced((kind, account, id), before, None, at)
        self.note("deleted", kind, id, before.value)
        return before.value

    def note(self, verb: str, kind: str, id: str, value: Object) -> None:  # noqa: A002
        """Notes `created`, `changed` or `deleted` in the ledger entry of the request under way.

        `put` and `remove` do it by themselves. Call it only where request and effect lie apart: a DELETE that
        takes time notes `deleted` itself, and the removal that falls due later is nobody's request.
        """
        if self.entry is not None and not kind.startswith("_"):
            self.entry.note(verb, kind, id, str(value.get("name", id)))

    def clear(self) -> None:
        """Back to empty; clock, settings and ledger stay."""
        for (kind, account), table in self._tables.items():
            self._unsaved.update(dict.fromkeys(((kind, account, id_) for id_ in table), None))
        self._tables.clear()
        self._past.clear()
        self._due.clear()
        self._indexes.clear()
        for empty in self.on_clear:
            empty()

    # Time

    def as_of(self, moment: float) -> World:
        """The world as it was at that moment, at most a minute ago; reading only."""
        return _PastWorld(self, moment)

    def on_due(self, kind: str, settler: Settler) -> None:
        """Registers what to do when an object of that kind falls due: `settler(world, account, id, at)`."""
        self._settlers[kind] = settler

    def schedule(self, kind: str, account: str, id: str, due: float | None) -> None:  # noqa: A002
        """Asks for the kind's settler to be called for this object once `due` has come; None calls it off.

        One appointment per object: a new one replaces the old. Appointments outlive the process.
        """
        agenda = f"{kind}/{id}"
        if due is None:
            self.remove(AGENDA, account, agenda)
            return
        self.put(AGENDA, account, agenda, {"kind": kind, "id": id, "due": due})
        heapq.heappush(self._due, (due, account, kind, id))

    def settle(self) -> None:
        """Lets everything happen that has fallen due, in its order; belongs to no request in the ledger."""
        now = self.clock.now()
        entry, self.entry = self.entry, None
        while self._due and self._due[0][0] <= now:
            due, account, kind, id_ = heapq.heappop(self._due)
            appointment = self.get(AGENDA, account, f"{kind}/{id_}")
            if appointment is None or appointment["due"] != due:
                continue
            self.remove(AGENDA, account, f"{kind}/{id_}", at=due)
            self._settlers[kind](self, account, id_, due)
        self.entry = entry

    # Outliving the process

    def commit(self) -> None:
        """Writes what has changed, with the ledger entry of the request under way, in one transaction."""
        if self._store is None:
            self._unsaved.clear()
            return
        objects = {key: stored.encoded if stored else None for key, stored in self._unsaved.items()}
        entries = [(self.entry.n, msgspec.json.encode(self.entry))] if self.entry else []
        self._unsaved.clear()
        self._store.save(objects, entries)

    def save_clock(self) -> None:
        """Writes where the clock stands; it goes on from there in the next process."""
        if self._store:
            self._store.save({}, meta=[("clock", msgspec.json.encode(self.clock.anchor))])

    def close(self) -> None:
        """Writes what is left and lets go of the data folder."""
        if self._store is None:
            return
        self.commit()
        self.save_clock()
        self._store.close()
        self._store = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _load(self, store: Store) -> None:
        for kind, account, id_, value in store.objects():
            self._tables.setdefault((kind, account), {})[id_] = Stored(encoded=value)
            if kind == AGENDA:
                appointment = msgspec.json.decode(value)
                self._due.append((appointment["due"], account, appointment["kind"], appointment["id"]))
        heapq.heapify(self._due)
        anchor = store.meta("clock")
        if anchor:
            self.clock.anchor = msgspec.json.decode(anchor, type=tuple[float, float, float])

    def _replaced(self, key: Key, before: Stored | None, after: Stored | None, at: float | None) -> None:
        now = self.clock.now()
        self._past.append((now if at is None else at, key, before))
        while self._past and self._past[0][0] < now - REMEMBERED_SECONDS:
            self._past.popleft()
        self._unsaved[key] = after
        kind, account, id_ = key
        for path, index in self._indexes.get((kind, account), {}).items():
            if before is not None:
                index[_at(before.value, path)].pop(id_, None)
            if after is not None:
                index.setdefault(_at(after.value, path), {})[id_] = None
        if kind in self._watchers:
            self._watchers[kind](self, account, id_)


class _PastWorld(World):
    """A world with everything undone that happened after a moment."""

    def __init__(self, world: World, moment: float) -> None:
        self.data = world.data
        self.settings = world.settings
        self.clock = Clock(lambda: moment)
        self.entry = None
        self.ledger = world.ledger
        self._describers = world._describers
        self._indexes = {}
        self._tables = dict(world._tables)
        copied: set[tuple[str, str]] = set()
        for at, (kind, account, id_), before in reversed(world._past):
            if at <= moment:
                continue
            if (kind, account) not in copied:
                copied.add((kind, account))
                self._tables[kind, account] = dict(self._tables.get((kind, account), {}))
            table = self._tables[kind, account]
            if before is None:
                table.pop(id_, None)
            else:
                table[id_] = before

    def _replaced(self, key: Key, *_: object) -> None:
        raise RuntimeError(f"the past cannot be changed: {key}")


def _at(value: Any, path: str) -> Any:
    for key in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value
