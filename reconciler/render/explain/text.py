"""An explanation for people: what happens, why, and what would have to be different."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.model.change import Action
from reconciler.model.plan import Plan, PlannedDrift
from reconciler.render.difference import attribute_rows
from reconciler.render.explain.grounds import Explanation, Ground, Origin
from reconciler.render.harmless import harmless, unobeyed
from reconciler.render.layout import in_ascii
from reconciler.render.reach import reach_text
from reconciler.render.text.sheet import COLOURS, Sheet, Style, place
from reconciler.render.values import SENSITIVE
from reconciler.render.verdict import few, verb_of

_NOTHING = "what is there is what is wanted"
_MOST_GROUNDS = 12
_MOST_CONDITIONS = 8
_MOST_REACHED = 6


def explanation_text(plan: Plan, explanation: Explanation, style: Style) -> str:
    """One resource of a plan, explained."""
    sheet = Sheet.of(plan, style)
    text = "\n".join(unobeyed(line.rstrip()) for line in _lines(sheet, explanation)) + "\n"
    return in_ascii(text) if style.ascii else text


def _lines(sheet: Sheet, one: Explanation) -> Iterator[str]:
    yield from _head(sheet, one)
    yield from _because(sheet, one)
    yield from _does(sheet, one)
    yield from _otherwise(sheet, one)


def _head(sheet: Sheet, one: Explanation) -> Iterator[str]:
    change, page = one.change, sheet.page
    sign = Action(change.action).symbol.strip()
    wave = f", wave {change.wave}" if change.wave else ""
    verb = "unchanged" if change.action == Action.NO_OP else f"{verb_of(change)}{wave}"
    who = f"{sign} {harmless(change.address)}".strip()
    lines = list(page.wrap(verb, 4, f"{who}  "))
    lines[0] = lines[0].replace(who, page.paint(who, COLOURS.get(change.action, "")), 1)
    yield from page.ended(iter(lines), place(change.source))
    if change.moved_from:
        yield f"    moved from {harmless(change.moved_from)}"
    yield from page.wrap(sheet.said(change.reason or _NOTHING), 4)


def _because(sheet: Sheet, one: Explanation) -> Iterator[str]:
    told = {ground.attribute.path for ground in one.grounds if ground.drift}
    drifted = [drift for drift in one.drift if drift.path not in told]
    if not (one.grounds or drifted or one.diagnostics):
        return
    yield ""
    yield sheet.title("WHY")
    yield from _grounds(sheet, one.grounds, 2, frozenset([one.change.address]))
    for drift in drifted:
        yield from _drift(sheet, drift)
    for finding in one.diagnostics:
        head = f"  {harmless(finding.code)} {finding.severity}  "
        yield from sheet.page.ended(
            sheet.page.wrap(sheet.said(finding.summary), 6, head), place(finding.source)
        )


def _grounds(sheet: Sheet, grounds: Sequence[Ground], indent: int, seen: frozenset[str]) -> Iterator[str]:
    shown = grounds[: sheet.most(_MOST_GROUNDS)]
    for ground in shown:
        yield from _ground(sheet, ground, indent, seen)
    if len(shown) < len(grounds):
        yield f"{' ' * indent}… {len(grounds) - len(shown):,} more (--detail full)"


def _ground(sheet: Sheet, ground: Ground, indent: int, seen: frozenset[str]) -> Iterator[str]:
    attribute = ground.attribute
    for row in attribute_rows(attribute, sheet.wording, sheet.waves):
        sides = " → ".join(side for side in (row.before, row.after) if side)
        notes = f"   {', '.join(row.notes)}" if row.notes else ""
        lines = sheet.page.wrap(f"{sides}{notes}", indent + 4, f"{' ' * indent}{row.path}  ")
        yield from sheet.page.ended(lines, place(attribute.source))
    effect = f" ({attribute.effect})" if attribute.effect in ("rollout", "downtime") else ""
    yield from sheet.page.wrap(f"{sheet.said(ground.why)}{effect}", indent + 4)
    if ground.drift is not None:
        yield from sheet.page.wrap(_recorded(sheet, ground.drift), indent + 4)
    for origin in ground.origins:
        yield from _origin(sheet, origin, indent + 4, seen)


def _origin(sheet: Sheet, origin: Origin, indent: int, seen: frozenset[str]) -> Iterator[str]:
    head = f"{' ' * indent}{harmless(origin.address)}  "
    lines = sheet.page.wrap(f"{origin.action}: {sheet.said(origin.reason)}", indent + 4, head)
    yield from sheet.page.ended(lines, place(origin.source))
    if origin.address not in seen:
        yield from _grounds(sheet, origin.grounds, indent + 4, seen | {origin.address})


def _recorded(sheet: Sheet, drift: PlannedDrift) -> str:
    if drift.sensitive:
        return f"last applied {SENSITIVE}"
    live, recorded = sheet.wording.pair(drift.live, drift.recorded, drift.path)
    return f"last applied {recorded}, live {live}"


def _drift(sheet: Sheet, drift: PlannedDrift) -> Iterator[str]:
    verdict = {
        "revert": "will be set back",
        "keep": "is kept: ignore_changes",
        "accept": "is kept: it is what the manifest wants",
    }.get(drift.verdict, harmless(drift.verdict))
    if not drift.path:
        yield "  somebody deleted it since the last apply"
        return
    text = f"somebody changed it since the last apply: {_recorded(sheet, drift)}; {verdict}"
    yield from sheet.page.ended(sheet.page.wrap(text, 6, f"  {harmless(drift.path)}  "), place(drift.source))


def _does(sheet: Sheet, one: Explanation) -> Iterator[str]:
    """What it does to others and to what runs, and whom it waits for."""
    change, page = one.change, sheet.page
    lines: list[str] = []
    if one.causes_of_effect and len(one.causes_of_effect) < len(change.attributes):
        which = few([harmless(path) for path in one.causes_of_effect])
        lines += page.wrap(f"{change.effect} because of {which}; the rest alone would not", 4, "  ")
    for hazard in change.hazards:
        blocked = "BLOCKED, " if hazard.severity == "blocked" else ""
        lines += page.wrap(f"{blocked}{sheet.said(hazard.message)}", 6, f"  {harmless(hazard.code)}: ")
    lines += [line for note in change.notes for line in page.wrap(sheet.said(note), 4, "  ")]
    if reached := reach_text([change], _MOST_REACHED):
        lines += page.wrap(sheet.said(reached), 4, "  reaches  ")
    if one.waits_for:
        lines += page.wrap(few([harmless(each) for each in one.waits_for], 6), 4, "  waits for  ")
    if lines:
        yield ""
        yield sheet.title("WHAT IT MEANS" if change.action != Action.NO_OP else "BESIDES")
        yield from lines


def _otherwise(sheet: Sheet, one: Explanation) -> Iterator[str]:
    conditions = one.otherwise
    if not (conditions.together or conditions.alone):
        return
    yield ""
    yield sheet.title("WHAT TO DO" if one.change.action == Action.REFUSED else "IT WOULD NOT HAPPEN IF")
    shown = conditions.together[: sheet.most(_MOST_CONDITIONS)]
    for number, condition in enumerate(shown):
        yield from sheet.page.wrap(sheet.said(condition), 6, "  and " if number else "  ")
    if len(shown) < len(conditions.together):
        yield f"  and {len(conditions.together) - len(shown):,} more (--detail full)"
    for condition in conditions.alone:
        yield from sheet.page.wrap(sheet.said(condition), 6, "  or  " if conditions.together else "  - ")
