"""Events while they happen: one plain line each, or a display in place on a terminal. Drawn at most ten times a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Protocol

from reconciler.model.address import ResourceAddress
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
from reconciler.render.harmless import harmless

_DOING = {
    "create": "creating",
    "update": "updating",
    "delete": "deleting",
    "adopt": "taking over",
    "run": "running",
    "resume": "watching",
}
_DONE = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "adopt": "taken over",
    "run": "ended",
    "forget": "forgotten",
    "move": "moved",
    "refresh": "accepted",
}


class Progress(Protocol):
    """Something that shows events as they come."""

    def report(self, batch: tuple[Event, ...]) -> None:
        """Shows a batch."""

    def close(self) -> None:
        """Ends the display; what was drawn in place is tidied up."""


@dataclass(slots=True)
class Tally:
    """What the events of a run came to."""

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
                case StepFailed():
                    self.failed.append(event)
                case StepSkipped():
                    self.skipped.append(event)
                case StepLeftUnsettled():
                    self.unsettled.append(event)
                case _:
                    pass


def line_of(event: Event, began: Mapping[str, float], now: float) -> str:
    """What an event says in one line; "" for one that is not worth a line."""
    match event:
        case StepBegun():
            return f"{event.address}: {_DOING.get(event.verb, event.verb)}"
        case StepSucceeded() if event.operation:
            return _succeeded(event, _took(event.operation, began, now))
        case StepSettled():
            gone = "gone" if event.prior is None else "settled: what runs is what was meant"
            return f"{event.address}: {gone}{_took(event.operation, began, now)}"
        case StepFailed():
            fix = f"; {event.fix}" if event.fix else ""
            return f"{event.address}: FAILED to {event.verb}: {event.message}{fix}"
        case StepSkipped():
            because = f"because of {event.because}" if event.because else event.reason
            return f"{event.address}: skipped, {because}"
        case StepLeftUnsettled():
            return f"{event.address}: {event.pending.what} still under way ({event.reason})"
        case StepRecovered():
            return f"{event.address}: recovered from an earlier run: {event.how}"
        case StepVoided():
            return f"{event.address}: {event.verb} {event.why}"
        case StepProgressed():
            return f"{event.address}: {event.note}"
        case _:
            return ""


def _succeeded(event: StepSucceeded, took: str) -> str:
    if event.narrowed:
        return f"{event.address}: nothing had to be sent"
    waits = event.prior.pending[0].what if event.prior and event.prior.pending else ""
    identity = f" ({event.prior.identity})" if event.prior and event.verb == "create" else ""
    if waits:
        return f"{event.address}: {_DONE.get(event.verb, event.verb)}{identity}, waiting for its {waits}"
    return f"{event.address}: {_DONE.get(event.verb, event.verb)}{identity}{took}"


def _took(operation: str, began: Mapping[str, float], now: float) -> str:
    if operation not in began:
        return ""
    seconds = now - began[operation]
    return f" after {seconds:.1f} s" if seconds >= 0.1 else ""


class LineProgress:
    """A line per event on a stream, for logs and pipes. Progress of one step is told at most every five seconds."""

    def __init__(self, stream: IO[str], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._monotonic = monotonic
        self._began: dict[str, float] = {}
        self._told: dict[ResourceAddress, tuple[float, str]] = {}

    def report(self, batch: tuple[Event, ...]) -> None:
        """Writes the lines of a batch."""
        now = self._monotonic()
        lines = []
        for event in batch:
            if isinstance(event, StepBegun):
                self._began[event.operation] = now
            if isinstance(event, StepProgressed) and not self._worth_telling(event, now):
                continue
            if line := line_of(event, self._began, now):
                lines.append(f"{harmless(line)}\n")
        if lines:
            self._stream.write("".join(lines))
            self._stream.flush()

    def _worth_telling(self, event: StepProgressed, now: float) -> bool:
        at, note = self._told.get(event.address, (-10.0, ""))
        if note == event.note or now - at < 5.0:
            return False
        self._told[event.address] = (now, event.note)
        return True

    def close(self) -> None:
        """Nothing to tidy up."""


class LiveProgress:
    """What runs now, in place at the bottom of a terminal; what ended scrolls by above."""

    def __init__(self, stream: IO[str], total: int) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(file=stream, highlight=False, soft_wrap=True)
        self._total = total
        self._ended = 0
        self._running: dict[ResourceAddress, tuple[float, str]] = {}
        self._began: dict[str, float] = {}
        self._live = Live(
            get_renderable=self._picture,
            console=self._console,
            refresh_per_second=10,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def report(self, batch: tuple[Event, ...]) -> None:
        """Takes a batch; the picture follows by itself."""
        now = time.monotonic()
        for event in batch:
            if isinstance(event, StepBegun):
                self._began[event.operation] = now
            self._follow(event, now)
            if isinstance(event, StepBegun | StepProgressed):
                continue
            if line := line_of(event, self._began, now):
                self._console.print(harmless(line), markup=False)

    def _follow(self, event: Event, now: float) -> None:
        match event:
            case StepBegun():
                self._running[event.address] = (now, _DOING.get(event.verb, event.verb))
            case StepProgressed():
                since = self._running.get(event.address, (now, ""))[0]
                self._running[event.address] = (since, event.note)
            case StepSucceeded() if event.prior and event.prior.pending:
                since = self._running.get(event.address, (now, ""))[0]
                self._running[event.address] = (since, f"waiting for its {event.prior.pending[0].what}")
            case StepSucceeded() | StepSettled() | StepFailed() | StepSkipped() | StepLeftUnsettled():
                self._running.pop(event.address, None)
                self._ended += 1
            case _:
                pass

    def _picture(self) -> Any:
        from rich.text import Text

        now = time.monotonic()
        lines = [f"{self._ended} of {self._total} done, {len(self._running)} under way"]
        for address, (since, what) in list(self._running.items())[:12]:
            lines.append(f"  {address}  {harmless(what)}  {now - since:.0f} s")
        if len(self._running) > 12:
            lines.append(f"  … and {len(self._running) - 12} more")
        return Text("\n".join(lines))

    def close(self) -> None:
        """Leaves the terminal as it was."""
        self._live.stop()
