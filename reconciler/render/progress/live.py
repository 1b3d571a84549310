"""Progress in place at the bottom of a terminal; what has ended scrolls by above. Redrawn at most ten times a second."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from typing import IO

from reconciler.model.event import Event, StepBegun, StepProgressed
from reconciler.model.plan import Plan
from reconciler.render.harmless import harmless
from reconciler.render.layout import columns, pad
from reconciler.render.progress.story import Doing, Story
from reconciler.render.progress.words import clock, line_of, measured

_SHORTEST_PAUSE = 0.1
_MOST_ROWS = 12
_MOST_WAITING = 3
_BAR = 12
_WIDEST_NAME = 32


class LiveProgress:
    """What runs and how far it is, what waits for what, how long it takes and should take.

    `ticking`: redraws by itself while nothing happens, so that the time goes on.
    """

    def __init__(
        self,
        stream: IO[str],
        total: int,
        plan: Plan | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        size: Callable[[], tuple[int, int]] = shutil.get_terminal_size,
        ticking: bool = True,
    ) -> None:
        self._stream = stream
        self._story = Story.of(total, plan)
        self._monotonic = monotonic
        self._size = size
        self._ticking = ticking
        self._began = monotonic()
        self._drawn_at = -1.0
        self._height = 0
        self._lines: list[str] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._ticker: threading.Thread | None = None

    def report(self, batch: tuple[Event, ...]) -> None:
        """Takes a batch; what has ended is printed for good."""
        with self._lock:
            now = self._monotonic()
            for event in batch:
                self._story.take(event, now)
                if not isinstance(event, StepBegun | StepProgressed):
                    line = line_of(event, self._story.began, now)
                    self._lines += [line] if line else []
            if now - self._drawn_at >= _SHORTEST_PAUSE:
                self._draw(now)
        self._tick()

    def close(self) -> None:
        """Takes the picture away; the next batch brings it back."""
        self._stop.set()
        if self._ticker is not None:
            self._ticker.join()
            self._ticker = None
        with self._lock:
            self._write([])

    def _tick(self) -> None:
        if self._ticker is not None or not self._ticking:
            return
        self._stop.clear()
        self._ticker = threading.Thread(target=self._keep_drawing, daemon=True)
        self._ticker.start()

    def _keep_drawing(self) -> None:
        while not self._stop.wait(2 * _SHORTEST_PAUSE):
            with self._lock:
                now = self._monotonic()
                if now - self._drawn_at >= _SHORTEST_PAUSE:
                    self._draw(now)

    def _draw(self, now: float) -> None:
        self._drawn_at = now
        width, height = self._size()
        rows = list(self._picture(now))[: max(1, height - 2)]
        self._write([_cut(row, width - 1) for row in rows])

    def _write(self, rows: list[str]) -> None:
        """Replaces the picture in one write: over the old one what has ended, then the new one."""
        away = f"\x1b[{self._height}A\r\x1b[J" if self._height else ""
        text = "".join(f"{line}\n" for line in (*self._lines, *rows))
        self._lines, self._height = [], len(rows)
        if away or text:
            self._stream.write(away + text)
            self._stream.flush()

    def _picture(self, now: float) -> Iterator[str]:
        story = self._story
        yield self._headline(now)
        shown = list(story.running.items())[:_MOST_ROWS]
        width = min(max((columns(address) for address, _ in shown), default=0), _WIDEST_NAME)
        for address, one in shown:
            yield f"  {pad(address, width)}  {_row(one, now)}"
        if len(story.running) > _MOST_ROWS:
            yield f"  … and {len(story.running) - _MOST_ROWS} more under way"
        waiting = list(story.waiting())
        for address, other in waiting[:_MOST_WAITING]:
            yield f"  {pad(address, width)}  waits for {other}"
        if waiting and story.waits > _MOST_WAITING:
            yield f"  … and {story.waits - min(_MOST_WAITING, len(waiting))} more have not begun"

    def _headline(self, now: float) -> str:
        story = self._story
        parts = [f"{min(story.ended, story.total)} of {story.total} done", f"{len(story.running)} under way"]
        parts += [f"{story.failed} FAILED"] if story.failed else []
        parts += [f"{story.skipped} skipped"] if story.skipped else []
        expected = f" of about {clock(story.expected)}" if story.expected >= 1 else ""
        return f"{', '.join(parts)}  {clock(now - self._began)}{expected}"


def _row(one: Doing, now: float) -> str:
    """What is done, how far it is as a bar and in numbers, how long it takes and should take."""
    expected = f" of about {clock(one.expected)}" if one.expected >= 2 else ""
    took, what = f"{clock(now - one.since)}{expected}", harmless(one.what)
    if one.of <= 1:
        return f"{what}  {took}"
    return f"{_bar(one.done / one.of)} {measured(one.done, one.of)}  {took}  {what}"


def _bar(share: float) -> str:
    full = round(_BAR * max(0.0, min(share, 1.0)))
    return f"[{'#' * full}{'.' * (_BAR - full)}]"


def _cut(text: str, width: int) -> str:
    """A row that takes one line, whatever the terminal's width."""
    if columns(text) <= width:
        return text
    while columns(text) > width - 1:
        text = text[: -max(1, (columns(text) - width) // 2)]
    return f"{text}…"
