"""Writes down what a run does, and does not give up when the disk refuses: nothing more is begun, what is under way ends.

With every later batch all that is not safe yet is tried again. What stays unwritten at the end is told as a recovery record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from reconciler.errors import StateError
from reconciler.model.event import Event, OutputsChanged, StepBegun, StepProgressed, StepSkipped, StepVoided
from reconciler.model.state import State
from reconciler.storage.journal import NotDurableError
from reconciler.storage.store import NotCommittedError, Store

_NOTHING_YET = (StepBegun, StepVoided, StepSkipped, StepProgressed, OutputsChanged)


class UnrecordedError(NotCommittedError):
    """What was done could be written nowhere; `record` says it as text that `state push` takes."""

    def __init__(self, message: str, *, record: str, fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.record = record


class Notebook:
    """The journal of one run over a store. `stop` asks everybody to start nothing new."""

    def __init__(self, store: Store, stop: Callable[[], object]) -> None:
        self._store = store
        self._stop = stop
        self._unsafe: NotDurableError | None = None
        self._has_done = False
        self.refusal: NotDurableError | None = None

    def append(self, events: Iterable[Event]) -> None:
        """Makes events durable, with all before them; where that fails, asks for a stop."""
        events = tuple(events)
        self._has_done = self._has_done or any(not isinstance(event, _NOTHING_YET) for event in events)
        try:
            self._store.append(events)
        except NotDurableError as error:
            self._unsafe = error
            self.refusal = self.refusal or error
            self._stop()
        else:
            self._unsafe = None

    def given_up(self, state: State) -> StateError:
        """The error that a run ends with that was refused, once the state is written where that is possible by now."""
        refusal = self.refusal
        assert refusal is not None
        try:
            self._store.commit(state)
        except StateError as error:
            if not self._has_done:
                return StateError(f"{error.message}; nothing was done", fix=error.fix)
            if self._unsafe is None:
                return NotCommittedError(error.message, fix=error.fix)
            return UnrecordedError(
                f"{error.message}; what was done stands only in the lines above",
                record=self._unsafe.record,
                fix="save them in a file, make room, and give them to `state push FILE`; or run again: it looks everything up",
            )
        if not self._has_done:
            return StateError(f"{refusal.message}; nothing was done", fix=refusal.fix)
        return NotCommittedError(
            f"{refusal.message}; nothing more was begun then, and what was done is recorded by now",
            fix=refusal.fix,
        )
