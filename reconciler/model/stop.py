"""The wish to stop, told once by Ctrl-C and heard by everybody who waits."""

from __future__ import annotations

import threading


class StopSignal:
    """Set from a signal handler; whoever waits with `wait` wakes at once."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def ask(self) -> None:
        """Asks everybody to finish what is under way and start nothing new."""
        self._event.set()

    def __call__(self) -> bool:
        """Whether stopping was asked for."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleeps, at most so long; True as soon as stopping is asked for."""
        return self._event.wait(seconds)
