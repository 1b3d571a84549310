"""The seam between the workflow and wherever the memory lies.

It speaks of states, events and versions, never of files, so that a bucket or a database can stand behind it as well as a folder.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from reconciler.errors import StateError
from reconciler.model.event import Event
from reconciler.model.state import State
from reconciler.storage.lock import Holder
from reconciler.storage.state_file import VersionNote

LEASE_SECONDS = 60.0
"""For how long a remote lease lasts that is not renewed."""
REQUEST_SECONDS = LEASE_SECONDS / 2
"""The longest that a request to the API may take while a lease guards it; without a lease there is no such limit."""


GO_ON = "what was begun stands in the journal; run again once it can be written, and it goes on"


class NotCommittedError(StateError):
    """What has been done is not in the state yet, but can be found again."""

    exit_code = 4


class Store(Protocol):
    """The memory of one environment. Whatever writes needs the lock, and a `read` under it."""

    @property
    def backend(self) -> str:
        """The manifest's word for it: `local`, `s3`, ..."""

    def describe(self) -> str:
        """Where it is, for messages."""

    def read(self) -> State | None:
        """The state, with what a cut-off run left in the journal; None where there never was one."""

    def read_version(self, serial: int) -> State:
        """An earlier version."""

    def check_writable(self) -> None:
        """Raises StateError while nothing has been done yet."""

    def lock(self, command: str) -> AbstractContextManager[None]:
        """The right to write; LockHeldError names whoever has it."""

    def holder(self) -> Holder | None:
        """Who has it at this moment."""

    def unlock(self) -> Holder | None:
        """Clears away what a dead holder left, and says who that was; a living one is a LockHeldError."""

    def check_lease(self) -> None:
        """Raises StateError where a request that is begun now could outlast the right to write; without a lease: nothing."""

    def begin_run(self, state: State, run: str) -> State:
        """Makes a state durable, whatever was folded into it, and is ready for events; the serial may have risen."""

    def append(self, events: Iterable[Event], *, durable: bool = True) -> None:
        """Returns once the events are durable; NotDurableError carries those that are not."""

    def commit(self, state: State) -> State:
        """Writes the state that the events have led to; they need not be kept any longer."""

    def keep(self, name: str, document: bytes) -> None:
        """Keeps a document beside the state, under the hash by which the state refers to it, for as long as a version does.

        It fails silently: whoever recalls it can do without.
        """

    def recall(self, name: str) -> bytes | None:
        """A document that was kept; None where it was not, or cannot be read."""

    def history(self) -> tuple[VersionNote, ...]:
        """The versions kept, newest first."""

    def restore(self, serial: int) -> State:
        """Writes an earlier version again, under a serial higher than any seen."""

    def move_away(self, where: str) -> None:
        """Marks the state as moved elsewhere: from now on it is refused here, until one is written anew."""

    def rekey(self) -> tuple[str, ...]:
        """Writes all that is kept again under the present key; gives what could not be opened, and stays as it was."""

    def pull(self) -> bytes:
        """The state as a document."""

    def push(self, document: bytes, *, force: bool = False) -> State:
        """Takes in a document: an edited state, or the recovery record of events that reached no disk."""
