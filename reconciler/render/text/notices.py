"""What stands beside the changes: drift with its verb, outputs, findings, what an earlier run left open, the requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.model.plan import PlannedDiagnostic, PlannedDrift, PlannedOutput
from reconciler.render.harmless import harmless
from reconciler.render.layout import pad
from reconciler.render.text.sheet import DANGER, HEADING, Sheet, place
from reconciler.render.values import NOTHING, SENSITIVE
from reconciler.render.verdict import few, plural

_MOST = 8


def idle(sheet: Sheet) -> Iterator[str]:
    """What does not change, where it was asked for (`--all`)."""
    names = [harmless(one.address) for one in sheet.plan.changes if one.action == "no_op"]
    if names:
        yield sheet.title(f"UNCHANGED ({len(names):,})")
        yield from (f"    {name}" for name in names)
        yield ""


def drift(sheet: Sheet) -> Iterator[str]:
    """What somebody else changed, and what becomes of it; the same of many is told once."""
    if not sheet.plan.drift:
        return
    yield sheet.title(f"DRIFT ({len(sheet.plan.drift):,})")
    becomes = {
        (change.address, one.path): one.after
        for change in sheet.plan.changes
        for one in change.attributes
        if not one.unknown and not one.sensitive
    }
    groups: dict[tuple[str, str], list[PlannedDrift]] = {}
    for one in sheet.plan.drift:
        groups.setdefault((one.path, drift_text(sheet, one, becomes)), []).append(one)
    shown = list(groups.items())[: sheet.most(_MOST)]
    for (path, text), members in shown:
        who = few([harmless(one.address) for one in members])
        what = f"  {who}  {harmless(path)}  " if path else f"  {who}  "
        yield from sheet.page.ended(sheet.page.wrap(text, 4, what), place(members[0].source))
    if len(shown) < len(groups):
        yield f"  … and {len(groups) - len(shown):,} more (--detail full)"
    yield ""


def drift_text(sheet: Sheet, one: PlannedDrift, becomes: dict[tuple[str, str], object]) -> str:
    """What is live, what was applied, and what will be done about it."""
    if not one.path:
        return "was deleted by somebody else: will be made again"
    key = one.address, one.path
    goal = sheet.wording.shown(becomes[key], one.path) if key in becomes else "what the manifest says"
    verdict = {
        "revert": f"will be set to {goal}",
        "keep": "will be kept: ignore_changes",
        "accept": "will be kept: it is what the manifest wants",
    }.get(one.verdict, one.verdict)
    note = f"; {sheet.said(one.note)}" if one.note else ""
    if one.sensitive:
        return f"{SENSITIVE} was changed outside: {verdict}{note}"
    live, recorded = sheet.wording.pair(one.live, one.recorded, one.path)
    return f"live {live}, last applied {recorded}: {verdict}{note}"


def outputs(sheet: Sheet) -> Iterator[str]:
    """The outputs that change."""
    names = sheet.plan.changed_outputs
    if not names:
        return
    yield sheet.title("OUTPUTS")
    width = min(max(map(len, names)), 24)
    for name in names[: sheet.most(_MOST)]:
        output = sheet.plan.outputs[name]
        sign = "+" if output.before is None else "-" if output.after is None and not output.unknown else " "
        lead = f"  {sign} {pad(harmless(name), width)}  "
        yield from sheet.page.wrap(_sides(sheet, output), 8, lead)
    if len(names) > sheet.most(_MOST):
        yield f"    … {len(names) - _MOST:,} more (--detail full)"
    yield ""


def _sides(sheet: Sheet, output: PlannedOutput) -> str:
    if output.sensitive:
        return "(sensitive, changed)"
    after = "(known after apply)" if output.unknown else sheet.wording.shown(output.after)
    if output.before is None:
        return after
    before = sheet.wording.shown(output.before)
    if not output.unknown:
        before, after = sheet.wording.pair(output.before, output.after)
    return f"{before} → {after}" if after != NOTHING else before


def checks(sheet: Sheet) -> Iterator[str]:
    """Findings, errors first; the same finding of many is told once."""
    findings = sheet.plan.diagnostics
    if not findings:
        return
    errors = sum(one.severity == "error" for one in findings)
    counts = [plural(errors, "error")] if errors else []
    counts += [plural(len(findings) - errors, "warning")] if errors < len(findings) else []
    yield sheet.title(f"CHECKS  {', '.join(counts)}", code=DANGER if errors else HEADING)
    groups = grouped_findings(findings)
    shown = groups[: sheet.most(_MOST)]
    for members in shown:
        yield from _finding(sheet, members)
    if len(shown) < len(groups):
        rest = sum(len(members) for members in groups[len(shown) :])
        yield f"  … and {rest:,} more (--detail full)"
    yield ""


def grouped_findings(findings: Iterable[PlannedDiagnostic]) -> list[list[PlannedDiagnostic]]:
    """Findings that say the same of several resources together, errors first."""
    groups: dict[tuple[bool, str, str, str], list[PlannedDiagnostic]] = {}
    for one in findings:
        groups.setdefault((one.severity != "error", one.code, one.summary, one.detail), []).append(one)
    return [members for _, members in sorted(groups.items(), key=lambda item: item[0][0])]


def _finding(sheet: Sheet, members: list[PlannedDiagnostic]) -> Iterator[str]:
    one = members[0]
    who = few([harmless(each.address) for each in members if each.address])
    head = f"  {harmless(one.code)} {one.severity}  {who}{': ' if who else ''}"
    yield from sheet.page.ended(sheet.page.wrap(sheet.said(one.summary), 6, head), place(one.source))
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


def requests(sheet: Sheet) -> Iterator[str]:
    """What the apply will ask of the API, as far as it can be told."""
    spent = [f"{number:,} {what}" for what, number in reversed(sheet.plan.requests.items()) if number]
    if spent:
        yield f"API    about {' and '.join(spent)}"
