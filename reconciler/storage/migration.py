"""Moves a state from one store to another so that a crash at any point leaves it in force at exactly one of them.

The source is marked as moved only after the target was read back. Asked again, it goes on where it was cut off.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.errors import StateError, StateMismatchError
from reconciler.model.state import State
from reconciler.storage.codec import encode_version
from reconciler.storage.moved import MovedStateError
from reconciler.storage.store import Store

COMMAND = "state migrate"


def migrate(source: Store, target: Store, environment: str | None) -> State:
    """Moves the state; there it belongs to this environment. Gives it as it is there.

    Raises StateMismatchError where the target holds another state, or a later one of the same.
    """
    if source.describe() == target.describe():
        raise StateError(f"the state lies at {source.describe()} already")
    if done := _done_before(source, target):
        return done
    with source.lock(COMMAND), target.lock(COMMAND):
        present = source.read()
        assert present is not None
        wanted = replace(present, environment=environment)
        if not _is_there(wanted, target):
            target.push(encode_version(wanted)[0], force=True)
        written = target.read()
        if written is None or not _same(written, wanted):
            raise StateError(
                f"{target.describe()} does not give back what was written; nothing was moved", fix="run again"
            )
        source.move_away(target.describe())
    return written


def _done_before(source: Store, target: Store) -> State | None:
    """What an earlier migration has moved there. Raises StateError where there is nothing to move."""
    try:
        if source.read() is None:
            raise StateError(
                f"there is no state at {source.describe()}", fix="say --from, if it lies elsewhere"
            )
    except MovedStateError as moved:
        if moved.where != target.describe():
            raise
        return target.read()
    return None


def _is_there(wanted: State, target: Store) -> bool:
    """Whether a migration that was cut off has written it already. Raises StateMismatchError for another state there."""
    try:
        present = target.read()
    except MovedStateError:
        _refuse_other(wanted.lineage, target.history()[0].lineage, target)
        return False
    if present is None:
        return False
    _refuse_other(wanted.lineage, present.lineage, target)
    if _same(present, wanted):
        return True
    if present.serial > wanted.serial:
        raise StateMismatchError(
            f"{target.describe()} has serial {present.serial} of this state, which is later than {wanted.serial}",
            fix="what lies there is in force; remove the one that you wanted to move",
        )
    return False


def _refuse_other(lineage: str, present: str, target: Store) -> None:
    if lineage != present:
        raise StateMismatchError(
            f"{target.describe()} holds another state (lineage {present}, not {lineage})",
            fix="choose another place; two states cannot become one",
        )


def _same(one: State, other: State) -> bool:
    return replace(one, serial=0) == replace(other, serial=0)
