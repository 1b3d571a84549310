"""Each change as something to be opened: its differences as a table, its rollout as a chart, what its kind adds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.model.change import Action
from reconciler.model.plan import PlannedChange
from reconciler.render.details import Fact, facts_of
from reconciler.render.difference import Row, rows_of
from reconciler.render.folding import Group
from reconciler.render.html.elements import NOTHING, Html, around, attributed, element, form, joined, size
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

_HEAD = form(
    '<span class="sign" aria-hidden="true">%s</span><span class="address">%s</span>'
    '<span class="verb">%s</span><span class="reason">%s</span>%s'
)
_DELETED, _INSERTED = form("<del>%s</del>"), form("<ins>%s</ins>")
_CHANGED = form("<del>%s</del> → <ins>%s</ins>")
_REMARK = form("<td>%s</td>")
_LINE = form('<tr%s><td>%s</td><th scope="row">%s</th><td>%s</td>%s</tr>')
_TABLE = form('<table class="diff"><tbody>%s</tbody></table>')
_LIST = form("<ul>%s</ul>")
_BARE = form('<div tabindex="-1" class="change %s" id="c%s"%s><div class="head">%s</div></div>')
_FOLD = form(
    '<details%s class="change %s" id="c%s"%s><summary>%s</summary><div class="body">%s</div></details>'
)


def wave_changes(sheet: Sheet, room: int) -> Iterator[Html]:
    """The waves with their changes, in about so many bytes: where there is no more room, changes have their heads only."""
    heads = {sheet.number(group): _head(sheet, group) for wave in sheet.waves for group in wave.groups}
    bodies = _bodies(sheet, room - sum(size(head) + _FRAME for head in heads.values()))
    for wave in sheet.waves:
        heading = element("h3", f"{wave_title(wave)} ({plural(wave.changes, 'change')})")
        numbers = map(sheet.number, wave.groups)
        shown = (
            _change(sheet, group, heads[number], bodies[number])
            for group, number in zip(wave.groups, numbers, strict=True)
        )
        yield from around("div", (heading, *shown), class_="wave-group")


def _bodies(sheet: Sheet, room: int) -> Mapping[int, Html]:
    """What is inside each change; the most dangerous have the first claim on the room."""
    bodies: dict[int, Html] = {}
    groups = {sheet.number(group): group for wave in sheet.waves for group in wave.groups}
    numbers = (sheet.numbers.get(change.address) for change in by_risk(sheet.plan))
    for number in dict.fromkeys(number for number in numbers if number is not None):
        body = joined(_body(sheet, groups[number])) if room > _TOO_LITTLE else _NO_ROOM
        if (length := size(body)) > room:
            body, length = _NO_ROOM, size(_NO_ROOM)
        room -= length
        bodies[number] = body
    return bodies


def _change(sheet: Sheet, group: Group, head: Html, body: Html) -> Html:
    action, number = group.first.action, f"{sheet.number(group)}"
    count = attributed({"data_count": len(group.changes)}) if len(group.changes) > 1 else NOTHING
    if not body:
        return _BARE(action, number, count, head)
    is_open = attributed({"open": True}) if sheet.count <= _OPENED else NOTHING
    return _FOLD(is_open, action, number, count, head, body)


def _head(sheet: Sheet, group: Group) -> Html:
    change = group.first
    more = f" and {len(group.changes) - 1:,} more" if len(group.changes) > 1 else ""
    return _HEAD(
        Action(change.action).symbol,
        f"{change.address}{more}",
        verb_of(change),
        sheet.cut(change.reason),
        place(change.source),
    )


def _body(sheet: Sheet, group: Group) -> Iterator[Html]:
    change = group.first
    if rows := list(rows_of(change, sheet.wording, sheet.wave_of)):
        yield _differences(rows, change)
    if rollout := sheet.rollouts.shown.get(change.address):
        yield rollout
    if items := list(_notes(sheet, change)):
        yield _LIST(joined(items))
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
    return _TABLE(joined(shown))


def _lines(row: Row, home: int) -> Iterator[Html]:
    """A difference: what it does, where, both sides, and why it matters."""
    notes = [element("b", note) if "replacement" in note else note for note in row.notes]
    notes += [f":{row.line}"] if row.line and row.line != home else []
    yield _LINE(
        attributed({"class_": "long"}) if len(row.path) > _LONG_PATH else NOTHING,
        row.sign.strip() or "~",
        row.path,
        _sides(row),
        _REMARK(joined(notes, " ")) if notes else NOTHING,
    )
    if row.lines:
        text = joined(map(_line, row.lines), Html("\n"))
        yield element("tr", element("td"), element("td", element("pre", text), colspan=3))


def _sides(row: Row) -> Html:
    if row.before and row.after:
        return _CHANGED(row.before, row.after)
    if row.before:
        return _DELETED(row.before)
    return _INSERTED(row.after) if row.after else NOTHING


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
