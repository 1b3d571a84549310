"""What every part of a plan's Markdown is written with: the plan, the host's dialect, where links lead, how values are worded."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.frozen import frozen
from reconciler.model.plan import Plan, PlannedSource
from reconciler.render.markdown.marks import Dialect, link
from reconciler.render.values import Wording, wording_of
from reconciler.render.verdict import waves_of

LONGEST_VALUE = 200
REST = "see the full plan"
"""Where what was left out can be seen; the footer has the link."""


@frozen
class Links:
    """Where links lead; "" makes none. `source` ends where the manifest's path begins (`https://.../blob/SHA`)."""

    source: str = ""
    commit: str = ""
    full_plan: str = ""
    json: str = ""


@frozen
class Sheet:
    """The plan with all that its parts are written by."""

    plan: Plan
    dialect: Dialect
    links: Links
    wording: Wording
    waves: Mapping[str, int]
    plan_hash: str = ""
    plan_file: str = ""

    @classmethod
    def of(cls, plan: Plan, dialect: Dialect, links: Links, plan_hash: str, plan_file: str) -> Sheet:
        """A fresh sheet for a plan."""
        wording = wording_of(plan, longest=LONGEST_VALUE)
        return cls(plan, dialect, links, wording, waves_of(plan), plan_hash, plan_file)

    def place(self, source: PlannedSource) -> str:
        """A line of the manifest, as a link where it is known where it leads."""
        if not source.line:
            return ""
        url = f"{self.links.source}/{source.file}#L{source.line}" if self.links.source else ""
        return link(f"L{source.line}", url)
