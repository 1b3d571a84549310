"""Where a world outlives its process: one SQLite file in a folder that one process may open at a time."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

TABLES = """
create table if not exists objects (kind text, account text, id text, value blob, primary key (kind, account, id));
create table if not exists ledger (n integer primary key, entry blob);
create table if not exists meta (key text primary key, value blob);
"""
KEPT_LEDGER_ENTRIES = 20_000

Key = tuple[str, str, str]


class DataFolderInUseError(OSError):
    """Another process serves the same world; two writers would tear it apart."""


class Store:
    """Objects, ledger lines and a few facts, in `<folder>/world.sqlite`; private to the user, whatever the umask."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._lock = _take_lock(folder)
        file = folder / "world.sqlite"
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
        file.chmod(0o600)
        self._db = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._db.execute("pragma journal_mode=wal")
        # A killed process loses nothing with OFF (the page cache is the kernel's); only a power cut could.
        self._db.execute("pragma synchronous=off")
        self._db.executescript(TABLES)
        self._db.execute(
            "delete from ledger where n <= (select max(n) from ledger) - ?", (KEPT_LEDGER_ENTRIES,)
        )

    def objects(self) -> Iterator[tuple[str, str, str, bytes]]:
        """Every object as (kind, account, id, JSON), oldest first."""
        yield from self._db.execute("select kind, account, id, value from objects order by rowid")

    def meta(self, key: str) -> bytes | None:
        """A fact about the world that is no object, such as its clock."""
        row = self._db.execute("select value from meta where key = ?", (key,)).fetchone()
        return row[0] if row else None

    def last_ledger_number(self) -> int:
        """The number of the newest ledger line of earlier processes, or 0."""
        return int(self._db.execute("select coalesce(max(n), 0) from ledger").fetchone()[0])

    def ledger_lines(self, since: int, before: int) -> list[bytes]:
        """The ledger lines numbered above `since` and below `before`."""
        lines = self._db.execute("select entry from ledger where n > ? and n < ? order by n", (since, before))
        return [row[0] for row in lines]

    def save(
        self,
        objects: dict[Key, bytes | None],
        ledger: Iterable[tuple[int, bytes]] = (),
        meta: Iterable[tuple[str, bytes]] = (),
    ) -> None:
        """Writes everything in one transaction; an object that is None is removed."""
        db = self._db
        db.execute("begin")
        gone = [key for key, value in objects.items() if value is None]
        here = [(*key, value) for key, value in objects.items() if value is not None]
        if gone:
            db.executemany("delete from objects where kind = ? and account = ? and id = ?", gone)
        if here:
            db.executemany(
                "insert into objects values (?, ?, ?, ?)"
                " on conflict (kind, account, id) do update set value = excluded.value",
                here,
            )
        db.executemany("insert or replace into ledger values (?, ?)", ledger)
        db.executemany("insert or replace into meta values (?, ?)", meta)
        db.execute("commit")

    def close(self) -> None:
        """Closes the file and lets the next process in."""
        self._db.close()
        os.close(self._lock)


def _take_lock(folder: Path) -> int:
    lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise DataFolderInUseError(
            f"{folder}: another process serves this world; stop it, or choose another data folder"
        ) from error
    return lock
