"""The world's time: real time, moved ahead and sped up at will.

Nothing here ticks. Whatever takes time (rollouts, deletions, credentials) is worked out from `now()` when somebody looks.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import formatdate

END_OF_TIME = 221_845_392_000.0


class Clock:
    """Tells the world's time in Unix seconds; `anchor` (world time, real time, rate) is all it remembers."""

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        real = source()
        self.anchor = (real, real, 1.0)

    def now(self) -> float:
        """The world's time: what it was at the anchor, plus the real time since then at the clock's rate."""
        world, real, rate = self.anchor
        return world + (self._source() - real) * rate

    @property
    def rate(self) -> float:
        """World seconds per real second."""
        return self.anchor[2]

    def advance(self, seconds: float) -> None:
        """Jumps ahead; time never goes back."""
        if seconds < 0:
            raise ValueError("time only goes forward: advance by 0 or more seconds")
        if self.now() + seconds > END_OF_TIME:
            raise ValueError("that is after the year 9000")
        self.anchor = (self.now() + seconds, self._source(), self.rate)

    def set_rate(self, rate: float) -> None:
        """Lets time run `rate` times as fast from now on; 0 stops it."""
        if rate < 0:
            raise ValueError("time only goes forward: the rate is 0 or more")
        self.anchor = (self.now(), self._source(), rate)


def iso(moment: float) -> str:
    """A moment as Cloudflare writes it: UTC, milliseconds, `Z` (reference 1.9)."""
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def http_date(moment: float) -> str:
    """A moment as the `Date` header writes it."""
    return formatdate(moment, usegmt=True)
