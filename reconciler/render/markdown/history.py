"""The hidden lines of a comment: what it is about, so that it is found again, and which plans it showed before."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from reconciler.frozen import frozen
from reconciler.model.plan import Plan
from reconciler.render.markdown.marks import Dialect, hidden
from reconciler.render.markdown.sheet import Links
from reconciler.render.verdict import headline

_MOST = 10
_FIELD = 240
_TIME = re.compile(r"reconciler:made:v1 at=([\w%._~]*)")
_RECORD = re.compile(r"reconciler:(?:plan|was):v1 ([\w%=._~ -]*?)(?: -->|\)$)", re.MULTILINE)


@frozen
class EarlierPlan:
    """A plan that a comment showed before: its hash, the commit it was for, and what it came to."""

    plan_hash: str
    commit: str
    verdict: str


def marker(plan: Plan, manifest: str = "") -> str:
    """What the comment of a manifest and environment is found by; stands in its first line.

    `manifest`: its path in the repository, where that is known better than the plan does.
    """
    path = manifest or plan.manifest.path
    about = {"project": plan.project, "environment": plan.environment or "", "manifest": path}
    return f"reconciler:plan:v1 {_fields(about)}"


def first_line(dialect: Dialect, plan: Plan, plan_hash: str, links: Links) -> str:
    """The hidden first line of a comment."""
    about = marker(plan, links.in_repository(plan.manifest.path))
    return hidden(dialect, f"{about} {_record(EarlierPlan(plan_hash, links.commit, headline(plan)))}")


def stamp(dialect: Dialect, plan: Plan) -> str:
    """The hidden line for the end of a comment that says when its plan was made: no earlier one is to take its place."""
    return "\n" + hidden(dialect, f"reconciler:made:v1 {_fields({'at': plan.created_at})}")


def made_at(body: str) -> str:
    """When the plan that a comment shows was made; "" where it does not say."""
    found = _TIME.search(body)
    return unquote(found[1]) if found else ""


def hidden_record(dialect: Dialect, one: EarlierPlan) -> str:
    """The hidden line that lets the next comment tell of this one."""
    return hidden(dialect, f"reconciler:was:v1 {_record(one)}")


def earlier_plans(body: str) -> tuple[EarlierPlan, ...]:
    """The plans that a comment tells of, its own first; at most ten. What is no record of ours is passed over."""
    found = []
    for record in _RECORD.findall(body):
        fields = dict(part.split("=", 1) for part in record.split(" ") if "=" in part)
        if "verdict" in fields:
            words = [unquote(fields.get(key, "")) for key in ("plan", "commit", "verdict")]
            found.append(EarlierPlan(*words))
    return tuple(found[:_MOST])


def _record(one: EarlierPlan) -> str:
    return _fields({"plan": one.plan_hash, "commit": one.commit, "verdict": one.verdict})


def _fields(values: dict[str, str]) -> str:
    """As `key=value` with nothing that could end a comment."""
    return " ".join(f"{key}={_quoted(value)}" for key, value in values.items())


def _quoted(value: str) -> str:
    """Percent-encoded, hyphens too: two of them could end a comment. What is too long ends before a broken sign."""
    encoded = quote(value, safe="", errors="replace").replace("-", "%2D")
    return re.sub("%.?$", "", encoded[:_FIELD])
