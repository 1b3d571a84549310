"""Ctrl-C once: finish what is under way, record, stop. Twice: stop now; the journal knows. SIGTERM is a first Ctrl-C."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from reconciler.cli.saying import note
from reconciler.model.stop import StopSignal


@contextmanager
def interruptible(stop: StopSignal) -> Iterator[None]:
    """Turns signals into a wish to stop for as long as the block lasts."""

    def on_signal(number: int, _frame: Any) -> None:
        if stop() and number == signal.SIGINT:
            os._exit(130)
        stop.ask()
        os.write(2, b"\nstopping: finishing what is under way (Ctrl-C again to stop at once)\n")

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def note_interrupted() -> None:
    """Says that the run was cut short and how to go on."""
    note("interrupted: what is done is recorded; run again to go on")
