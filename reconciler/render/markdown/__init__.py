"""A plan for a pull request: always within the limit and well-formed, by priority and not by cutting.

Nothing in a name or value can break out of its place, mention anybody, link, or close a block.
"""

from __future__ import annotations

from reconciler.render.markdown.document import render_markdown
from reconciler.render.markdown.history import EarlierPlan, earlier_plans, made_at, marker, stamp
from reconciler.render.markdown.marks import BITBUCKET, DIALECTS, GITHUB, GITLAB, Dialect
from reconciler.render.markdown.sheet import Links

__all__ = [
    "BITBUCKET",
    "DIALECTS",
    "GITHUB",
    "GITLAB",
    "Dialect",
    "EarlierPlan",
    "Links",
    "earlier_plans",
    "made_at",
    "marker",
    "render_markdown",
    "stamp",
]
