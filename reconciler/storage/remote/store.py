"""The memory at a remote place: versions that never change, a journal in segments, and a head that moves by condition.

A version is written first, then the head names it; what it made needless goes last. Who may write is decided in `claim` and
`lease`, what may be believed in `reading`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

from msgspec.structs import replace as with_fields

from reconciler.errors import (
    DamagedStateError,
    ReconcilerError,
    StateError,
    StateMismatchError,
    UnavailableError,
)
from reconciler.model.event import Event
from reconciler.model.state import State
from reconciler.storage import rescue
from reconciler.storage.codec import MalformedError, Version, encode_version
from reconciler.storage.disk import Disk
from reconciler.storage.envelope import Envelope, Plain, about_version
from reconciler.storage.high_water import HighWaterMarks
from reconciler.storage.identity import Identity
from reconciler.storage.journal import JOURNAL_FORMAT, JournalHeader, is_journal
from reconciler.storage.kept_lists import about_list, list_name
from reconciler.storage.lock import Holder, this_process, timestamp
from reconciler.storage.moved import MovedStateError
from reconciler.storage.reading import Reading, belongs
from reconciler.storage.remote.claim import Claim
from reconciler.storage.remote.head import LISTS, Head, segment_name, version_name
from reconciler.storage.remote.lease import Timing
from reconciler.storage.remote.reading import Library, RemoteReading, believe
from reconciler.storage.remote.rekeying import rekey
from reconciler.storage.remote.session import Segments, Session, require, unknowable_in
from reconciler.storage.remote.shelf import Patient, Shelf, TakenError
from reconciler.storage.serials import goes_on_from, is_news
from reconciler.storage.state_file import KEPT_VERSIONS, VersionNote
from reconciler.storage.store import GO_ON, NotCommittedError


class RemoteStore:
    """A `Store` over a shelf. `tell` is told why something takes long."""

    def __init__(
        self,
        backend: str,
        shelf: Shelf,
        identity: Identity,
        *,
        marks: HighWaterMarks | None = None,
        envelope: Envelope | None = None,
        timing: Timing | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        tell: Callable[[str], object] = lambda _text: None,
        kept_versions: int = KEPT_VERSIONS,
        keeps_lists: bool = True,
    ) -> None:
        self.backend = backend
        self._timing = timing or Timing()
        self._shelf = Patient(shelf, self._timing.sleep)
        self._identity = identity
        self._marks = marks or HighWaterMarks(None, Disk())
        self._library = Library(self._shelf, envelope or Plain())
        self._now = now
        self._tell = tell
        self._kept_versions = kept_versions
        self._keeps_lists = keeps_lists
        self._session: Session | None = None

    def describe(self) -> str:
        """Where it is, for messages."""
        return self._shelf.describe()

    def read(self) -> State | None:
        """The state, with what a cut-off run left in the journal; None where there never was one."""
        session = self._session
        if session is not None and session.journal is not None:
            session.journal.flush()
        found = self._believe()
        if session is not None and session.journal is None:
            session.was_read, session.reading = True, found.reading
        if session is not None:
            session.there |= set(found.segments)
        return found.reading.state if found.reading else None

    def read_version(self, serial: int) -> State:
        """An earlier version, or the present one without its journal."""
        return self._version(serial).state

    def history(self) -> tuple[VersionNote, ...]:
        """The versions kept, newest first."""
        return self._look().versions

    def pull(self) -> bytes:
        """The state as a document, with the journal folded in."""
        reading = self._believe().reading
        if reading is None:
            raise StateError(f"there is no state at {self.describe()} yet")
        written_at = reading.version.written_at
        return encode_version(reading.state, written_at=written_at, folded=reading.journal)[0]

    @contextmanager
    def lock(self, command: str) -> Iterator[None]:
        """The lease, renewed by a heartbeat until the end of the block; it ends by itself with the process."""
        with self._hold(self._claim(), command):
            yield

    @contextmanager
    def _hold(self, claim: Claim, command: str) -> Iterator[None]:
        self._session = Session(claim.acquire(this_process(command, self._now())))
        try:
            yield
        finally:
            self._end(self._session)

    def holder(self) -> Holder | None:
        """Who holds the lease at this moment."""
        claim = self._claim()
        return claim.held_by(claim.look())

    def unlock(self) -> Holder | None:
        """Clears away what a dead holder left, and a lock that is not ours; a living one keeps the lease."""
        claim = self._claim()
        claim.may_break = True
        left = self._look().lease
        with self._hold(claim, "state unlock"):
            return left.holder if left else claim.broken

    def check_writable(self) -> None:
        """Raises an error where the place cannot be reached; whether it can be written, taking the lease tells."""
        self._look()

    def check_lease(self) -> None:
        """Raises LeaseLostError where a request that is begun now could outlast the lease. Without a lease it says nothing."""
        if self._session is not None:
            self._session.tenure.ensure(self._timing.request_seconds)

    def begin_run(self, state: State, run: str) -> State:
        """Makes the state durable, with what was folded into it, and is ready for events."""
        session = self._session_for(state)
        session.run = run
        if session.reading is None:
            state = self._write(session, state, state.serial)
        else:
            state = self._write_if_moved(session, session.reading, state)
        session.journal = self._journal(session)
        return state

    def append(self, events: Iterable[Event], *, durable: bool = True) -> None:
        """Adds to the journal; NotDurableError carries what is not safe, and appending again retries it."""
        session = require(self._session)
        if session.journal is None:
            session.journal = self._journal(session)
        session.journal.append(events, durable=durable)

    def commit(self, state: State) -> State:
        """Writes the state that the events have led to; the journal before it counts no more."""
        session = self._session_for(state)
        try:
            return self._commit(session, state)
        except UnavailableError as error:
            raise NotCommittedError(f"the state cannot be written: {error.message}", fix=GO_ON) from None

    def _commit(self, session: Session, state: State) -> State:
        if session.reading is None:
            state = self._write(session, state, state.serial + 1)
        else:
            state = self._write_if_moved(session, session.reading, state)
        if session.has_unfolded:
            self._fold(session, session.tenure.head.versions)
        session.journal = None  # what waited in it stands in the state
        self._sweep(session)
        return state

    def keep(self, name: str, document: bytes) -> None:
        """Keeps a list of files beside the state; `commit` drops those that the state does not refer to any more."""
        session = require(self._session)
        if not self._keeps_lists:
            return
        session.has_kept = True
        with contextlib.suppress(ReconcilerError, TakenError):
            name = list_name(name)
            self._shelf.create(LISTS + name, self._library.envelope.wrap(document, about_list(name)))

    def recall(self, name: str) -> bytes | None:
        """A list of files that was kept; None where it was not, or cannot be read."""
        with contextlib.suppress(ReconcilerError, ValueError):
            name = list_name(name)
            return self._library.open(LISTS + name, about_list(name)) if self._keeps_lists else None
        return None

    def restore(self, serial: int) -> State:
        """Writes an earlier version again, under a serial higher than any seen."""
        session = require(self._session)
        if moved_to := session.tenure.head.moved_to:
            raise MovedStateError(self.describe(), moved_to)
        old = self._version(serial)
        self._identity.check(old.state, f"version {serial}")
        return self._supplant(session, self._as_it_counts_today(old))

    def push(self, document: bytes, *, force: bool = False) -> State:
        """Takes in a document. Without `force` it must go on from the present state."""
        session = require(self._session)
        if is_journal(document):
            self.read()
            return self.commit(rescue.with_record(document, session.reading, self._library.envelope))
        pushed = rescue.parsed_document(document, self._library.envelope).state
        self._identity.check(pushed, "the document")
        present = None if force else self.read()
        if present is not None:
            rescue.check_goes_on(pushed, present)
        return self._supplant(session, pushed)

    def rekey(self) -> tuple[str, ...]:
        """Writes all that is kept again under the present key; gives what could not be opened, and stays as it was."""
        state = self.read()
        if state is None:
            raise StateError(f"there is no state at {self.describe()} yet")
        self.commit(self.begin_run(state, ""))  # what the journal holds goes into the state
        left = rekey(self._library)
        require(self._session).tenure.write(lambda head: head)  # a state server posts with the head
        return left

    def move_away(self, where: str) -> None:
        """Marks the state as moved: from now on it is refused here. Writing one anew takes the mark away."""
        require(self._session).tenure.write(lambda head: with_fields(head, moved_to=where))

    def _claim(self) -> Claim:
        about = Head(project=self._identity.project, environment=self._identity.environment)
        return Claim(self._shelf, about, self._timing, self._tell)

    def _look(self) -> Head:
        session = self._session
        return session.tenure.head if session is not None else self._claim().look().head

    def _believe(self) -> RemoteReading:
        return believe(self._look, self._library, self._identity, self._marks)

    def _journal(self, session: Session) -> Segments:
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
        open_before = unknowable_in(session.reading.state)
        return Segments(
            session.tenure, self._library.envelope, header, session.next_number(), open_before, session.there
        )

    def _session_for(self, state: State) -> Session:
        session = require(self._session)
        if not session.was_read:
            raise RuntimeError("the state is read under the lock before it is written")
        if not goes_on_from(state, session.reading):
            raise StateMismatchError(f"{self.describe()} has moved since it was read", fix="run again")
        return session

    def _write_if_moved(self, session: Session, reading: Reading, state: State) -> State:
        before = reading.version.state
        if before == state:
            return state
        return self._write(session, state, before.serial + is_news(before, state))

    def _write(self, session: Session, state: State, serial: int) -> State:
        self._identity.check(state, "the state to be written")
        state = replace(state, serial=serial)
        journal = session.journal.header.journal if session.journal else ""
        data, version = encode_version(state, written_at=timestamp(self._now()), folded=journal)
        note = VersionNote(serial, version.written_at, len(state.resources), version.checksum, state.lineage)
        session.tenure.check()
        with contextlib.suppress(TakenError):  # the same content was written before
            name = version_name(serial, version.checksum)
            self._shelf.create(name, self._library.envelope.wrap(data, about_version(serial, state.lineage)))
        earlier = (it for it in session.tenure.head.versions if it.serial != serial)
        self._fold(session, (note, *earlier))
        session.was_read, session.reading = True, Reading(version, state, journal)
        self._marks.raise_to(state.lineage, serial)
        return state

    def _fold(self, session: Session, versions: tuple[VersionNote, ...]) -> None:
        """Moves the head: these versions are kept, the first is in force, and no segment written so far counts any more."""
        folded = (session.tenure.epoch, session.next_number())
        kept, before = versions[: self._kept_versions], session.tenure.head.versions
        session.tenure.write(
            lambda head: with_fields(head, versions=kept, folded=folded, lost=False, moved_to="")
        )
        with contextlib.suppress(ReconcilerError):
            self._shelf.remove(version_name(it.serial, it.checksum) for it in before if it not in kept)

    def _supplant(self, session: Session, state: State) -> State:
        """Writes a state in the place of whatever is there, trusted or not."""
        if session.tenure.head.lost:
            notes = self._library.notes()
            session.tenure.write(lambda head: with_fields(head, versions=notes))
        session.there |= set(self._library.segments())
        named = (note.serial for note in session.tenure.head.versions)
        seen = max(*self._library.serials(), *named, self._marks.of(state.lineage), state.serial)
        state = self._write(session, state, seen + 1)
        self._sweep(session)
        return state

    def _as_it_counts_today(self, old: Version) -> State:
        """An earlier version with what is true of the world whatever is restored: what never ended, what we deleted lately.

        Where the present is lost and the journal goes on from this version, nothing is lost at all.
        """
        with contextlib.suppress(StateError):
            if reading := self._believe().reading:
                known = reading.state
                return replace(old.state, intents=known.intents, tombstones=known.tombstones)
        journals = self._library.unfolded(self._look().folded)
        known = old.state.after(event for journal in journals for event in journal.events)
        if all(belongs(journal, old) for journal in journals):
            return known
        return replace(old.state, intents=known.intents, tombstones=known.tombstones)

    def _version(self, serial: int) -> Version:
        try:
            return self._library.version_of(serial, self._look())
        except MalformedError as error:
            raise DamagedStateError(f"{self.describe()} cannot be used: {error}", fix=error.fix) from None

    def _sweep(self, session: Session) -> None:
        """Removes what counts no more. Where that fails it is swept another time."""
        with contextlib.suppress(ReconcilerError):
            self._shelf.remove(segment_name(*segment) for segment in session.take_folded())
            if session.has_kept and session.reading is not None:
                self._sweep_lists(session.reading.state)

    def _sweep_lists(self, state: State) -> None:
        """Removes the lists that the state does not refer to; a version before it does without."""
        needed = encode_version(state)[0]
        there = self._shelf.names(LISTS)
        self._shelf.remove(it for it in there if it.removeprefix(LISTS).encode() not in needed)

    def _end(self, session: Session) -> None:
        """Leaves a journal that holds events for the next run, and gives the lease back."""
        self._session = None
        with contextlib.suppress(ReconcilerError):
            if session.journal is not None:
                session.journal.flush()
        session.tenure.give_back()
