"""What every part of a plan's Markdown is written with: the plan, the host's dialect, where links lead, how values are worded."""

from __future__ import annotations

import posixpath
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
    """Where links lead; "" makes none. `source` ends where a path in the repository begins (`https://.../blob/SHA`).

    `folder`: where in the repository the plan was made, so what its paths are relative to.
    """

    source: str = ""
    commit: str = ""
    full_plan: str = ""
    json: str = ""
    folder: str = ""

    def in_repository(self, path: str) -> str:
        """A path of the plan as the repository has it."""
        return posixpath.normpath(posixpath.join(self.folder, path)) if path and self.folder else path

    def line(self, source: PlannedSource) -> str:
        """Where a line of the manifest is to be seen; "" for what lies outside of the repository."""
        path = self.in_repository(source.file)
        inside = path and not path.startswith(("/", "../"))
        return f"{self.source}/{path}#L{source.line}" if self.source and inside else ""


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
        return link(f"L{source.line}", self.links.line(source))
