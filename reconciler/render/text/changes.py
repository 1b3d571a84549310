"""The waves: each change with its differences, equal ones folded, as much as the wanted detail says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.model.change import Action
from reconciler.model.plan import PlannedAttribute, PlannedChange
from reconciler.render.amounts import duration
from reconciler.render.details import Fact, Rollout, facts_of, rollout_of
from reconciler.render.difference import Row, attribute_rows
from reconciler.render.folding import Group, Wave, all_waves
from reconciler.render.harmless import harmless
from reconciler.render.layout import columns, pad
from reconciler.render.reach import reach_text
from reconciler.render.text.sheet import COLOURS, Sheet, place
from reconciler.render.verdict import addresses, few, plural, verb_of

_MOST_ROWS = 12
_MOST_ROW_LINES = 12
_LEAST_ROW_LINES = 6
_MOST_BODY_LINES = 14
"""What is said beside the differences leaves them less room: one change is to fit on a page."""
_MOST_LINES = 8
_MOST_REACHED = 3
_MOST_ITEMS = 5
_MOST_NAMES = 6
_MOST_GONE = 60
"""Whatever is deleted is named, as far as anybody can read it."""
_MOST_TOLD = 300
"""Groups whose differences are shown; further ones get a line each."""
_LEAST_HEAD = 30
_WIDEST_PATH = 36
_WIDEST_ADDRESS = 28


def change_lines(sheet: Sheet) -> Iterator[str]:
    """Every wave with its changes, and at the end those that are refused."""
    told = 0
    for wave in all_waves(sheet.plan, fold=not sheet.is_full):
        yield sheet.title(_title(wave), _together(wave))
        width = min(max((columns(_who(group)) for group in wave.groups), default=0), _WIDEST_ADDRESS)
        yield from _earlier(sheet, wave)
        for group in wave.groups:
            told += 1
            yield from _group(sheet, group, width, sheet.is_full or told <= _MOST_TOLD)
        yield ""
    yield from _refused(sheet)


def _title(wave: Wave) -> str:
    return f"WAVE {wave.number}" if wave.number else "IN MEMORY ONLY"


def _together(wave: Wave) -> str:
    if not wave.number:
        return f"({plural(wave.changes, 'resource')}, nothing is sent)"
    count = wave.changes + len(wave.earlier)
    noun = "first step" if not wave.changes else "change"
    return f"({plural(count, noun)}{', in parallel' if count > 1 else ''})"


def _earlier(sheet: Sheet, wave: Wave) -> Iterator[str]:
    """What is done here of changes that stand in a later wave, the same to many in a line."""
    alike: dict[tuple[str, int], list[str]] = {}
    for change in wave.earlier:
        alike.setdefault((change.steps[0].operation, change.wave), []).append(harmless(change.address))
    for (operation, later), names in alike.items():
        who = few(names, sheet.most(_MOST_GONE))
        text = f"{operation}, the first step of a replacement that stands in wave {later}"
        if operation == "resume":
            text = f"an earlier run deletes it: waits until it is gone; it stands in wave {later}"
        yield from sheet.page.wrap(f"{who}  {text}", 6, f"{Action.REPLACE.symbol:>3} ")


def _refused(sheet: Sheet) -> Iterator[str]:
    refused = [change for change in sheet.plan.changes if change.action == Action.REFUSED]
    if not refused:
        return
    yield sheet.title("REFUSED", "(left alone; the rest can be applied)")
    for change in refused[: sheet.most(_MOST_GONE)]:
        yield from _head(sheet, Group((change,)), 0)
    if len(refused) > sheet.most(_MOST_GONE):
        yield f"    … and {len(refused) - _MOST_GONE:,} more (--detail full)"
    yield ""


def _group(sheet: Sheet, group: Group, width: int, is_told: bool) -> Iterator[str]:
    yield from _head(sheet, group, width)
    if is_told and not sheet.is_brief:
        yield from _body(sheet, group)
    if len(group.changes) > 1:
        most = _MOST_GONE if Action(group.first.action).is_destructive else _MOST_NAMES
        alike = "      the same for " if group.exact else "      likewise, with values of their own, "
        yield from sheet.named(addresses(group.changes[1:]), most, alike, 8)


def _who(group: Group) -> str:
    return harmless(group.first.address)


def _head(sheet: Sheet, group: Group, width: int) -> Iterator[str]:
    change = group.first
    sign = f"{Action(change.action).symbol:>3} "
    who = pad(_who(group), width)
    more = f"and {len(group.changes) - 1:,} more  " if len(group.changes) > 1 else ""
    text = f"{more}{verb_of(change)}: {sheet.why(change.reason)}{_remote_name(change)}"
    where = place(change.source)
    line = f"{sign}{who}  {text}"
    colour = COLOURS.get(change.action, "")
    if sheet.is_brief:
        line, where = _on_one_line(sheet, line, where)
    if sheet.page.fits(line, where):
        yield sheet.page.spread(line, where, colour, len(sign) + len(who))
        return
    first = f"{sign}{_who(group)}"
    yield sheet.page.spread(first, where if sheet.page.fits(first, where) else "", colour)
    yield from sheet.page.wrap(text, 6)


def _on_one_line(sheet: Sheet, line: str, where: str) -> tuple[str, str]:
    """As much of a head as has room beside its place; an address that leaves none is told without."""
    room = sheet.page.width - columns(where) - 3
    if columns(line) <= room:
        return line, where
    if room < _LEAST_HEAD:
        return line, ""
    return f"{_cut(line, room)}…", where


def _cut(text: str, room: int) -> str:
    while columns(text) > room:
        text = text[: max(0, len(text) - (columns(text) - room + 1) // 2)]
    return text


def _remote_name(change: PlannedChange) -> str:
    """What is taken away or taken over is named as the service knows it."""
    if change.name and change.action in (Action.DELETE, Action.ADOPT, Action.FORGET):
        return f" ({harmless(change.name)})"
    return ""


def _body(sheet: Sheet, group: Group) -> Iterator[str]:
    if group.first.moved_from:
        yield f"      moved from {harmless(group.first.moved_from)}"
    others = list(_beside(sheet, group))
    room = min(_MOST_ROW_LINES, max(_LEAST_ROW_LINES, _MOST_BODY_LINES - len(others)))
    yield from _rows(sheet, group.first, sheet.most(room))
    yield from others


def _beside(sheet: Sheet, group: Group) -> Iterator[str]:
    """What there is to say of a change besides its differences."""
    change = group.first
    if rollout := rollout_of(change):
        yield from _rollout(sheet, rollout)
    for fact in facts_of(change, sheet.wording):
        yield from _fact(sheet, fact)
    names = len(change.reach.nearest) if change.reach and sheet.is_full else _MOST_REACHED
    if reached := reach_text(group.changes, names):
        yield from sheet.page.wrap(sheet.said(reached), 15, "      reaches  ")
    for note in change.notes[: sheet.most(3)]:
        yield from sheet.page.wrap(sheet.said(note), 6)
    yield from _minor_hazards(sheet, change)
    if sheet.is_full and change.requires:
        yield from sheet.named([harmless(one) for one in change.requires], 0, "      waits for ", 8)


def _rows(sheet: Sheet, change: PlannedChange, room: int) -> Iterator[str]:
    is_new = change.action == Action.CREATE
    said: list[PlannedAttribute] = []
    implied: list[PlannedAttribute] = []
    for attribute in change.attributes:
        own = attribute.source != change.source or attribute.sensitive
        if is_new and attribute.unknown and not own and not sheet.is_full:
            continue  # an id that the service makes, and that nobody asked for
        (said if own or not is_new or sheet.is_full else implied).append(attribute)
    rows: list[Row] = []
    for attribute in said:
        rows.extend(attribute_rows(attribute, sheet.wording, sheet.waves))
        if len(rows) > sheet.most(_MOST_ROWS):
            break
    shown = rows[: sheet.most(_MOST_ROWS)]
    width = max((columns(row.path) for row in shown if columns(row.path) <= _widest(sheet)), default=0)
    told = 0
    for row in shown:
        lines = list(_row(sheet, row, width, is_new, change.source.line))
        if told and len(lines) > room:
            break
        room -= len(lines)
        told += 1
        yield from lines
    if told < len(rows):
        yield f"      … {plural(max(1, len(said) - told), 'more difference')} (--detail full)"
    if implied:
        yield from _implied(sheet, implied, width)


def _widest(sheet: Sheet) -> int:
    """How wide the column of paths may be, so that values have room beside it."""
    return min(_WIDEST_PATH, sheet.page.width // 2 - 8)


def _row(sheet: Sheet, row: Row, width: int, is_new: bool, home: int) -> Iterator[str]:
    lead = f"    {' ' if is_new else row.sign} {pad(row.path, width)}  "
    notes = f"   {', '.join(row.notes)}" if row.notes else ""
    value = " → ".join(side for side in (row.before, row.after) if side)
    where = f":{row.line}" if row.line and row.line != home else ""
    line = f"{lead}{value}{notes}"
    if sheet.page.fits(line):
        yield sheet.page.spread(line, where if sheet.page.fits(line, where) else "")
    else:
        if columns(row.path) > _widest(sheet):
            yield from sheet.page.wrap(row.path, 8, lead[:6])
            lead = " " * 8
        yield from sheet.page.ended(_wrapped_sides(sheet, row, lead, notes), where)
    for one in row.lines[: sheet.most(_MOST_LINES)]:
        yield from sheet.page.wrap(one, 10, "        ")
    if len(row.lines) > sheet.most(_MOST_LINES):
        yield f"        … {plural(len(row.lines) - _MOST_LINES, 'more line')} (--detail full)"


def _wrapped_sides(sheet: Sheet, row: Row, lead: str, notes: str) -> Iterator[str]:
    indent = columns(lead)
    if row.before and row.after:
        yield from sheet.page.wrap(row.before, indent, lead)
        yield from sheet.page.wrap(f"{row.after}{notes}", indent, f"{' ' * (indent - 2)}→ ")
    else:
        yield from sheet.page.wrap(f"{row.before}{row.after}{notes}", indent, lead)


def _implied(sheet: Sheet, attributes: Sequence[PlannedAttribute], width: int) -> Iterator[str]:
    """What a new resource gets without the manifest saying so: defaults, and what follows from elsewhere."""
    lead = f"      {pad('also', width)}  "
    room, parts = 2 * (sheet.page.width - len(lead)), []
    for attribute in attributes:
        part = ", ".join(
            f"{row.path} {row.after}" for row in attribute_rows(attribute, sheet.wording, sheet.waves)
        )
        room -= columns(part) + 2
        if room < 0:
            break
        parts.append(part)
    more = [f"{len(attributes) - len(parts)} more (--detail full)"] if len(parts) < len(attributes) else []
    yield from sheet.page.wrap(", ".join([*parts, *more]), len(lead), lead)


def _rollout(sheet: Sheet, rollout: Rollout) -> Iterator[str]:
    yield from sheet.page.wrap(rollout.headline(), 15, "      rollout  ")
    steps = rollout.steps
    for step in steps if len(steps) <= _MOST_ITEMS else (*steps[: _MOST_ITEMS - 1], steps[-1]):
        reached = f"{step.instances} of {rollout.instances} new"
        serving = (
            "" if step.capacity is None else f", at worst {step.capacity} serve{'s' * (step.capacity == 1)}"
        )
        time = f", about {duration(step.seconds)}" if step.seconds else ""
        lead = f"        step {step.number}  {step.percentage:>4g} %   "
        yield from sheet.page.wrap(f"{reached}{serving}{time}", len(lead), lead)
    if sheet.is_full and rollout.assumes:
        yield from sheet.page.wrap(f"assumed: {sheet.said(rollout.assumes)}", 10, "        ")


def _fact(sheet: Sheet, fact: Fact) -> Iterator[str]:
    title = f"      {fact.title}  " if fact.title else "      "
    yield from sheet.page.wrap(sheet.said(fact.text), 8 if fact.title else 6, title)
    shown = fact.items[: sheet.most(_MOST_ITEMS)]
    for item in shown:
        yield from sheet.page.wrap(sheet.said(item), 10, "        ")
    if len(shown) < len(fact.items):
        yield f"        … {len(fact.items) - len(shown):,} more (--detail full)"


def _minor_hazards(sheet: Sheet, change: PlannedChange) -> Iterator[str]:
    """Those that are no cause for alarm stand with their change; the others are in the box above."""
    for hazard in change.hazards:
        if hazard.code == "UNPINNED_IMAGE":
            yield from sheet.page.wrap(sheet.said(hazard.message), 8, f"      {hazard.code}: ")
