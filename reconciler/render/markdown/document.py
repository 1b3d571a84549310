"""The whole Markdown of a plan: verdict, danger, findings, table, differences, drift, outputs, the next step."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.model.plan import Plan
from reconciler.render.amounts import moment
from reconciler.render.command import next_command
from reconciler.render.folding import Group, waves
from reconciler.render.markdown.budget import Section, fit, section
from reconciler.render.markdown.changes import change_fold, table_row
from reconciler.render.markdown.history import EarlierPlan, first_line, hidden_record
from reconciler.render.markdown.marks import GITHUB, Dialect, code, fold, link, prose
from reconciler.render.markdown.notices import (
    cost_section,
    danger_sections,
    drift_section,
    finding_section,
    output_section,
)
from reconciler.render.markdown.sheet import REST, Links, Sheet
from reconciler.render.verdict import aside, dangers, headline, permissions, plural, requests, total, where

SMALLEST_LIMIT = 6_000
"""What the fixed parts take at most."""


def render_markdown(
    plan: Plan,
    limit: int = 0,
    *,
    dialect: Dialect = GITHUB,
    links: Links | None = None,
    plan_hash: str = "",
    plan_file: str = "",
    earlier: Sequence[EarlierPlan] = (),
) -> str:
    """The plan as a comment of at most `limit` characters (0: the dialect's own limit).

    Raises ValueError for a limit that has no room for the verdict.
    """
    limit = limit or dialect.limit
    if limit < SMALLEST_LIMIT:
        raise ValueError(f"a plan needs {SMALLEST_LIMIT:,} characters, not {limit:,}")
    sheet = Sheet.of(plan, dialect, links or Links(), plan_hash, plan_file)
    return fit(_sections(sheet, earlier), limit)


def _sections(sheet: Sheet, earlier: Sequence[EarlierPlan]) -> list[Section | str]:
    """Danger comes before findings, those before the table, the table before the differences, whatever the room."""
    plan = sheet.plan
    groups = [group for wave in waves(plan) for group in wave.groups]
    return [
        first_line(sheet.dialect, plan, sheet.plan_hash, sheet.links),
        _heading(sheet),
        *danger_sections(sheet),
        _table(sheet, groups),
        _differences(sheet, groups),
        drift_section(sheet),
        output_section(sheet),
        finding_section(sheet),
        cost_section(sheet),
        _footer(sheet),
        _earlier(sheet, earlier),
    ]


def _heading(sheet: Sheet) -> str:
    plan = sheet.plan
    about = [code(sheet.links.in_repository(plan.manifest.path))]
    about[0] += f" at {code(sheet.links.commit[:12])}" if sheet.links.commit else ""
    about += [f"account {code(plan.account_id[:4] + '…')}"] if plan.account_id else []
    about += [f"target {code(plan.target)}"] if plan.target != "cloudflare" else []
    about += [f"state #{plan.state.serial}"]
    if plan.is_empty:
        return f"### ✅ {code(where(plan))}: no changes\n{plural(total(plan), 'resource')} · {' · '.join(about)}\n\n"
    return f"### {_light(plan)} Plan for {code(where(plan))}: {headline(plan)}\n{' · '.join(about)}\n\n"


def _light(plan: Plan) -> str:
    """Red where something ends or is blocked, orange where something restarts, green otherwise; the words say it too."""
    if plan.allow_needed or any(plan.summary.get(one) for one in ("delete", "replace", "refused")):
        return "🔴"
    return "🔶" if dangers(plan) else "🟢"


def _table(sheet: Sheet, groups: Sequence[Group]) -> Section:
    opening = "| Wave | Resource | Action | What changes | Source |\n|---|---|---|---|---|\n"
    return Section(
        4,
        (table_row(sheet, group) for group in groups),
        [len(group.changes) for group in groups],
        opening,
        closing="\n",
        least=f"{plural(len(groups), 'change')}; {REST}\n\n" if groups else "",
        more=lambda count: f"| | and {count:,} more | | {REST} | |\n",
        share=0.4,
    )


def _differences(sheet: Sheet, groups: Sequence[Group]) -> Section:
    told = [group for group in groups if group.first.attributes or group.first.details or group.first.notes]
    return Section(
        5,
        (change_fold(sheet, group) for group in told),
        [len(group.changes) for group in told],
        more=lambda count: (
            f"The differences of {plural(count, 'more resource')} have no room here; {REST}.\n\n"
        ),
        least=f"The differences have no room here; {REST}.\n\n" if told else "",
        share=0.8,
    )


def _footer(sheet: Sheet) -> str:
    """What does not change, what it costs in requests and permissions, what comes next, until when."""
    plan = sheet.plan
    facts = [aside(plan)]
    facts += [f"API: {spent}"] if (spent := requests(plan)) else []
    facts += [f"the token needs {needed}"] if (needed := permissions(plan)) else []
    facts += [link("full plan", sheet.links.full_plan)] if sheet.links.full_plan else []
    facts += [link("JSON", sheet.links.json)] if sheet.links.json else []
    lines = [" · ".join(facts)]
    if not plan.is_empty:
        name = f"plan {code(sheet.plan_hash)}, " if sheet.plan_hash else ""
        lines.append(f"Apply: {code(next_command(plan, sheet.plan_file, 5), 600)}")
        lines.append(f"{name}good until {code(moment(plan.expires_at), 40)}")
    return "  \n".join(lines) + "\n\n"


def _earlier(sheet: Sheet, earlier: Sequence[EarlierPlan]) -> Section:
    items = [
        f"- {code(one.plan_hash or '?', 12)} at {code(one.commit or '?', 12)}: {prose(one.verdict)}\n"
        f"{hidden_record(sheet.dialect, one) if sheet.dialect.folds else ''}"
        for one in earlier
    ]
    opened, closed = fold(sheet.dialect, "\0", title="Earlier plans").split("\0")
    return section(9, items, opening=opened, closing=closed)
