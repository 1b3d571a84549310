"""The box above the details: what stops, ends, restarts, is blocked or refused, each with its cause and line."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.plan import PlannedHazard
from reconciler.render.command import explaining_command
from reconciler.render.harmless import harmless
from reconciler.render.text.sheet import DANGER, Sheet, place
from reconciler.render.verdict import Danger, addresses, crowded, dangers, verb_of

_MOST = 8
_MOST_NAMES = 3
_MOST_FLAGS = 6


def attention(sheet: Sheet) -> Iterator[str]:
    """The box; nothing where there is no danger."""
    found = crowded(dangers(sheet.plan))
    if not found and not sheet.plan.allow_needed:
        return
    yield sheet.title("! ATTENTION", code=DANGER)
    shown = found[: sheet.most(_MOST)]
    for danger in shown:
        yield from _danger(sheet, danger)
    if len(shown) < len(found):
        rest = sum(len(danger.changes) for danger in found[len(shown) :])
        yield f"  … and {rest:,} more resources in danger, marked below"
    yield from _flags(sheet)
    if found:
        why = explaining_command(sheet.plan, found[0].first.address, sheet.style.plan_file)
        yield f"  why          {why}"
    yield ""


def _danger(sheet: Sheet, danger: Danger) -> Iterator[str]:
    names = addresses(danger.changes)
    more = len(names) - _MOST_NAMES
    who = ", ".join(names[:_MOST_NAMES]) + (f" and {more:,} more" if more > 0 else "")
    text = f"{verb_of(danger.first)}: {sheet.why(danger.reason)}"
    yield from sheet.page.ended(sheet.page.wrap(f"{who}  {text}", 6, "  "), place(danger.source))
    hazards = danger.hazards[: sheet.most(4)]
    for hazard in hazards:
        yield from sheet.page.wrap(_said(sheet, hazard), 8, f"      {harmless(hazard.code)}: ")
    if len(hazards) < len(danger.hazards):
        yield f"      … and {len(danger.hazards) - len(hazards)} more hazards (--detail full)"
    if toll := danger.toll:
        yield from sheet.page.wrap(toll, 8, "      ")


def _said(sheet: Sheet, hazard: PlannedHazard) -> str:
    mark = "BLOCKED, " if hazard.severity == "blocked" else ""
    return f"{mark}{sheet.said(hazard.message)}"


def _flags(sheet: Sheet) -> Iterator[str]:
    """What apply has to be allowed; the whole list also stands in the command below."""
    flags = [harmless(flag) for flag in sheet.plan.allow_needed]
    if not flags:
        return
    shown = flags[: sheet.most(_MOST_FLAGS)]
    more = f" and {len(flags) - len(shown):,} more" if len(shown) < len(flags) else ""
    yield from sheet.page.wrap(" ".join(shown) + more, 15, "  apply needs  ")
