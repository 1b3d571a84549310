"""The right to write at a remote place: held for a minute, renewed by a heartbeat, fenced by an epoch.

A holder judges its own lease by its own steady clock; others judge it by the place's clock and by whether it still beats.
Nobody's wall clock decides anything. Whoever finds a lease that has run out takes it under the next epoch.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from reconciler.errors import ProviderError, ReconcilerError, StateError, UnavailableError
from reconciler.frozen import frozen
from reconciler.storage.remote.head import HEAD_NAME, Head, Lease, encode_head
from reconciler.storage.remote.shelf import Shelf, TakenError
from reconciler.storage.store import LEASE_SECONDS, REQUEST_SECONDS

BEATS_PER_LEASE = 4


class LeaseLostError(StateError):
    """The lease ran out, or somebody else has taken it: nothing more may be written, and nothing more begun."""

    exit_code = 4


def steady_seconds() -> float:
    """A clock that nobody sets, and that goes on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@frozen
class Timing:
    """The clocks of a lease, and how it is renewed; tests hand in their own."""

    steady: Callable[[], float] = steady_seconds
    sleep: Callable[[float], Any] = time.sleep
    seconds: float = LEASE_SECONDS
    beats: bool = True

    @property
    def request_seconds(self) -> float:
        """For how long the lease must last when a request to the API begins."""
        return self.seconds * REQUEST_SECONDS / LEASE_SECONDS


class Tenure:
    """A lease that is held, and the head that only its holder may replace. Safe for a writing and a beating thread."""

    def __init__(self, shelf: Shelf, head: Head, tag: str, began: float, timing: Timing) -> None:
        self.shelf = shelf
        self.head = head
        self._tag = tag
        self._timing = timing
        self._began = began
        self._renewed = began
        self._lost = ""
        self._mutex = threading.RLock()
        self._ended = threading.Event()
        if timing.beats:
            threading.Thread(target=self._pulse, daemon=True, name="heartbeat").start()

    @property
    def epoch(self) -> int:
        """The number under which this holder writes, and nobody else."""
        return self.head.epoch

    def ensure(self, ahead: float) -> None:
        """Raises LeaseLostError unless the lease, renewed if need be, lasts for so many seconds more."""
        if self._left() <= ahead:
            self.beat()
        self.check(ahead)

    def check(self, ahead: float = 0.0) -> None:
        """Raises LeaseLostError unless the lease lasts for so many seconds more."""
        left = self._left()
        if left <= 0 and not self._lost:
            self._lost = "it was not renewed in time"
        if self._lost or left <= ahead:
            raise LeaseLostError(
                f"the lease on {self.shelf.describe()} is over: {self._lost or 'it cannot be renewed'}",
                fix="nothing more was begun; run again, it goes on from what was recorded",
            )

    def write(self, change: Callable[[Head], Head]) -> Head:
        """Replaces the head, which also renews the lease. Raises LeaseLostError if it is no longer ours to replace."""
        with self._mutex:
            self.check()
            return self._write(change(self.head))

    def beat(self) -> None:
        """Renews the lease; without an answer it is left as it is, and the next beat tries again."""
        with self._mutex, contextlib.suppress(UnavailableError):
            self.write(lambda head: head)

    def give_back(self) -> None:
        """Ends the tenure. Where that fails nothing is lost: the lease runs out."""
        self._ended.set()
        with self._mutex, contextlib.suppress(LeaseLostError):
            self.check()
            ticket = self.head.lease.ticket if self.head.lease else ""
            with contextlib.suppress(ProviderError):
                self._write(replace(self.head, lease=None, last_ticket=ticket))
            with contextlib.suppress(ProviderError):
                self.shelf.leave(ticket)

    def _left(self) -> float:
        return self._renewed + self._timing.seconds - self._timing.steady()

    def _write(self, head: Head) -> Head:
        began = self._timing.steady()
        lease = head.lease and replace(head.lease, held_for=round(began - self._began, 1))
        head = replace(head, lease=lease, beat=head.beat + 1)
        try:
            self._tag = self.shelf.replace(HEAD_NAME, encode_head(head), self._tag)
        except TakenError:
            self._lost = "somebody else has taken it"
            self.check()
        self.head, self._renewed = head, began
        return head

    def _pulse(self) -> None:
        while not self._ended.wait(self._timing.seconds / BEATS_PER_LEASE):
            try:
                self.beat()
            except ReconcilerError:  # whoever writes next is told
                return


def next_head(head: Head, lease: Lease) -> Head:
    """The head under a new holder: an epoch of its own, and a beat that nobody has seen."""
    return replace(head, epoch=head.epoch + 1, beat=head.beat + 1, lease=lease)
