"""Why a plan does to a resource what it does, and what would have to be different: a pure function of the plan."""

from __future__ import annotations

from reconciler.render.explain.document import explanation_json
from reconciler.render.explain.grounds import Explanation, explain
from reconciler.render.explain.text import explanation_text

__all__ = ["Explanation", "explain", "explanation_json", "explanation_text"]
