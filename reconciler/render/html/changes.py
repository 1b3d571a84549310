"""Each change as something to be opened: its differences as a table, its rollout as a chart, what its kind adds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.model.change import Action
from reconciler.model.plan import PlannedChange
from reconciler.render.details import Fact, facts_of, rollout_of
from reconciler.render.difference import Row, rows_of
from reconciler.render.folding import Group
from reconciler.render.html.chart import rollout_chart
from reconciler.render.html.elements import NOTHING, Html, element, joined
from reconciler.render.html.sheet import Sheet, place, wave_title
from reconciler.render.reach import reach_text
from reconciler.render.verdict import by_risk, few, plural, verb_of

_OPENED = 12
"""Up to so many changes are open from the start."""
_FRAME = 110
"""Bytes around a head."""
_NO_ROOM = element("p", "No room here; the JSON has it all.")
_TOO_LITTLE = 200
"""With less room than this it is not worth looking for what fits."""
_MOST_ROWS = 200
_MOST_ITEMS = 200
_MOST_NAMES = 500
_MOST_REACHED = 8
_LONG_PATH = 44


def wave_changes(sheet: Sheet, room: int) -> Iterator[Html]:
    """The waves with their changes, in about so many bytes: where there is no more room, changes have their heads only."""
    heads = {
        sheet.number(group): joined(_head(sheet, group)) for wave in sheet.waves for group in wave.groups
    }
    bodies = _bodies(sheet, room - sum(len(head) + _FRAME for head in heads.values()))
    for wave in sheet.waves:
        heading = element("h3", f"{wave_title(wave)} ({plural(wave.changes, 'change')})")
        numbers = map(sheet.number, wave.groups)
        shown = (
            _change(sheet, group, heads[number], bodies[number])
            for group, number in zip(wave.groups, numbers, strict=True)
        )
        yield element("div", heading, *shown, class_="wave-group")


def _bodies(sheet: Sheet, room: int) -> Mapping[int, Html]:
    """What is inside each change; the most dangerous have the first claim on the room."""
    bodies: dict[int, Html] = {}
    groups = {sheet.number(group): group for wave in sheet.waves for group in wave.groups}
    numbers = (sheet.numbers.get(change.address) for change in by_risk(sheet.plan))
    for number in dict.fromkeys(number for number in numbers if number is not None):
        body = joined(_body(sheet, groups[number])) if room > _TOO_LITTLE else _NO_ROOM
        body = body if len(body.encode()) <= room else _NO_ROOM
        room -= len(body.encode())
        bodies[number] = body
    return bodies


def _change(sheet: Sheet, group: Group, head: Html, body: Html) -> Html:
    change, number = group.first, sheet.number(group)
    attributes = {
        "class_": f"change {change.action}",
        "id": f"c{number}",
        "data_count": len(group.changes) if len(group.changes) > 1 else None,
    }
    if not body:
        return element("div", element("div", head, class_="head"), tabindex="-1", **attributes)
    inside = element("div", body, class_="body")
    return element("details", element("summary", head), inside, open=sheet.count <= _OPENED, **attributes)


def _head(sheet: Sheet, group: Group) -> Iterator[Html]:
    change = group.first
    more = f" and {len(group.changes) - 1:,} more" if len(group.changes) > 1 else ""
    yield element("span", Action(change.action).symbol, class_="sign", aria_hidden="true")
    yield element("span", f"{change.address}{more}", class_="address")
    yield element("span", verb_of(change), class_="verb")
    yield element("span", sheet.cut(change.reason), class_="reason")
    yield place(change.source)


def _body(sheet: Sheet, group: Group) -> Iterator[Html]:
    change = group.first
    if rows := list(rows_of(change, sheet.wording, sheet.wave_of)):
        yield _differences(rows, change)
    if rollout := rollout_of(change):
        yield element("p", f"Rollout: {rollout.headline()}")
        yield rollout_chart(rollout)
    if items := list(_notes(sheet, change)):
        yield element("ul", *items)
    if change.requires:
        yield element("p", "Waits for ", joined(map(sheet.link, change.requires), ", "), class_="soft")
    if reached := reach_text(group.changes, _MOST_REACHED):
        yield element("p", "Reaches ", reached, class_="soft")
    if len(group.changes) > 1:
        kind = "The same for" if group.exact else "Likewise, with values of their own,"
        yield element("p", f"{kind} {few([one.address for one in group.changes[1:]], _MOST_NAMES)}")


def _differences(rows: Sequence[Row], change: PlannedChange) -> Html:
    shown = [line for row in rows[:_MOST_ROWS] for line in _lines(row, change.source.line)]
    if len(rows) > _MOST_ROWS:
        rest = f"and {len(rows) - _MOST_ROWS:,} more; the JSON has them all"
        shown.append(element("tr", element("td", rest, colspan=4)))
    return element("table", element("tbody", *shown), class_="diff")


def _lines(row: Row, home: int) -> Iterator[Html]:
    """A difference: what it does, where, both sides, and why it matters."""
    before = element("del", row.before) if row.before else NOTHING
    after = element("ins", row.after) if row.after else NOTHING
    notes = [element("b", note) if "replacement" in note else note for note in row.notes]
    notes += [f":{row.line}"] if row.line and row.line != home else []
    yield element(
        "tr",
        element("td", row.sign.strip() or "~"),
        element("th", row.path, scope="row"),
        element("td", before, " → " if before and after else "", after),
        element("td", joined(notes, " ")) if notes else NOTHING,
        class_="long" if len(row.path) > _LONG_PATH else None,
    )
    if row.lines:
        text = joined(map(_line, row.lines), Html("\n"))
        yield element("tr", element("td"), element("td", element("pre", text), colspan=3))


def _line(line: str) -> Html:
    name = {"+": "ins", "-": "del"}.get(line[:1], "span")
    return element(name, line)


def _notes(sheet: Sheet, change: PlannedChange) -> Iterator[Html]:
    yield from map(sheet.hazard, change.hazards)
    if change.moved_from:
        yield element("li", "moved from ", element("code", change.moved_from))
    yield from map(_fact, facts_of(change, sheet.wording))
    for note in change.notes:
        yield element("li", sheet.cut(note))


def _fact(fact: Fact) -> Html:
    items = [element("li", element("code", item)) for item in fact.items[:_MOST_ITEMS]]
    if len(fact.items) > _MOST_ITEMS:
        items.append(element("li", f"and {len(fact.items) - _MOST_ITEMS:,} more"))
    told = " ".join(part for part in (fact.title, fact.text) if part)
    return element("li", told, element("ul", *items) if items else NOTHING)
