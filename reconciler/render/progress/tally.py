"""What the events of a run came to: for the summary and the exit code."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.model.event import (
    Event,
    StepFailed,
    StepLeftUnsettled,
    StepSettled,
    StepSkipped,
    StepSucceeded,
)


@dataclass(slots=True)
class Tally:
    """Counts what was done, and keeps what failed, was skipped or left under way."""

    done: int = 0
    failed: list[StepFailed] = field(default_factory=list)
    skipped: list[StepSkipped] = field(default_factory=list)
    unsettled: list[StepLeftUnsettled] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def take(self, batch: tuple[Event, ...]) -> None:
        """Counts a batch."""
        for event in batch:
            match event:
                case StepSucceeded() if event.operation:
                    self.done += 1
                    self.notes.extend(f"{event.address}: {note}" for note in event.notes)
                case StepSettled():
                    self.notes.extend(f"{event.address}: {note}" for note in event.notes)
                case StepFailed():
                    self.failed.append(event)
                case StepSkipped():
                    self.skipped.append(event)
                case StepLeftUnsettled():
                    self.unsettled.append(event)
                case _:
                    pass
