"""A shelf on a server that speaks Terraform's state protocol, as GitLab does: one document, GET, POST, and a lock.

There is no append and no condition there. So all documents stand in the one that is posted, under the server's lock, which is
taken for as long as the lease; a version waits for the head that names it.
"""

from __future__ import annotations

import hashlib
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import uuid4

import msgspec

from reconciler.errors import DamagedStateError, StateError, UnavailableError
from reconciler.storage.lock import Holder
from reconciler.storage.remote.door import Door, Reply
from reconciler.storage.remote.head import HEAD_NAME, JOURNAL
from reconciler.storage.remote.shelf import Item, LockedError, TakenError

KEPT_VERSIONS = 10
_FORMAT = "1.0"
_MOST_BYTES = 1 << 28
_LOCKED = (423, 409)


class _Posted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The document. `serial` rises with every POST, since GitLab takes none twice; `written_at` is the server's time."""

    format_version: str
    serial: int
    lineage: str
    written_at: float
    reconciler: dict[str, bytes]  # by name, compressed


class _LockInfo(msgspec.Struct, frozen=True):
    """What Terraform's protocol says about a lock."""

    ID: str = ""
    Operation: str = ""
    Info: str = ""
    Who: str = ""
    Version: str = ""
    Created: str = ""
    Path: str = ""


class HttpShelf:
    """Documents within one document. A heartbeat may write while a run does: one request at a time."""

    def __init__(self, door: Door, *, steady: Callable[[], float] = time.monotonic) -> None:
        self._door = door
        self._steady = steady
        self._clock: tuple[float, float] | None = None  # the server's time, and ours when it told it
        self._posted: _Posted | None = None
        self._items: dict[str, bytes] = {}  # as they stand in what was posted
        self._staged: dict[str, bytes] = {}  # to be posted with the next head
        self._is_fresh = False
        self._ticket = ""
        self._mutex = threading.RLock()

    def describe(self) -> str:
        """The address."""
        return self._door.address

    def get(self, name: str) -> Item | None:
        """A document; the head is looked up anew unless the lock is ours, the others belong to it."""
        with self._mutex:
            self._refresh(anew=name == HEAD_NAME)
            data = self._staged.get(name, self._items.get(name))
            written_at = self._posted.written_at if self._posted else 0.0
            return None if data is None else Item(data, _tag(data), written_at)

    def create(self, name: str, data: bytes) -> str:
        """Writes a document that is not there yet."""
        return self._write(name, data, "")

    def replace(self, name: str, data: bytes, tag: str) -> str:
        """Writes a document in the place of the one with this tag."""
        return self._write(name, data, tag)

    def remove(self, names: Iterable[str]) -> None:
        """Removes documents; they go with the next POST."""
        with self._mutex:
            for name in names:
                self._items.pop(name, None)

    def names(self, under: str) -> list[str]:
        """The names in a folder, looked up anew unless the lock is ours."""
        with self._mutex:
            self._refresh(anew=True)
            return [name for name in self._items if name.startswith(under)]

    def now(self) -> float:
        """The server's time by its last `Date`; 0 where it tells none, and a lease is then watched for its whole length."""
        if self._clock is None:
            self._refresh()
        if self._clock is None:
            return 0.0
        told, at = self._clock
        return told + self._steady() - at

    def probe(self) -> None:
        """Raises StateError for a server that gives its lock to two."""
        another = _LockInfo(ID=uuid4().hex, Operation="probe", Who="reconciler")
        reply = self._noted(self._door.lock(msgspec.json.encode(another)))
        if reply.status in _LOCKED:
            return
        self._noted(self._door.unlock(msgspec.json.encode(another)))
        raise StateError(
            f"{self.describe()} gives its lock to two at once (it answered {reply.status}), so two runs could"
            " overwrite each other's state",
            fix="use a server that keeps a lock, such as GitLab, or another `backend`",
        )

    def enter(self, ticket: str, holder: Holder, told: str) -> None:
        """Takes the server's lock, and reads the document under it."""
        info = _LockInfo(
            ID=ticket,
            Operation=holder.command,
            Info=told,
            Who=f"{holder.user}@{holder.host}",
            Version="reconciler",
            Created=holder.since,
        )
        reply = self._noted(self._door.lock(msgspec.json.encode(info)))
        if reply.status in _LOCKED:
            held = _lock_info(reply.body)
            if ticket != held.ID:  # else it was taken by a request whose answer was lost
                raise LockedError(held.ID, held.Who or "somebody", held.Info)
        elif not reply.is_good:
            raise StateError(
                f"{self.describe()} has no lock: it answered {reply.status} to {self._door.lock_method}",
                fix="say `lock_address` and `lock_method` under `state:`",
            )
        self._ticket, self._is_fresh, self._staged = ticket, False, {}

    def leave(self, ticket: str) -> None:
        """Gives a lock back, ours or a dead holder's."""
        if ticket == self._ticket:
            self._ticket = ""
        self._is_fresh = False
        self._noted(self._door.unlock(msgspec.json.encode(_LockInfo(ID=ticket))))

    def _write(self, name: str, data: bytes, tag: str) -> str:
        with self._mutex:
            there = self.get(name)
            if tag != (there.tag if there else ""):
                raise TakenError
            self._staged[name] = data
            if name == HEAD_NAME or name.startswith(JOURNAL):
                self._post(name)
            return _tag(data)

    def _post(self, name: str) -> None:
        """Posts everything that is staged; without an answer this very document is not, until it is written again."""
        if not self._ticket:
            raise TakenError  # whoever has lost the lock writes nothing
        before, items = self._posted, {**self._items, **self._staged}
        serial, lineage = (before.serial + 1, before.lineage) if before else (1, str(uuid4()))
        packed = {name: zlib.compress(data) for name, data in items.items()}
        posted = _Posted(_FORMAT, serial, lineage, round(self.now(), 1), packed)
        del self._staged[name]
        self._is_fresh = False  # until there is an answer, nobody knows what lies there
        reply = self._noted(self._door.post(_encoder.encode(posted), self._ticket))
        if reply.status in _LOCKED:
            raise TakenError
        if not reply.is_good:
            raise StateError(f"{self.describe()} does not take the state: it answered {reply.status}")
        self._posted, self._items, self._staged, self._is_fresh = posted, items, {}, True

    def _refresh(self, *, anew: bool = False) -> None:
        """Gets the document, unless it is known: under the lock nobody else writes it."""
        if self._is_fresh and (self._ticket or not anew):
            return
        reply = self._noted(self._door.get())
        if reply.status in (204, 404):
            self._posted, self._items = None, {}
        elif reply.is_good and not reply.body.strip():
            # A server that stores whatever arrives has this of a writer that was killed while it sent.
            raise DamagedStateError(
                f"what lies at {self.describe()} is empty, which is not the same as nothing (404 or 204)",
                fix="give the server the document back from a copy; where there never was a state, have it forget the address",
            )
        elif reply.is_good:
            self._posted = self._decoded(reply.body)
            self._items = _unpacked(self._posted.reconciler)
        else:
            raise StateError(f"{self.describe()} does not give the state: it answered {reply.status}")
        self._is_fresh = True

    def _decoded(self, body: bytes) -> _Posted:
        try:
            return msgspec.json.decode(body, type=_Posted)
        except (msgspec.MsgspecError, ValueError):
            raise DamagedStateError(
                f"what lies at {self.describe()} is no state of reconciler",
                fix="give it an address of its own; nothing was overwritten",
            ) from None

    def _noted(self, reply: Reply) -> Reply:
        """An answer, with its time noted. Raises UnavailableError for one that is none."""
        if reply.date is not None:
            self._clock = (reply.date, self._steady())
        if reply.status >= 500 or reply.status in (408, 429):
            raise UnavailableError(f"{self.describe()} answered {reply.status}", sent=True)
        return reply


_encoder = msgspec.json.Encoder(order="deterministic")


def _tag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _unpacked(packed: Mapping[str, bytes]) -> dict[str, bytes]:
    """The documents as they were. What cannot be unpacked, or grows beyond all measure, is refused by whoever needs it."""
    items, left = {}, _MOST_BYTES
    for name, data in packed.items():
        items[name] = _inflated(data, left)
        left -= len(items[name])
    return items


def _inflated(data: bytes, most: int) -> bytes:
    if most <= 0:  # which zlib would take for no limit
        return b""
    try:
        return zlib.decompressobj().decompress(data, most)
    except zlib.error:
        return b""


def _lock_info(body: bytes) -> _LockInfo:
    try:
        return msgspec.json.decode(body, type=_LockInfo)
    except (msgspec.MsgspecError, ValueError):
        return _LockInfo()


def open_shelf(settings: Mapping[str, Any], environ: Mapping[str, str], folder: str) -> HttpShelf:
    """The shelf that a manifest's `state:` names; `folder` is `<project>/<environment>`, for the places in an address."""
    project, _, environment = folder.partition("/")
    names = {"{project}": project, "{environment}": environment}
    return HttpShelf(Door.of(settings, environ, names))
