"""What stands beside the changes: drift with its verb, outputs, findings, what an earlier run left open, the requests."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.plan import PlannedDiagnostic
from reconciler.render.costs import cost_changes, cost_grounds, cost_line, cost_moves
from reconciler.render.harmless import harmless
from reconciler.render.layout import columns, pad
from reconciler.render.notices import drift_groups, finding_groups, output_sides
from reconciler.render.text.sheet import DANGER, HEADING, Sheet, place
from reconciler.render.verdict import few, permissions, plural
from reconciler.render.verdict import requests as spent_requests

_MOST = 8
_MOST_COSTS = 3


def idle(sheet: Sheet) -> Iterator[str]:
    """What does not change, where it was asked for (`--all`)."""
    names = [harmless(one.address) for one in sheet.plan.changes if one.action == "no_op"]
    if names:
        yield sheet.title(f"UNCHANGED ({len(names):,})")
        yield from (f"    {name}" for name in names)
        yield ""


def drift(sheet: Sheet) -> Iterator[str]:
    """What somebody else changed, and what becomes of it."""
    if not sheet.plan.drift:
        return
    yield sheet.title(f"DRIFT ({len(sheet.plan.drift):,})")
    groups = drift_groups(sheet.plan, sheet.wording)
    shown = groups[: sheet.most(_MOST)]
    for members, live, verdict, changed in shown:
        who = few([harmless(one.address) for one in members])
        path = f"{harmless(members[0].path)}  " if members[0].path else ""
        lines = sheet.page.wrap(f"{who}  {path}{live}: {verdict}", 4, "  ")
        yield from sheet.page.ended(lines, place(members[0].source))
        yield from sheet.page.wrap(changed, 8, "      ") if changed else ()
    if len(shown) < len(groups):
        yield f"  … and {len(groups) - len(shown):,} more (--detail full)"
    yield ""


def outputs(sheet: Sheet) -> Iterator[str]:
    """The outputs that change."""
    changed = list(output_sides(sheet.plan, sheet.wording))
    if not changed:
        return
    yield sheet.title("OUTPUTS")
    width = min(max(columns(name) for name, *_ in changed), 24)
    for name, before, after in changed[: sheet.most(_MOST)]:
        sign = " " if before and after else "-" if before else "+"
        lead = f"  {sign} {pad(name, width)}  "
        yield from sheet.page.wrap(" → ".join(side for side in (before, after) if side), 8, lead)
    if len(changed) > sheet.most(_MOST):
        yield f"    … {len(changed) - _MOST:,} more (--detail full)"
    yield ""


def checks(sheet: Sheet) -> Iterator[str]:
    """Findings, errors first; the same finding of many is told once."""
    findings = sheet.plan.diagnostics
    if not findings:
        return
    errors = sum(one.severity == "error" for one in findings)
    counts = [plural(errors, "error")] if errors else []
    counts += [plural(len(findings) - errors, "warning")] if errors < len(findings) else []
    yield sheet.title(f"CHECKS  {', '.join(counts)}", code=DANGER if errors else HEADING)
    groups = finding_groups(findings)
    shown = groups[: sheet.most(_MOST)]
    for members in shown:
        yield from _finding(sheet, members)
    if len(shown) < len(groups):
        rest = sum(len(members) for members in groups[len(shown) :])
        yield f"  … and {rest:,} more (--detail full)"
    yield ""


def _finding(sheet: Sheet, members: list[PlannedDiagnostic]) -> Iterator[str]:
    one = members[0]
    who = few([harmless(each.address) for each in members if each.address])
    told = f"{who}{': ' if who else ''}{sheet.said(one.summary)}"
    head = f"  {harmless(one.code)} {one.severity}  "
    yield from sheet.page.ended(sheet.page.wrap(told, 6, head), place(one.source))
    if one.detail:
        yield from sheet.page.wrap(sheet.said(one.detail), 6)


def pending(sheet: Sheet) -> Iterator[str]:
    """What began in an earlier run and never ended."""
    some = sheet.plan.pending
    if not some:
        return
    yield sheet.title(f"PENDING ({len(some):,})", "(apply looks at these first)")
    for one in some[: sheet.most(_MOST)]:
        began = f"{harmless(one.operation)} began at {harmless(one.began_at)} and never ended"
        yield from sheet.page.wrap(began, 4, f"  {harmless(one.address)}  ")
    if len(some) > sheet.most(_MOST):
        yield f"  … and {len(some) - _MOST:,} more (--detail full)"
    yield ""


def cost(sheet: Sheet) -> Iterator[str]:
    """What it may cost a month; what moves the figures, and what they rest on, where they move."""
    if not (line := cost_line(sheet.plan)):
        return
    yield from sheet.page.wrap(sheet.said(line), 7, "COST   ")
    if not (cost_moves(sheet.plan) or sheet.is_full):
        return
    changes = list(cost_changes(sheet.plan))
    shown = changes[: sheet.most(_MOST_COSTS)]
    for change in shown:
        yield from sheet.page.wrap(sheet.said(change), 9, "       ")
    if len(shown) < len(changes):
        yield f"       … and {len(changes) - len(shown):,} more (--detail full)"
    yield from sheet.page.wrap("; ".join(map(sheet.said, cost_grounds(sheet.plan))), 7)


def requests(sheet: Sheet) -> Iterator[str]:
    """What the apply will ask of the API, as far as it can be told, and what the token needs for it."""
    if spent := spent_requests(sheet.plan):
        yield from sheet.page.wrap(spent, 7, "API    ")
    if needed := permissions(sheet.plan):
        yield from sheet.page.wrap(needed, 7, "Token  needs ")
