"""The memory as files beside the manifest, written in an order that a crash at any point leaves readable.

The state comes first, then its copy in the history, then the mark outside; the journal goes last. Whether files may be
believed is decided in `reading`, what a version or document is worth in `rescue`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from reconciler.errors import LockHeldError, StateError, StateMismatchError
from reconciler.model.event import Event
from reconciler.model.state import State
from reconciler.storage import rescue
from reconciler.storage.codec import encode_version
from reconciler.storage.disk import Disk, UnwritableError, cannot_write, sweep_temporaries, write_whole
from reconciler.storage.envelope import Envelope, about_version
from reconciler.storage.high_water import HighWaterMarks
from reconciler.storage.identity import Identity
from reconciler.storage.journal import JOURNAL_FORMAT, Journal, JournalHeader, is_journal
from reconciler.storage.kept_lists import KeptLists
from reconciler.storage.lock import Holder, LocalLock, left_by, read_holder, this_process, timestamp
from reconciler.storage.moved import MovedStateError
from reconciler.storage.reading import Reading, believe, moved_to
from reconciler.storage.rekeying import rekey
from reconciler.storage.serials import goes_on_from, is_news
from reconciler.storage.state_file import History, StateFile, StatePaths, VersionNote
from reconciler.storage.store import GO_ON, NotCommittedError


@dataclass(slots=True)
class _Session:
    """What is known while the lock is held."""

    holder: Holder
    was_read: bool = False
    reading: Reading | None = None
    journal: Journal | None = None
    run: str = ""
    checksums: set[str] = field(default_factory=set)  # what may stand on disk if nobody else wrote
    has_kept: bool = False


def _utc_now() -> datetime:
    return datetime.now(UTC)


class LocalStore:
    """A `Store` in a folder. `marks`: where high-water marks lie, outside of it; None: replays go unnoticed."""

    backend = "local"

    def __init__(
        self,
        folder: Path,
        identity: Identity,
        *,
        marks: Path | None = None,
        envelope: Envelope | None = None,
        disk: Disk | None = None,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.paths = StatePaths.of(folder, identity.environment, envelope)
        self._envelope = self.paths.envelope
        self._identity = identity
        self._disk = disk or Disk()
        self._now = now
        self._marks = HighWaterMarks(marks, self._disk)
        self._file = StateFile(self.paths.state, self._disk, self._envelope)
        self._history = History(self.paths.history, self._disk, self._envelope)
        self._lists = KeptLists(self.paths.inputs, self._disk, self._envelope)
        self._lock = LocalLock(self.paths.lock, now=now)
        self._session: _Session | None = None

    def describe(self) -> str:
        """The file, for messages."""
        return str(self.paths.state)

    def read(self) -> State | None:
        """The state, with what a cut-off run left in the journal; None where there never was one."""
        reading = self._believe()
        session = self._session
        if session is not None and session.journal is None:
            session.was_read, session.reading = True, reading
            session.checksums = {reading.version.checksum if reading else ""}
        return reading.state if reading else None

    def read_version(self, serial: int) -> State:
        """An earlier version, or the present one without its journal."""
        return rescue.version_of(self.paths, serial).state

    def history(self) -> tuple[VersionNote, ...]:
        """The versions kept, newest first."""
        return self._history.notes()

    def pull(self) -> bytes:
        """The state as its file would be, with the journal folded in."""
        reading = self._believe()
        if reading is None:
            raise StateError(f"there is no state at {self.describe()} yet")
        written_at = reading.version.written_at
        return encode_version(reading.state, written_at=written_at, folded=reading.journal)[0]

    @contextmanager
    def lock(self, command: str) -> Iterator[None]:
        """The right to write, held by the kernel until the end of the block or of the process."""
        left = left_by(self.paths.lock)
        guards = self.paths.state.exists() or (left is not None and left.guards_state)
        self._make_folder()
        holder = this_process(command, self._now(), guards_state=guards)
        self._lock.acquire(holder)
        self._session = _Session(holder)
        try:
            yield
        finally:
            self._end(self._session)

    def holder(self) -> Holder | None:
        """Who holds the lock at this moment."""
        return read_holder(self.paths.lock)

    def unlock(self) -> Holder | None:
        """Clears away what a dead holder left; a living one keeps the lock, since the kernel takes it from nobody."""
        if holder := self.holder():
            raise LockHeldError(
                f"{self.paths.lock} is held by {holder.describe(self._now())}, which is alive",
                fix=f"end that process (kill {holder.pid}); its lock ends with it",
            )
        left = left_by(self.paths.lock)
        if left is not None:
            with self.lock("state unlock"):
                pass
        return left

    def check_writable(self) -> None:
        """Raises StateError where the folder cannot take a file, before anything is done that must be remembered."""
        self._make_folder()
        probe = self.paths.folder / f".{self.paths.name}.probe"
        try:
            write_whole(self._disk, probe, b"reconciler\n")
            self._disk.unlink(probe)
        except OSError as error:
            raise cannot_write(self.paths.folder, error) from None

    def begin_run(self, state: State, run: str) -> State:
        """Makes the state durable, with what was folded into it, and opens a journal that goes on from it."""
        session = self._session_for(state)
        session.run = run
        if session.reading is None:
            state = self._write(session, state, state.serial, folded="")
        else:
            state = self._write_if_moved(session, session.reading, state)
        self._open_journal(session)
        return state

    def append(self, events: Iterable[Event], *, durable: bool = True) -> None:
        """Adds to the journal; NotDurableError carries what is not safe, and appending again retries it."""
        session = self._require_session()
        journal = session.journal or self._open_journal(session)
        journal.append(events, durable=durable)

    def commit(self, state: State) -> State:
        """Writes the state and drops the journal. The serial rises if a saved plan would now rest on something else."""
        session = self._session_for(state)
        try:
            if session.reading is None:
                state = self._write(session, state, state.serial + 1, folded="")
            else:
                state = self._write_if_moved(session, session.reading, state)
        except UnwritableError as error:
            if session.journal is None or session.journal.is_empty:
                raise
            raise NotCommittedError(error.message, fix=f"{error.fix}; {GO_ON}") from None
        self._drop_journal(session)
        if session.has_kept:
            self._lists.drop_unneeded(self._versions())
        return state

    def keep(self, name: str, document: bytes) -> None:
        """Keeps a list of files beside the state; `commit` drops those that no version refers to any more."""
        self._require_session().has_kept = True
        self._lists.keep(name, document)

    def recall(self, name: str) -> bytes | None:
        """A list of files that was kept; None where it was not, or cannot be read."""
        return self._lists.recall(name)

    def restore(self, serial: int) -> State:
        """Writes an earlier version again, under a serial higher than any seen."""
        session = self._require_session()
        self._refuse_moved()
        old = rescue.version_of(self.paths, serial)
        self._identity.check(old.state, f"version {serial}")
        return self._supplant(session, rescue.restored(old, self.paths))

    def push(self, document: bytes, *, force: bool = False) -> State:
        """Takes in a document. Without `force` it must go on from the present state."""
        session = self._require_session()
        if is_journal(document):
            self.read()
            return self.commit(rescue.with_record(document, session.reading, self._envelope))
        pushed = rescue.parsed_document(document, self._envelope).state
        self._identity.check(pushed, "the document")
        present = None if force else self.read()
        if present is not None:
            rescue.check_goes_on(pushed, present)
        return self._supplant(session, pushed)

    def check_lease(self) -> None:
        """Nothing: the kernel's lock lasts as long as the process."""

    def rekey(self) -> tuple[str, ...]:
        """Writes all that is kept again under the present key; gives what could not be opened, and stays as it was."""
        state = self.read()
        if state is None:
            raise StateError(f"there is no state at {self.describe()} yet")
        self.commit(self.begin_run(state, ""))  # what the journal holds goes into the state
        return rekey(self.paths, self._envelope, self._disk)

    def move_away(self, where: str) -> None:
        """Leaves a mark that says where the state is now; the files stay, and are refused."""
        self._require_session()
        try:
            write_whole(self._disk, self.paths.moved, f"{where}\n".encode())
        except OSError as error:
            raise cannot_write(self.paths.moved, error) from None

    def _believe(self) -> Reading | None:
        self._refuse_moved()
        return believe(self.paths, self._identity, self._marks)

    def _refuse_moved(self) -> None:
        where = moved_to(self.paths)
        if where is not None:
            raise MovedStateError(self.describe(), where)

    def _require_session(self) -> _Session:
        if self._session is None:
            raise RuntimeError("the state is written under the lock only")
        return self._session

    def _session_for(self, state: State) -> _Session:
        """The session, provided that the state goes on from what was read in it and still stands on disk."""
        session = self._require_session()
        if not session.was_read:
            raise RuntimeError("the state is read under the lock before it is written")
        head = self._file.head()
        there = head.checksum if head else ""
        if there not in session.checksums or not goes_on_from(state, session.reading):
            raise StateMismatchError(f"{self.describe()} has moved since it was read", fix="run again")
        return session

    def _write_if_moved(self, session: _Session, reading: Reading, state: State) -> State:
        before = reading.version.state
        if before == state:
            return state
        self._complete_history(reading)
        folded = session.journal.header.journal if session.journal else reading.journal
        return self._write(session, state, before.serial + is_news(before, state), folded)

    def _write(self, session: _Session, state: State, serial: int, folded: str) -> State:
        self._identity.check(state, "the state to be written")
        state = replace(state, serial=serial)
        data, version = encode_version(state, written_at=timestamp(self._now()), folded=folded)
        data = self._envelope.wrap(data, about_version(serial, state.lineage))
        session.checksums.add(version.checksum)
        self._file.write(data)
        session.was_read, session.reading = True, Reading(version, state, folded)
        self._clear_mark()
        self._history.keep(serial, data)
        self._marks.raise_to(state.lineage, serial)
        self._sign_again(session)
        return state

    def _clear_mark(self) -> None:
        if not self.paths.moved.exists():
            return
        try:
            self._disk.unlink(self.paths.moved)
        except OSError as error:
            raise cannot_write(self.paths.moved, error) from None

    def _supplant(self, session: _Session, state: State) -> State:
        """Writes a state in the place of whatever is there, trusted or not."""
        journal = rescue.present_journal(self.paths)
        seen = max(rescue.highest_serial(self.paths), self._marks.of(state.lineage), state.serial)
        state = self._write(session, state, seen + 1, journal.header.journal if journal else "")
        if journal is None:
            self._set_journal_aside()
        self._drop_journal(session)
        return state

    def _versions(self) -> Iterator[bytes]:
        yield self._envelope.unwrap(self._file.read() or b"", "version")
        yield from self._history.documents()

    def _complete_history(self, reading: Reading) -> None:
        """Keeps the present version too, where a writer ended between writing it and copying it."""
        serial = reading.version.state.serial
        kept = self._history.head(serial)
        if kept is None or kept.checksum != reading.version.checksum:
            self._history.keep(serial, self._file.read() or b"")

    def _sign_again(self, session: _Session) -> None:
        """Lets the lock's file say that there is a state now, so that its loss would be noticed."""
        if not session.holder.guards_state:
            session.holder = replace(session.holder, guards_state=True)
            with contextlib.suppress(StateError):
                self._lock.sign(session.holder)

    def _open_journal(self, session: _Session) -> Journal:
        if session.reading is None:
            raise RuntimeError("a journal goes on from a state")
        version = session.reading.version
        header = JournalHeader(
            format_version=JOURNAL_FORMAT,
            journal=uuid4().hex,
            run=session.run,
            lineage=version.state.lineage,
            base_serial=version.state.serial,
            base_checksum=version.checksum,
            began_at=timestamp(self._now()),
        )
        sweep_temporaries(self._disk, self.paths.journal)
        session.journal = Journal(self.paths.journal, header, self._disk, self._envelope)
        return session.journal

    def _drop_journal(self, session: _Session) -> None:
        """Removes the journal; should that fail, the state says that it is folded in already."""
        if session.journal is not None:
            session.journal.close()
            session.journal = None
        with contextlib.suppress(OSError):
            self._disk.unlink(self.paths.journal)

    def _set_journal_aside(self) -> None:
        """A journal that nobody can read is kept for a person to look at."""
        with contextlib.suppress(OSError):
            self._disk.rename(self.paths.journal, self.paths.journal.with_suffix(".journal.damaged"))

    def _make_folder(self) -> None:
        try:
            self._disk.make_folder(self.paths.folder)
        except OSError as error:
            raise cannot_write(self.paths.folder, error) from None

    def _end(self, session: _Session) -> None:
        """Leaves a journal that holds events for the next run, and nothing else."""
        self._session = None
        try:
            if session.journal is not None and session.journal.is_empty:
                self._drop_journal(session)
            elif session.journal is not None:
                session.journal.close()
        finally:
            lost = session.holder.guards_state and not self.paths.state.exists()
            self._lock.release(leave_file=lost)
