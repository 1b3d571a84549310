"""The hidden lines of a comment: what it is about, so that it is found again, and which plans it showed before."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from reconciler.frozen import frozen
from reconciler.model.plan import Plan
from reconciler.render.markdown.marks import Dialect, hidden
from reconciler.render.verdict import headline

_MOST = 10
_FIELD = 240
_RECORD = re.compile(r"reconciler:(?:plan|was):v1 ([\w%=._~ -]*?)(?: -->|\)$)", re.MULTILINE)


@frozen
class EarlierPlan:
    """A plan that a comment showed before: its hash, the commit it was for, and what it came to."""

    plan_hash: str
    commit: str
    verdict: str


def marker(plan: Plan) -> str:
    """What the comment of a manifest and environment is found by; stands in its first line."""
    about = {"project": plan.project, "environment": plan.environment or "", "manifest": plan.manifest.path}
    return f"reconciler:plan:v1 {_fields(about)}"


def first_line(dialect: Dialect, plan: Plan, plan_hash: str, commit: str) -> str:
    """The hidden first line of a comment."""
    return hidden(dialect, f"{marker(plan)} {_record(EarlierPlan(plan_hash, commit, headline(plan)))}")


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
