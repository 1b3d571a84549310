"""What stands beside the changes on the page: the box of dangers above, drift, outputs, findings and loose ends below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from reconciler.model.plan import PlannedDiagnostic, PlannedDrift
from reconciler.render.costs import cost_changes, cost_grounds, cost_line
from reconciler.render.html.elements import NOTHING, Html, element, form, joined
from reconciler.render.html.sheet import Sheet, place
from reconciler.render.notices import drift_groups, finding_groups, output_sides
from reconciler.render.verdict import Danger, crowded, dangers, few, verb_of

_MOST = 200
_MOST_NAMES = 10
_AT_ONCE = 8
_LIST, _DANGER = form("<ul>%s</ul>"), form("<li>%s%s%s%s</li>")


def attention(sheet: Sheet) -> Html:
    """What ends, stops, restarts or is blocked, each with its cause and line."""
    found, flags = crowded(dangers(sheet.plan)), sheet.plan.allow_needed
    if not found and not flags:
        return NOTHING
    items = [_danger(sheet, danger) for danger in found[:_MOST]]
    if len(found) > _MOST:
        items.append(element("li", f"and {len(found) - _MOST:,} more kinds of danger, marked below"))
    worst, others = items[:_AT_ONCE], items[_AT_ONCE:]
    more = element("details", element("summary", f"{len(found) - _AT_ONCE:,} more"), element("ul", *others))
    rest = (
        f" and {len(flags) - _AT_ONCE:,} more, which the command below has" if len(flags) > _AT_ONCE else ""
    )
    needs = (
        element("p", "Apply needs ", element("code", " ".join(flags[:_AT_ONCE])), rest) if flags else NOTHING
    )
    shown = (element("ul", *worst), more if others else NOTHING, needs)
    return element("section", element("h2", "Attention"), *shown, id="attention")


def _danger(sheet: Sheet, danger: Danger) -> Html:
    names = [sheet.link(one.address) for one in danger.changes[:_MOST_NAMES]]
    more = f" and {len(danger.changes) - _MOST_NAMES:,} more" if len(danger.changes) > _MOST_NAMES else ""
    told = [*map(sheet.hazard, danger.hazards), *([element("li", toll)] if (toll := danger.toll) else [])]
    hazards = _LIST(joined(told)) if told else NOTHING
    what = f"{more} {verb_of(danger.first)}: {sheet.cut(danger.reason)}"
    return _DANGER(joined(names, ", "), what, place(danger.source), hazards)


def notices(sheet: Sheet) -> Iterator[Html]:
    """The sections below the changes, those that have something to say."""
    drift = [_drift(*one) for one in drift_groups(sheet.plan, sheet.wording)]
    outputs = [
        element("li", element("code", name), f" {' → '.join(side for side in sides if side)}")
        for name, *sides in output_sides(sheet.plan, sheet.wording)
    ]
    findings = [_finding(sheet, members) for members in finding_groups(sheet.plan.diagnostics)]
    pending = [
        element(
            "li", element("code", one.address), f" {one.operation} began at {one.began_at} and never ended"
        )
        for one in sheet.plan.pending
    ]
    idle = [one.address for one in sheet.plan.changes if one.action == "no_op"]
    yield _section("drift", f"Drift ({len(sheet.plan.drift):,})", drift)
    yield _section("outputs", "Outputs", outputs)
    yield _section("checks", "Checks", findings)
    yield _cost(sheet)
    yield _section("pending", "Pending; apply looks at these first", pending)
    yield _section(
        "unchanged", f"Unchanged ({len(idle):,})", [element("li", element("code", one)) for one in idle]
    )


def _section(name: str, title: str, items: Sequence[Html]) -> Html:
    if not items:
        return NOTHING
    shown = list(items[:_MOST])
    if len(items) > _MOST:
        shown.append(element("li", f"and {len(items) - _MOST:,} more; the JSON has them all"))
    return element("section", element("h2", title), element("ul", *shown), id=name)


def _cost(sheet: Sheet) -> Html:
    """What it may cost a month, what moves that, and what the figures rest on."""
    if not (line := cost_line(sheet.plan)):
        return NOTHING
    moved = [element("li", one) for one in islice(cost_changes(sheet.plan), _MOST)]
    if (count := len(sheet.plan.cost.changes) if sheet.plan.cost else 0) > _MOST:
        moved.append(element("li", f"and {count - _MOST:,} more; the JSON has them all"))
    grounds = element("p", f"{'; '.join(cost_grounds(sheet.plan))}.", class_="soft")
    listed = element("ul", *moved) if moved else NOTHING
    return element("section", element("h2", "Cost"), element("p", line), listed, grounds, id="cost")


def _drift(members: Sequence[PlannedDrift], live: str, verdict: str, changed: str) -> Html:
    first = members[0]
    names = element("code", few([one.address for one in members]))
    path = element("code", first.path) if first.path else NOTHING
    since = f", {changed}" if changed else ""
    return element("li", names, " ", path, f" {live}: ", element("b", verdict), since, place(first.source))


def _finding(sheet: Sheet, members: Sequence[PlannedDiagnostic]) -> Html:
    first = members[0]
    names = few([one.address for one in members if one.address])
    severity = element("span", first.severity, class_="blocked" if first.severity == "error" else None)
    who = joined([" ", element("code", names)]) if names else NOTHING
    fix = element("p", sheet.cut(first.detail), class_="soft") if first.detail else NOTHING
    told = f": {sheet.cut(first.summary)}"
    return element("li", element("code", first.code), " ", severity, who, told, place(first.source), fix)
