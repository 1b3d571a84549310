"""What to make of versions, journals and documents when the usual reading is no longer possible or no longer wanted.

The pure part of `state restore` and `state push`; the writing is left to the store.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace

from reconciler.errors import DamagedStateError, StateError, StateMismatchError
from reconciler.model.state import State
from reconciler.storage.codec import (
    MalformedError,
    Version,
    decode_unsealed,
    decode_version,
    has_checksum,
    head_of,
)
from reconciler.storage.disk import read_whole
from reconciler.storage.envelope import Envelope
from reconciler.storage.journal import JournalContent, parse_journal
from reconciler.storage.reading import Reading, belongs
from reconciler.storage.state_file import History, StatePaths


def version_of(paths: StatePaths, serial: int) -> Version:
    """A version by its serial: the present one if it is that and whole, else from the history."""
    present = present_version(paths)
    if present is not None and present.state.serial == serial:
        return present
    return History.at(paths).read(serial)


def present_version(paths: StatePaths) -> Version | None:
    """The state's file, as far as it is whole by itself."""
    with contextlib.suppress(OSError, MalformedError):
        return decode_version(paths.envelope.unwrap(read_whole(paths.state) or b"", "version"))
    return None


def present_journal(paths: StatePaths) -> JournalContent | None:
    """The journal, as far as it is whole by itself."""
    with contextlib.suppress(OSError, MalformedError):
        return parse_journal(read_whole(paths.journal) or b"", paths.envelope)
    return None


def restored(old: Version, paths: StatePaths) -> State:
    """An earlier version as it counts today.

    What began and never ended, and what we deleted lately, is true of the world whatever is restored: it is taken over from
    the present. Where the present is lost and the journal goes on from this version, nothing is lost at all.
    """
    present, journal = present_version(paths), present_journal(paths)
    base = present or old
    unfolded = journal is not None and journal.header.journal != base.folded
    known = base.state.after(journal.events) if journal and unfolded else base.state
    if present is None and journal and belongs(journal, old):
        return known
    return replace(old.state, intents=known.intents, tombstones=known.tombstones)


def highest_serial(paths: StatePaths) -> int:
    """The highest serial that anything in the folder bears; -1: none."""
    serials = [History.at(paths).newest()]
    with contextlib.suppress(OSError, MalformedError):
        if head := head_of(paths.envelope.unwrap(read_whole(paths.state) or b"", "version")):
            serials.append(head.serial)
    if journal := present_journal(paths):
        serials.append(journal.header.base_serial)
    return max(serials)


def parsed_document(document: bytes, envelope: Envelope) -> Version:
    """The state in a document from outside, which may have been edited."""
    try:
        document = envelope.lenient().unwrap(document, "version")
        return decode_version(document) if has_checksum(document) else decode_unsealed(document)
    except MalformedError as error:
        raise DamagedStateError(
            f"the document cannot be taken: {error}",
            fix=error.fix or 'after editing it by hand, take its "checksum" out',
        ) from None


def check_goes_on(pushed: State, present: State) -> None:
    """Raises StateMismatchError for a document that was not made from the present state."""
    if pushed.lineage != present.lineage:
        raise StateMismatchError(
            f"the document has the lineage {pushed.lineage}, the state has {present.lineage}",
            fix="push it with --force if it is to take the state's place",
        )
    if pushed.serial < present.serial:
        raise StateMismatchError(
            f"the document was made from serial {pushed.serial}, the state has serial {present.serial}",
            fix="pull again and repeat the edit",
        )


def with_record(document: bytes, reading: Reading | None, envelope: Envelope) -> State:
    """The state once a recovery record is folded in, if nothing has been written since it was printed."""
    try:
        record = parse_journal(document, envelope.lenient())
    except MalformedError as error:
        raise DamagedStateError(f"the recovery record cannot be used: {error}", fix=error.fix) from None
    if reading is None:
        raise StateError("there is no state for the recovery record to go on from")
    if record.header.journal != reading.journal and not belongs(record, reading.version):
        raise StateMismatchError(
            f"the recovery record goes on from serial {record.header.base_serial}, which is no longer the present one",
            fix="it is no longer needed: a later run has looked up what was open",
        )
    return reading.state.after(record.events)
