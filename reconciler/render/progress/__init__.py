"""Events while they happen: one plain line each, or a display in place on a terminal, drawn at most ten times a second."""

from __future__ import annotations

from reconciler.render.progress.lines import LineProgress, Progress, Together
from reconciler.render.progress.live import LiveProgress
from reconciler.render.progress.tally import Tally

__all__ = ["LineProgress", "LiveProgress", "Progress", "Tally", "Together"]
