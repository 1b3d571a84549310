"""Decides whether what lies at a remote place may be believed: head, version, journal and high-water mark must agree.

Reads only, and takes no lease: what does not fit is looked at again while a writer is at work.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from reconciler.errors import DamagedStateError, StateError, StateMismatchError
from reconciler.frozen import frozen
from reconciler.model.event import Event
from reconciler.model.state import State
from reconciler.storage.codec import MalformedError, Version, decode_version
from reconciler.storage.envelope import Envelope, about_version
from reconciler.storage.high_water import HighWaterMarks
from reconciler.storage.identity import Identity
from reconciler.storage.journal import JournalContent, parse_journal
from reconciler.storage.moved import MovedStateError
from reconciler.storage.reading import Reading, belongs
from reconciler.storage.remote.head import (
    JOURNAL,
    VERSIONS,
    Head,
    segment_name,
    segment_of,
    serial_of,
    version_name,
)
from reconciler.storage.remote.shelf import Shelf
from reconciler.storage.state_file import VersionNote

_ATTEMPTS = 5
Segment = tuple[int, int]


@frozen
class Library:
    """The documents of one environment, opened and checked."""

    shelf: Shelf
    envelope: Envelope

    def version(self, note: VersionNote) -> Version:
        """A version, verified. Raises MalformedError."""
        name = version_name(note.serial, note.checksum)
        version = self._decode(name, note.serial, note.lineage)
        if version.checksum != note.checksum:
            raise MalformedError(f"{name} is another version than the head names")
        return version

    def journal(self, segment: Segment) -> JournalContent:
        """A segment of the journal, verified. Raises MalformedError."""
        name = segment_name(*segment)
        content = parse_journal(self.open(name, about_segment(segment)))
        if content.torn:
            raise MalformedError(f"{name} is cut short")
        return content

    def segments(self) -> list[Segment]:
        """The segments that are there, in the order in which they were written."""
        found = (segment_of(name) for name in self.shelf.names(JOURNAL))
        return sorted(segment for segment in found if segment is not None)

    def serials(self) -> dict[int, str]:
        """The names of the versions that are there, by serial, whatever the head says."""
        return {serial_of(name): name for name in sorted(self.shelf.names(VERSIONS)) if serial_of(name) >= 0}

    def notes(self) -> tuple[VersionNote, ...]:
        """Every version that lies there and is whole, newest first, whatever the head says."""
        notes = []
        for serial, name in sorted(self.serials().items(), reverse=True):
            with contextlib.suppress(MalformedError):
                notes.append(_note(self._decode(name, serial)))
        return tuple(notes)

    def version_of(self, serial: int, head: Head) -> Version:
        """A version by its serial: as the head names it, else as it lies there. Raises MalformedError and StateError."""
        for note in head.versions:
            if note.serial == serial:
                return self.version(note)
        there = self.serials()
        if serial not in there:
            kept = ", ".join(map(str, sorted(there)))
            raise StateError(
                f"there is no version with serial {serial}",
                fix=f"kept are {kept}" if kept else "none is kept",
            )
        return self._decode(there[serial], serial)

    def unfolded(self, folded: Segment) -> list[JournalContent]:
        """What can be read of the journal that no version holds."""
        found = []
        for segment in self.segments():
            with contextlib.suppress(MalformedError):
                found += [self.journal(segment)] if segment >= folded else []
        return found

    def _decode(self, name: str, serial: int, lineage: str = "") -> Version:
        version = decode_version(self.open(name, about_version(serial, lineage)))
        if version.state.serial != serial:
            raise MalformedError(f"{name} holds serial {version.state.serial}")
        return version

    def open(self, name: str, about: str) -> bytes:
        """A document out of its envelope. Raises MalformedError."""
        item = self.shelf.get(name)
        if item is None:
            raise MalformedError(f"{name} is missing")
        return self.envelope.unwrap(item.data, about)


def about_segment(segment: Segment, lineage: str = "") -> str:
    """What an envelope is told that a segment of the journal is; the lineage may be unknown when it is read."""
    about = f"journal {segment[0]}/{segment[1]}"
    return f"{about} of {lineage}" if lineage else about


def _note(version: Version) -> VersionNote:
    state = version.state
    return VersionNote(
        state.serial, version.written_at, len(state.resources), version.checksum, state.lineage
    )


@frozen
class RemoteReading:
    """What may be believed under a head: nothing yet, or a version with the journal folded in. `segments`: all that lie there."""

    head: Head
    reading: Reading | None = None
    segments: tuple[Segment, ...] = ()


def believe(
    look: Callable[[], Head], library: Library, identity: Identity, marks: HighWaterMarks
) -> RemoteReading:
    """What may be believed of an environment. Raises DamagedStateError and StateMismatchError."""
    head: Head | None = None
    for _ in range(_ATTEMPTS):
        # Before the head: a writer folds its segments away after it has moved the head.
        there = library.segments()
        before, head = head, look()
        try:
            return weigh(head, there, library, identity, marks)
        except (DamagedStateError, StateMismatchError):
            if head == before:
                raise
    return weigh(look(), library.segments(), library, identity, marks)


def weigh(
    head: Head, there: list[Segment], library: Library, identity: Identity, marks: HighWaterMarks
) -> RemoteReading:
    """The verdict on what a head names, and on the segments of the journal that are there."""
    where = library.shelf.describe()
    if head.moved_to:
        raise MovedStateError(where, head.moved_to)
    if head.lost:
        raise DamagedStateError(
            f"{where} is damaged: no head says which version is in force", fix=way_out(library)
        )
    if head.current is None:
        return RemoteReading(head)
    version = _in_force(head.current, library)
    identity.check(version.state, where)
    _refuse_replay(head.current, marks, where)
    return _with_journal(head, version, there, library)


def _in_force(note: VersionNote, library: Library) -> Version:
    try:
        return library.version(note)
    except MalformedError as error:
        raise DamagedStateError(
            f"{library.shelf.describe()} cannot be used: {error}",
            fix=error.fix or way_out(library, note.serial),
        ) from None


def _refuse_replay(note: VersionNote, marks: HighWaterMarks, where: str) -> None:
    seen = marks.of(note.lineage)
    if note.serial < seen:
        raise DamagedStateError(
            f"{where} is old: it has serial {note.serial}, but {seen} was already written",
            fix=f"put back the newer one, or make this one count with `reconciler state restore {note.serial}`",
        )


def way_out(library: Library, damaged: int = -1) -> str:
    """What to do about a state that is lost or damaged."""
    serial = max((serial for serial in library.serials() if serial != damaged), default=-1)
    if serial < 0:
        return "put back a copy of it, or remove what lies there and rebuild it by `import --all`"
    return f"`reconciler state restore {serial}` brings back an earlier version"


def _with_journal(head: Head, version: Version, there: list[Segment], library: Library) -> RemoteReading:
    events: list[Event] = []
    journal = ""
    for segment in there:
        if segment < head.folded:
            continue
        content = _segment(segment, version, library)
        events.extend(content.events)
        journal = content.header.journal
    state: State = version.state.after(events) if events else version.state
    return RemoteReading(head, Reading(version, state, journal), tuple(there))


def _segment(segment: Segment, version: Version, library: Library) -> JournalContent:
    where, serial = library.shelf.describe(), version.state.serial
    fix = f"`reconciler state restore {serial}` goes on without it"
    try:
        content = library.journal(segment)
    except MalformedError as error:
        raise DamagedStateError(
            f"the journal at {where} cannot be used: {error}", fix=error.fix or fix
        ) from None
    if not belongs(content, version):
        raise DamagedStateError(
            f"the journal at {where} goes on from another version (serial {content.header.base_serial})"
            f" than the one in force (serial {serial})",
            fix=fix,
        )
    return content
