"""What is known, and not yet written, while a lease is held: the journal's next segment, and the events that wait for it.

An intent is written at once. An end alone waits for the next write that is needed anyway: losing it costs recovery one look.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from reconciler.errors import UnavailableError
from reconciler.model.event import (
    Event,
    StepBegun,
    StepFailed,
    StepLeftUnsettled,
    StepProgressed,
    StepRecovered,
    StepSettled,
    StepSkipped,
    StepSucceeded,
    StepVoided,
)
from reconciler.model.state import State
from reconciler.storage.envelope import Envelope
from reconciler.storage.journal import JournalHeader, NotDurableError, recovery_record, whole_journal
from reconciler.storage.reading import Reading
from reconciler.storage.remote.head import segment_name
from reconciler.storage.remote.lease import LeaseLostError, Tenure
from reconciler.storage.remote.reading import Segment, about_segment
from reconciler.storage.remote.shelf import TakenError

_ENDS = (StepSucceeded, StepRecovered, StepSettled, StepFailed, StepVoided, StepLeftUnsettled, StepSkipped)
UNKNOWABLE = "unknowable"  # a kind that cannot be looked up again: no end of it may be lost


@dataclass(slots=True)
class Segments:
    """The journal of one run under one lease, written a segment at a time."""

    tenure: Tenure
    envelope: Envelope
    header: JournalHeader
    number: int
    unknowable: set[str]
    there: set[Segment]
    waiting: list[Event] = field(default_factory=list)

    def append(self, events: Iterable[Event], *, durable: bool = True) -> None:
        """Takes events in; returns once what must not be lost is written, and the lease still lasts."""
        kept = [event for event in events if not isinstance(event, StepProgressed)]
        self.waiting += kept
        self._note_unknowable(kept)
        if durable and (not kept or any(self._matters(event) for event in kept)):
            self.flush()
        self.tenure.check()

    def flush(self) -> None:
        """Writes what waits. Raises NotDurableError, and tries the same events again with the next ones."""
        if not self.waiting:
            return
        self.tenure.check()
        segment = (self.tenure.epoch, self.number)
        data = whole_journal(self.header, self.waiting)
        wrapped = self.envelope.wrap(data, about_segment(segment, self.header.lineage))
        try:
            self.tenure.shelf.create(segment_name(*segment), wrapped)
        except TakenError:
            raise LeaseLostError(
                f"somebody else writes the journal at {self.tenure.shelf.describe()}", fix="run again"
            ) from None
        except UnavailableError as error:
            self.number += 1  # it may be there all the same; events that are read twice count once
            raise self._not_durable(error) from None
        self.there.add(segment)
        self.number += 1
        self.waiting = []

    def _note_unknowable(self, events: Iterable[Event]) -> None:
        for event in events:
            if isinstance(event, StepBegun) and event.uniqueness == UNKNOWABLE:
                self.unknowable.add(event.operation)

    def _matters(self, event: Event) -> bool:
        if not isinstance(event, _ENDS):
            return True
        return not isinstance(event, StepSkipped) and event.operation in self.unknowable

    def _not_durable(self, error: UnavailableError) -> NotDurableError:
        return NotDurableError(
            f"{self.tenure.shelf.describe()} does not take the journal: {error.message}",
            events=tuple(self.waiting),
            record=recovery_record(self.header, self.waiting, self.envelope),
            fix=error.fix or "run again once it can be reached",
        )


@dataclass(slots=True)
class Session:
    """What is known while the lease is held."""

    tenure: Tenure
    was_read: bool = False
    reading: Reading | None = None
    journal: Segments | None = None
    run: str = ""
    there: set[Segment] = field(
        default_factory=set
    )  # segments that lie there, to be swept once they are folded
    has_kept: bool = False

    @property
    def has_unfolded(self) -> bool:
        """Whether a segment lies there that the version in force does not hold."""
        return any(segment >= self.tenure.head.folded for segment in self.there)

    def next_number(self) -> int:
        """The number of the next segment under this lease."""
        used = [number for epoch, number in self.there if epoch == self.tenure.epoch]
        if self.journal is not None:
            used.append(self.journal.number - 1)
        if self.tenure.head.folded[0] == self.tenure.epoch:
            used.append(self.tenure.head.folded[1] - 1)
        return max(used, default=-1) + 1

    def take_folded(self) -> set[Segment]:
        """The segments that count no more; they are forgotten here."""
        folded = {segment for segment in self.there if segment < self.tenure.head.folded}
        self.there -= folded
        return folded


def unknowable_in(state: State) -> set[str]:
    """The open operations of a state whose end must not be lost."""
    return {operation for operation, intent in state.intents.items() if intent.begun.uniqueness == UNKNOWABLE}


def require(session: Session | None) -> Session:
    """The session; writing without one is a mistake of the caller."""
    if session is None:
        raise RuntimeError("the state is written under the lock only")
    return session
