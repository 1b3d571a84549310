"""The moments at which a run may be cut: around every request and every durable write. From outside: the product has no hook.

Used in a process of its own only, whose system calls and requests it wraps.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx

SIGNALS = {
    "kill": (signal.SIGKILL,),
    "int": (signal.SIGINT,),
    "term": (signal.SIGTERM,),
    "twice": (signal.SIGINT, signal.SIGINT),
}


class Boundaries:
    """Counts the boundaries of a run, and at one of them sends the process a signal."""

    def __init__(self, at: int = 0, act: str = "kill", *, tell: Callable[..., object]) -> None:
        self.seen: Counter[str] = Counter()
        self.written = 0  # bytes
        self._at, self._signals, self._tell = at, SIGNALS[act], tell
        self._lock = threading.Lock()

    def watch(self) -> None:
        """From now on."""
        for name in ("fsync", "replace", "rename", "unlink"):
            self._wrap(os, name)
        self._wrap(httpx.HTTPTransport, "handle_request")
        self._halve_writes()

    def _wrap(self, owner: Any, name: str) -> None:
        inner: Callable[..., Any] = getattr(owner, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self._pass(f"before {name}")
            answer = inner(*args, **kwargs)
            self._pass(f"after {name}")
            return answer

        setattr(owner, name, wrapped)

    def _halve_writes(self) -> None:
        """A write is cut in its middle."""
        inner = os.pwrite

        def wrapped(descriptor: int, data: Any, offset: int) -> int:
            half = len(data) // 2
            inner(descriptor, data[:half], offset)
            self.written += len(data)
            self._pass("middle of write")
            return half + inner(descriptor, data[half:], offset + half)

        vars(os)["pwrite"] = wrapped

    def _pass(self, what: str) -> None:
        with self._lock:
            self.seen[what] += 1
            is_here = self.seen.total() == self._at
        if is_here:
            self._tell(signalled=time.perf_counter())
            for number in self._signals:
                os.kill(os.getpid(), number)
