"""A plan for people at a terminal: verdict first, danger lifted out, then the waves in the order of execution."""

from __future__ import annotations

from reconciler.render.text.document import render_plan
from reconciler.render.text.sheet import Style

__all__ = ["Style", "render_plan"]
