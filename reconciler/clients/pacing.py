"""When the next request may begin: the budget that Cloudflare announces, and the gate after a 429.

`Budget` is the arithmetic and has no clock; `Pacer` shares one between threads and does the waiting.
A server that announces nothing is never slowed down (reference 1.7).
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reconciler.errors import InterruptedRunError

_POLICY = re.compile(r'"?([^",;]*)"?((?:;[^,]*)+)')
_NUMBER = re.compile(r";\s*([a-z]+)=(\d+)")
_SAME_WINDOW = 1.5  # `t` is whole seconds, so two answers of one window may differ by one
_SLICE = 0.1
_GLANCE = 0.01
_WORTH_TELLING = 1.0


@dataclass(slots=True)
class _Window:
    lowest: int  # the fewest remaining requests that an answer of this window told of
    resets_at: float
    quota: int


class Budget:
    """Counts what may still be asked for in each window that the server announces.

    What remains by an answer is right for all that has ended and may miss what is under way, so `lowest`
    less what is under way never exceeds what the server would allow. What is not known yet, ran dry or was
    refused is opened by one request alone: its answer tells how much there is.
    """

    def __init__(self) -> None:
        self._under_way = 0
        self._windows: dict[str, _Window] = {}
        self._alone_from: float | None = 0.0

    def delay(self, now: float) -> float:
        """Says for how many seconds no request may begin; 0: one may begin now."""
        gate = 0.0 if self._alone_from is None else self._alone(self._alone_from, now)
        return max(gate, *(self._delay(window, now) for window in self._windows.values()), 0.0)

    def _delay(self, window: _Window, now: float) -> float:
        reserve = max(1, window.quota // 50)
        if window.lowest - self._under_way > reserve:
            return 0.0
        if window.lowest > reserve:
            return _GLANCE
        # Where nothing at all is left, `t` may have been rounded down.
        return self._alone(window.resets_at if window.lowest > 0 else window.resets_at + 1.0, now)

    def _alone(self, opens_at: float, now: float) -> float:
        if now < opens_at:
            return opens_at - now
        return _GLANCE if self._under_way else 0.0

    def begin(self) -> None:
        """Counts a request as under way."""
        self._under_way += 1

    def end(self, now: float, headers: Mapping[str, str] | None, refused_for: float | None) -> None:
        """Learns from what became of a request: no headers, no answer; refused for seconds, a 429."""
        self._under_way -= 1
        if headers is None:
            for window in self._windows.values():
                window.lowest -= 1
        else:
            self._read(headers, now)
        if refused_for is not None:
            self._alone_from = max(self._alone_from or 0.0, now + refused_for)
        elif self._alone_from is not None and now >= self._alone_from:
            self._alone_from = None

    def _read(self, headers: Mapping[str, str], now: float) -> None:
        announced = headers.get("ratelimit")
        if not announced:
            return
        quotas = {name: numbers.get("q", 0) for name, numbers in parse(headers.get("ratelimit-policy", ""))}
        for name, numbers in parse(announced):
            if "r" in numbers:
                self._learn(name, numbers["r"], now, numbers.get("t", 0), quotas.get(name, 0))

    def _learn(self, name: str, remaining: int, now: float, seconds: int, quota: int) -> None:
        known = self._windows.get(name)
        resets_at = now + seconds
        if known is None or now >= known.resets_at or resets_at > known.resets_at + _SAME_WINDOW:
            highest = max(quota, remaining + 1, known.quota if known else 0)
            self._windows[name] = _Window(remaining, resets_at, highest)
        elif resets_at > known.resets_at - _SAME_WINDOW:
            known.lowest = min(known.lowest, remaining)
            known.resets_at = min(known.resets_at, resets_at)


class Pacer:
    """Lets threads begin requests when the budget allows, and tells once how long a wait will be."""

    def __init__(
        self,
        *,
        sleep: Callable[[float], object] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        stop: Callable[[], bool] = lambda: False,
        on_wait: Callable[[float, str], object] = lambda _seconds, _reason: None,
    ) -> None:
        self._sleep = sleep
        self._monotonic = monotonic
        self._stop = stop
        self._on_wait = on_wait
        self._budget = Budget()
        self._lock = threading.Lock()
        self._told_until = 0.0

    def begin(self) -> None:
        """Returns when a request may begin, or raises when the user asks to stop meanwhile."""
        while delay := self._try():
            self._tell(delay)
            self._rest(min(delay, _SLICE))

    def _try(self) -> float:
        with self._lock:
            delay = self._budget.delay(self._monotonic())
            if not delay:
                self._budget.begin()
            return delay

    def end(self, headers: Mapping[str, str] | None = None, *, refused_for: float | None = None) -> None:
        """Gives back what `begin` took, with the answer's headers, or None if no answer came."""
        with self._lock:
            self._budget.end(self._monotonic(), headers, refused_for)

    def pause(self, seconds: float) -> None:
        """Waits, unless the user asks to stop: then it raises."""
        while seconds > 0:
            self._rest(min(seconds, _SLICE))
            seconds -= _SLICE

    def _rest(self, seconds: float) -> None:
        if self._stop():
            raise InterruptedRunError("stopped while waiting for Cloudflare's API")
        self._sleep(seconds)

    def _tell(self, delay: float) -> None:
        until = self._monotonic() + delay
        with self._lock:
            news = delay > _WORTH_TELLING and until > self._told_until + _WORTH_TELLING
            if news:
                self._told_until = until
        if news:
            self._on_wait(delay, "Cloudflare's request budget is spent for now")


def parse(header: str) -> list[tuple[str, dict[str, int]]]:
    """Reads `"default";r=50;t=30, "burst";r=9;t=1` as names with their numbers."""
    return [
        (name.strip(), {key: int(number) for key, number in _NUMBER.findall(numbers)})
        for name, numbers in _POLICY.findall(header)
    ]
