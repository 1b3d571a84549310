"""What a remote place must be able to do: keep documents under names, and write one only if nobody else did meanwhile.

Knows neither states nor leases. A lost answer is looked up here, so that nobody above has to think of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar
from uuid import uuid4

from reconciler.errors import StateError, UnavailableError
from reconciler.frozen import frozen
from reconciler.storage.lock import Holder

PAUSES = (0.2, 0.8, 2.0)
Answer = TypeVar("Answer")


@frozen
class Item:
    """A document as it lies there. `tag` changes with every write; `written_at` is the place's own time, Unix seconds."""

    data: bytes
    tag: str
    written_at: float


class TakenError(Exception):
    """Somebody else has written in the meantime, or was there first."""


class LockedError(Exception):
    """The place has a lock of its own, and somebody has it. `told` is what he left there about himself."""

    def __init__(self, ticket: str, who: str, told: str) -> None:
        super().__init__(who)
        self.ticket = ticket
        self.who = who
        self.told = told


class Shelf(Protocol):
    """Documents under names, at one place. Raises UnavailableError for no answer, AuthenticationError for a closed door."""

    def describe(self) -> str:
        """Where it is, for messages."""

    def get(self, name: str) -> Item | None:
        """A document; None where there is none."""

    def create(self, name: str, data: bytes) -> str:
        """Writes a document that is not there yet, and gives its tag. Raises TakenError."""

    def replace(self, name: str, data: bytes, tag: str) -> str:
        """Writes a document in the place of the one with this tag, and gives the new tag. Raises TakenError."""

    def remove(self, names: Iterable[str]) -> None:
        """Removes documents; those that are gone already are fine."""

    def names(self, under: str) -> list[str]:
        """The names that begin with a folder's name, `journal/` say."""

    def now(self) -> float:
        """The place's own time, Unix seconds."""

    def probe(self) -> None:
        """Raises StateError for a place that would let two writers in at once; asked at first use, with the lock in hand."""

    def enter(self, ticket: str, holder: Holder, told: str) -> None:
        """Takes the lock that the place itself has, where it has one; again if it is ours already. Raises LockedError."""

    def leave(self, ticket: str) -> None:
        """Gives that lock back."""


class Patient:
    """A shelf that asks again when there is no answer, and looks whether a write that was not answered is there."""

    def __init__(self, shelf: Shelf, sleep: Callable[[float], object]) -> None:
        self._shelf = shelf
        self._sleep = sleep

    def describe(self) -> str:
        """Where it is, for messages."""
        return self._shelf.describe()

    def get(self, name: str) -> Item | None:
        """A document; None where there is none."""
        return self._insist(lambda: self._shelf.get(name))

    def create(self, name: str, data: bytes) -> str:
        """Writes a document that is not there yet. One with the very same content is ours."""
        return self._write(name, data, lambda: self._shelf.create(name, data))

    def replace(self, name: str, data: bytes, tag: str) -> str:
        """Writes a document in the place of the one with this tag."""
        return self._write(name, data, lambda: self._shelf.replace(name, data, tag))

    def remove(self, names: Iterable[str]) -> None:
        """Removes documents."""
        gone = list(names)
        if gone:
            self._insist(lambda: self._shelf.remove(gone))

    def names(self, under: str) -> list[str]:
        """The names in a folder."""
        return self._insist(lambda: self._shelf.names(under))

    def now(self) -> float:
        """The place's own time."""
        return self._insist(self._shelf.now)

    def probe(self) -> None:
        """Raises StateError for a place that would let two writers in at once."""
        self._insist(self._shelf.probe)

    def enter(self, ticket: str, holder: Holder, told: str) -> None:
        """Takes the place's own lock."""
        self._insist(lambda: self._shelf.enter(ticket, holder, told))

    def leave(self, ticket: str) -> None:
        """Gives that lock back."""
        self._insist(lambda: self._shelf.leave(ticket))

    def _write(self, name: str, data: bytes, write: Callable[[], str]) -> str:
        try:
            return self._insist(write)
        except TakenError:
            there = self.get(name)
            if there is not None and there.data == data:
                return there.tag
            raise

    def _insist(self, ask: Callable[[], Answer]) -> Answer:
        for pause in PAUSES:
            try:
                return ask()
            except UnavailableError:
                self._sleep(pause)
        return ask()


def check_conditions(shelf: Shelf) -> None:
    """Raises StateError for a place that ignores the conditions of a write: two writers would not notice each other."""
    name = f"probe/{uuid4().hex}"
    tag = shelf.create(name, b"first\n")
    try:
        kept = _refuses(lambda: shelf.create(name, b"second\n"))
        if kept:
            shelf.replace(name, b"third\n", tag)
            kept = _refuses(lambda: shelf.replace(name, b"fourth\n", tag))
    finally:
        shelf.remove([name])
    if not kept:
        raise StateError(
            f"{shelf.describe()} ignores the conditions of a write (If-None-Match, If-Match),"
            " so two runs could overwrite each other's state",
            fix="use a service that honours them, such as R2 or S3, or another `backend`",
        )


def _refuses(write: Callable[[], str]) -> bool:
    try:
        write()
    except TakenError:
        return True
    return False
