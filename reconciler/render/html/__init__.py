"""A plan as one HTML file that needs no network: the graph to look at and click, every difference, rollouts as charts."""

from __future__ import annotations

from reconciler.render.html.document import render_html

__all__ = ["render_html"]
