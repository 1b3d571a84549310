"""Decides whether what lies on disk may be believed: state, journal, history, lock and high-water mark must agree.

Reads only. A state that is missing, torn, replayed or another's is an error, never "nothing exists".
"""

from __future__ import annotations

from reconciler.errors import DamagedStateError, StateMismatchError
from reconciler.frozen import frozen
from reconciler.model.state import State
from reconciler.storage.codec import MalformedError, Version, decode_version
from reconciler.storage.disk import read_whole
from reconciler.storage.high_water import HighWaterMarks
from reconciler.storage.identity import Identity
from reconciler.storage.journal import JournalContent, parse_journal
from reconciler.storage.lock import left_by
from reconciler.storage.state_file import History, StatePaths, unreadable

_ATTEMPTS = 5


@frozen
class Found:
    """Everything that lies on disk about one environment, believed or not."""

    newest: int  # serial in the history, -1: none
    newest_lineage: str
    was_guarded: bool  # a lock was left that had a state to guard
    journal: bytes | None
    state: bytes | None


@frozen
class Reading:
    """What may be believed. `state` is the version with the journal folded in; `journal` is that journal's id."""

    version: Version
    state: State
    journal: str = ""


def look(paths: StatePaths) -> Found:
    """Reads the state last: everything else is written after it, so a writer at work makes nothing look newer."""
    history = History.at(paths)
    newest = history.newest()
    head = history.head(newest) if newest >= 0 else None
    holder = left_by(paths.lock)
    journal = _bytes(paths, "journal")
    return Found(
        newest=newest,
        newest_lineage=head.lineage if head else "",
        was_guarded=holder is not None and holder.guards_state,
        journal=journal,
        state=_bytes(paths, "state"),
    )


def believe(paths: StatePaths, identity: Identity, marks: HighWaterMarks) -> Reading | None:
    """What may be believed of an environment's files; None where there really is nothing.

    Without the lock somebody may be writing at this very moment: what does not fit is looked at again while it changes.
    """
    found = look(paths)
    for _ in range(_ATTEMPTS):
        try:
            return weigh(found, paths, identity, marks)
        except (DamagedStateError, StateMismatchError):
            again = look(paths)
            if again == found:
                raise
            found = again
    return weigh(found, paths, identity, marks)


def weigh(found: Found, paths: StatePaths, identity: Identity, marks: HighWaterMarks) -> Reading | None:
    """The verdict on what was found."""
    if found.state is None:
        _refuse_loss(found, paths)
        return None
    try:
        version = decode_version(paths.envelope.unwrap(found.state, "version"))
    except MalformedError as error:
        raise unreadable(paths.state, error, way_out(found, paths)) from None
    identity.check(version.state, str(paths.state))
    _refuse_other_lineage(version.state, found, paths)
    _refuse_replay(version.state, max(found.newest, marks.of(version.state.lineage)), paths)
    return _with_journal(version, found, paths)


def moved_to(paths: StatePaths) -> str | None:
    """Where the state was moved; None where it was not."""
    mark = _bytes(paths, "moved")
    return None if mark is None else mark.decode(errors="replace").strip()


def way_out(found: Found, paths: StatePaths) -> str:
    """What to do about a state that is lost or damaged."""
    if found.newest < 0:
        return f"put back a copy of it, or move {paths.folder}/{paths.name}.* away and rebuild it by `import --all`"
    return f"`reconciler state restore {found.newest}` brings back the last version kept"


def journal_of(found: Found, paths: StatePaths) -> JournalContent | None:
    """What the journal says, if it can be understood. Raises MalformedError."""
    return None if found.journal is None else parse_journal(found.journal, paths.envelope)


def belongs(journal: JournalContent, version: Version) -> bool:
    """Whether a journal goes on from this very version."""
    base = (journal.header.lineage, journal.header.base_serial, journal.header.base_checksum)
    return base == (version.state.lineage, version.state.serial, version.checksum)


def _refuse_loss(found: Found, paths: StatePaths) -> None:
    beside = [
        what
        for what, there in (
            ("its journal", found.journal is not None),
            ("its history", found.newest >= 0),
            ("the lock of a run that had one", found.was_guarded),
        )
        if there
    ]
    if beside:
        raise DamagedStateError(
            f"{paths.state} is missing, but {' and '.join(beside)} lies beside it", fix=way_out(found, paths)
        )


def _refuse_other_lineage(state: State, found: Found, paths: StatePaths) -> None:
    if found.newest_lineage not in ("", state.lineage):
        raise StateMismatchError(
            f"{paths.state} has the lineage {state.lineage}, its history has {found.newest_lineage}",
            fix=f"put back the state that belongs here, or move {paths.history} away",
        )


def _refuse_replay(state: State, seen: int, paths: StatePaths) -> None:
    if state.serial < seen:
        raise DamagedStateError(
            f"{paths.state} is old: it has serial {state.serial}, but {seen} was already written",
            fix=f"put back the newer one, or make this one count with `reconciler state restore {state.serial}`",
        )


def _with_journal(version: Version, found: Found, paths: StatePaths) -> Reading:
    try:
        journal = journal_of(found, paths)
    except MalformedError as error:
        fix = f"`reconciler state restore {version.state.serial}` goes on without it"
        raise unreadable(paths.journal, error, fix) from None
    if journal is None:
        return Reading(version, version.state)
    header = journal.header
    if header.lineage != version.state.lineage:
        raise StateMismatchError(
            f"{paths.journal} has the lineage {header.lineage}, the state has {version.state.lineage}",
            fix=f"put back the state that belongs to it, or move {paths.journal} away",
        )
    if (
        header.journal == version.folded
    ):  # the writer ended between writing the state and removing the journal
        return Reading(version, version.state, header.journal)
    if not belongs(journal, version):
        raise DamagedStateError(
            f"{paths.journal} goes on from another version (serial {header.base_serial}) than {paths.state}"
            f" (serial {version.state.serial})",
            fix=f"put back the state it belongs to, or go on without it: `reconciler state restore {version.state.serial}`",
        )
    return Reading(version, version.state.after(journal.events), header.journal)


def _bytes(paths: StatePaths, what: str) -> bytes | None:
    path = getattr(paths, what)
    try:
        return read_whole(path)
    except OSError as error:
        raise unreadable(path, error.strerror or "it cannot be read") from None
