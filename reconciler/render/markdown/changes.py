"""The changes of a plan as Markdown: a row of the table for each, and a fold with its differences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.model.change import Action
from reconciler.model.plan import PlannedChange
from reconciler.render.amounts import duration
from reconciler.render.details import Rollout, RolloutStep, facts_of, rollout_of
from reconciler.render.difference import Row, attribute_rows
from reconciler.render.folding import Group
from reconciler.render.layout import columns, pad
from reconciler.render.markdown.marks import code, fence, fold, prose, row
from reconciler.render.markdown.sheet import Sheet
from reconciler.render.reach import reach_text
from reconciler.render.verdict import addresses, few, verb_of

SIGNS = {
    "create": "➕",
    "update": "✏️",
    "replace": "♻️",
    "delete": "❌",
    "adopt": "🤝",
    "forget": "💤",
    "move": "➡️",
    "run": "▶️",
    "resume": "⏳",
    "refused": "⛔",
}
_MOST_PATHS = 4
_MOST_ROWS = 40
_MOST_LINES = 12
_MOST_ITEMS = 12
_MOST_STEPS = 6
_MOST_NAMES = 20
_WIDEST_PATH = 40


def table_row(sheet: Sheet, group: Group) -> str:
    """A line of the table of changes."""
    change = group.first
    more = f" and {len(group.changes) - 1:,} more" if len(group.changes) > 1 else ""
    sign = "🔁" if change.effect == "rollout" else SIGNS.get(change.action, "")
    wave = f"{change.wave} {sign}" if change.wave else sign
    return row(
        wave, f"{code(change.address)}{more}", _action(change), _what(change), sheet.place(change.source)
    )


def _action(change: PlannedChange) -> str:
    verb = verb_of(change)
    rollout = rollout_of(change)
    if rollout and rollout.steps:
        verb += f" {' → '.join(f'{step.percentage:g}' for step in rollout.steps)} %"
    return f"**{verb}**" if Action(change.action).is_destructive else verb


def _what(change: PlannedChange) -> str:
    """The places that change; where there is none, why it changes."""
    forcing = [one.path for one in change.attributes if one.forces_replacement]
    paths = list(dict.fromkeys([*forcing, *(one.path for one in change.attributes)]))
    if change.action == Action.CREATE or not paths:
        return prose(change.reason, 120)
    shown = [code(path, 60) + (" (forces it)" if path in forcing else "") for path in paths[:_MOST_PATHS]]
    more = [f"and {len(paths) - _MOST_PATHS} more"] if len(paths) > _MOST_PATHS else []
    return " ".join([*shown, *more])


def change_fold(sheet: Sheet, group: Group) -> str:
    """A change with its differences, its rollout, and what its kind adds."""
    change = group.first
    body = [fence(_diff(sheet, change))]
    if rollout := rollout_of(change):
        body.append(_rollout_table(rollout))
    body.append("".join(_facts(sheet, group)))
    if len(group.changes) > 1:
        kind = "The same for" if group.exact else "Likewise, with values of their own,"
        body.append(f"{kind} {code(few(addresses(group.changes[1:]), _MOST_NAMES), 2000)}\n")
    paths = dict.fromkeys(attribute.path for attribute in change.attributes)
    return fold(
        sheet.dialect,
        "\n".join(part for part in body if part),
        name=few([one.address for one in group.changes], 1),
        title=verb_of(change),
        what=", ".join(paths),
    )


def _diff(sheet: Sheet, change: PlannedChange) -> Iterator[str]:
    where = f"  # {change.source.file}:{change.source.line}" if change.source.line else ""
    yield f"  # {change.address}: {sheet.wording.cut(change.reason, len(change.reason))}{where}"
    rows: list[Row] = []
    for attribute in change.attributes:
        rows.extend(attribute_rows(attribute, sheet.wording, sheet.waves))
        if len(rows) > _MOST_ROWS:
            break
    width = max((columns(one.path) + 1 for one in rows if columns(one.path) < _WIDEST_PATH), default=0)
    for one in rows[:_MOST_ROWS]:
        yield from _row_lines(one, width)
    if len(rows) > _MOST_ROWS:
        yield f"  # … {max(1, len(change.attributes) - _MOST_ROWS)} more"


def _row_lines(one: Row, width: int) -> Iterator[str]:
    """A difference as a minus and a plus: only they are coloured."""
    path = pad(f"{one.path}:", width)
    note = f"   # {', '.join(one.notes)}" if one.notes else ""
    if one.how in ("changed", "kept") and not one.before:
        yield f"! {path} {one.after}{note}"
        return
    if one.before:
        yield f"- {path} {one.before}{'' if one.after else note}"
    if one.after:
        yield f"+ {path} {one.after}{note}"
    yield from one.lines[:_MOST_LINES]
    if len(one.lines) > _MOST_LINES:
        yield f"  # … {len(one.lines) - _MOST_LINES} more lines"


def _rollout_table(rollout: Rollout) -> str:
    steps = _thinned(rollout.steps)
    serving = any(step.capacity is not None for step in steps)
    timed = any(step.ends_after is not None for step in steps)
    head = ["Step", "Share", "New instances", *(["Serving at worst"] if serving else [])]
    head += ["Over after"] if timed else []
    lines = [f"Rollout: {prose(rollout.headline())}\n\n"]
    lines += [row(*head), f"|{'--:|' * len(head)}\n"]
    for step in steps:
        cells = [f"{step.number}", f"{step.percentage:g} %", f"{step.instances} of {rollout.instances}"]
        cells += [_share(step.capacity, rollout.instances)] if serving else []
        cells += [duration(step.ends_after or 0)] if timed else []
        lines.append(row(*cells))
    assumed = f"\n{prose(f'Assumed: {rollout.assumes}.')}\n" if rollout.assumes else ""
    return "".join([*lines, assumed])


def _share(capacity: int | None, instances: int) -> str:
    return "" if capacity is None else f"{capacity} of {instances}"


def _thinned(steps: Sequence[RolloutStep]) -> Sequence[RolloutStep]:
    return steps if len(steps) <= _MOST_STEPS else (*steps[: _MOST_STEPS - 1], steps[-1])


def _facts(sheet: Sheet, group: Group) -> Iterator[str]:
    change = group.first
    for fact in facts_of(change, sheet.wording):
        items = [code(item, 120) for item in fact.items[:_MOST_ITEMS]]
        items += [f"and {len(fact.items) - _MOST_ITEMS} more"] if len(fact.items) > _MOST_ITEMS else []
        told = " ".join(part for part in (prose(fact.title), prose(fact.text), ", ".join(items)) if part)
        yield f"- {told}\n" if told else ""
    for note in change.notes[:_MOST_ITEMS]:
        yield f"- {prose(note)}\n"
    if reached := reach_text(group.changes):
        yield f"- reaches {prose(reached)}\n"
    if change.moved_from:
        yield f"- moved from {code(change.moved_from)}\n"
