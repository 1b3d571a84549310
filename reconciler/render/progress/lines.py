"""Progress as plain lines, for logs and pipes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import IO, Protocol

from reconciler.model.address import ResourceAddress
from reconciler.model.event import Event, StepBegun, StepProgressed
from reconciler.render.progress.words import line_of

_TOLD_EVERY = 5.0


class Progress(Protocol):
    """Something that shows events as they come."""

    def report(self, batch: tuple[Event, ...]) -> None:
        """Shows a batch."""

    def close(self) -> None:
        """Ends the display; what was drawn in place is tidied up."""


class Together:
    """Shows each batch in several ways, such as to a program on stdout and to a person on stderr."""

    def __init__(self, *shown: Progress) -> None:
        self._shown = shown

    def report(self, batch: tuple[Event, ...]) -> None:
        """Shows a batch in each way."""
        for one in self._shown:
            one.report(batch)

    def close(self) -> None:
        """Ends each display."""
        for one in self._shown:
            one.close()


class LineProgress:
    """A line per event on a stream. How far one step is, is told at most every five seconds."""

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
            line = line_of(event, self._began, now)
            if isinstance(event, StepProgressed) and not self._is_news(event.address, line, now):
                continue
            if line:
                lines.append(f"{line}\n")
        if lines:
            self._stream.write("".join(lines))
            self._stream.flush()

    def _is_news(self, address: ResourceAddress, line: str, now: float) -> bool:
        at, told = self._told.get(address, (-_TOLD_EVERY, ""))
        if line == told or now - at < _TOLD_EVERY:
            return False
        self._told[address] = (now, line)
        return True

    def close(self) -> None:
        """Nothing to tidy up."""
