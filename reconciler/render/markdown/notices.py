"""What stands beside the changes: danger, findings, drift, outputs, what an earlier run left open."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from reconciler.model.plan import PlannedDiagnostic
from reconciler.render.costs import cost_changes, cost_grounds, cost_line
from reconciler.render.harmless import harmless
from reconciler.render.markdown.budget import Section, section
from reconciler.render.markdown.marks import code, fold, prose
from reconciler.render.markdown.sheet import REST, Sheet
from reconciler.render.notices import drift_groups, finding_groups, output_sides
from reconciler.render.verdict import Danger, crowded, dangers, few, plural, verb_of

_ENDS = ("delete", "replace", "refused")
_MOST_NAMES = 3
_DOMAIN = re.compile(r"@[^\s,;]+")  # of a mail address: a comment may be for all the world to read


def danger_sections(sheet: Sheet) -> list[Section | str]:
    """What ends or is blocked, then what restarts; each with its cause and line."""
    found = crowded(dangers(sheet.plan))
    grave = [one for one in found if _is_grave(one)]
    others = [one for one in found if not _is_grave(one)]
    return [_alert(sheet, "CAUTION", 1, grave), _alert(sheet, "WARNING", 2, others), *_flags(sheet)]


def _is_grave(danger: Danger) -> bool:
    return danger.first.action in _ENDS or any(one.severity == "blocked" for one in danger.hazards)


def _alert(sheet: Sheet, kind: str, priority: int, some: Sequence[Danger]) -> Section:
    opening = f"> [!{kind}]\n" if sheet.dialect.alerts else f"**{kind.capitalize()}**\n\n"
    mark = "> " if sheet.dialect.alerts else ""
    count = sum(len(one.changes) for one in some)
    return Section(
        priority,
        ("".join(f"{mark}{line}\n" for line in _danger(sheet, one)) for one in some),
        [len(one.changes) for one in some],
        opening=opening,
        closing="\n",
        least=f"**{kind.capitalize()}**: {plural(count, 'resource')}; {REST}\n\n" if some else "",
        more=lambda rest: f"{mark}- and {plural(rest, 'more resource')}; {REST}\n",
        share=0.3,
    )


def _danger(sheet: Sheet, danger: Danger) -> Iterator[str]:
    names = [code(one.address) for one in danger.changes[:_MOST_NAMES]]
    more = f" and {len(danger.changes) - _MOST_NAMES:,} more" if len(danger.changes) > _MOST_NAMES else ""
    where = sheet.place(danger.source)
    yield (
        f"- **{verb_of(danger.first)}** {', '.join(names)}{more}: "
        f"{prose(danger.reason)}{f' ({where})' if where else ''}"
    )
    for hazard in danger.hazards:
        blocked = "**blocked**, " if hazard.severity == "blocked" else ""
        yield f"  - {code(hazard.code)} {blocked}{prose(hazard.message)}"
    if toll := danger.toll:
        yield f"  - {prose(toll)}"


def _flags(sheet: Sheet) -> list[Section | str]:
    flags = [f"{code(flag)}\n" for flag in sheet.plan.allow_needed]
    if not flags:
        return []
    return [
        section(
            3,
            flags,
            opening="Apply needs ",
            closing="\n",
            least=f"Apply needs {plural(len(flags), 'flag')}; {REST}\n\n",
            more=lambda rest: f"and {rest:,} more; {REST}\n",
            share=0.05,
        )
    ]


def finding_section(sheet: Sheet) -> Section:
    """Findings and what an earlier run left open."""
    groups = finding_groups(sheet.plan.diagnostics)
    items = [_finding(sheet, members) for members in groups]
    items += [
        f"- {code(one.address)}: {prose(one.operation)} began at {code(one.began_at)} and never ended;"
        " apply looks at it first\n"
        for one in sheet.plan.pending
    ]
    return section(
        3,
        items,
        opening="**Checks**\n\n",
        closing="\n",
        least=f"**Checks**: {plural(len(items), 'finding')}; {REST}\n\n" if items else "",
        more=lambda rest: f"- and {rest:,} more; {REST}\n",
        share=0.2,
    )


def _finding(sheet: Sheet, members: Sequence[PlannedDiagnostic]) -> str:
    one = members[0]
    names = [harmless(each.address) for each in members if each.address]
    who = f" {code(few(names))}" if names else ""
    where = sheet.place(one.source)
    fix = f"  \n  Fix: {prose(one.detail)}" if one.detail else ""
    severity = "**error**" if one.severity == "error" else "warning"
    return f"- {code(one.code)} {severity}{who}: {prose(one.summary)}{f' ({where})' if where else ''}{fix}\n"


def drift_section(sheet: Sheet) -> Section:
    """What somebody else changed, and what becomes of it."""
    items = []
    for members, live, verdict, changed in drift_groups(sheet.plan, sheet.wording):
        names = code(few([harmless(one.address) for one in members]))
        path = f" {code(members[0].path)}" if members[0].path else ""
        where = sheet.place(members[0].source)
        since = f", {prose(_DOMAIN.sub('@…', changed))}" if changed else ""
        items.append(
            f"- {names}{path}: {prose(live)}: **{prose(verdict)}**{since}{f' ({where})' if where else ''}\n"
        )
    return _folded(sheet, 6, f"Drift ({len(sheet.plan.drift):,})", items, "Drift")


def output_section(sheet: Sheet) -> Section:
    """The outputs that change."""
    items = [
        f"- {code(name)}: {' → '.join(code(side) for side in sides if side)}\n"
        for name, *sides in output_sides(sheet.plan, sheet.wording)
    ]
    return _folded(sheet, 7, f"Outputs ({len(items):,})", items, "Outputs")


def cost_section(sheet: Sheet) -> Section:
    """What it may cost a month, what moves that, and what the figures rest on."""
    line = cost_line(sheet.plan)
    items = [f"- {code(one)}\n" for one in cost_changes(sheet.plan)]
    grounds = "; ".join(cost_grounds(sheet.plan))
    opening, closing = fold(sheet.dialect, f"{prose(grounds)}\n\n\0", title="Cost", what=line).split("\0")
    least = f"**Cost**: {prose(line)}\n\n" if line else ""
    return section(8, items, opening=opening, closing=closing, least=least)


def _folded(sheet: Sheet, priority: int, title: str, items: Sequence[str], word: str) -> Section:
    opening, closing = fold(sheet.dialect, "\0", title=title).split("\0")
    least = f"{word}: {len(items):,}; {REST}\n\n" if items else ""
    return section(
        priority,
        items,
        opening=opening,
        closing=closing,
        least=least,
        more=lambda rest: f"- and {rest:,} more; {REST}\n",
        share=0.6,
    )
