"""The graph of what changes: waves from left to right, one mark for each change, lines to what it waits for."""

from __future__ import annotations

import math
from collections.abc import Sequence

from reconciler.frozen import frozen
from reconciler.model.change import Action
from reconciler.render.folding import Group
from reconciler.render.harmless import harmless
from reconciler.render.html.elements import NOTHING, Html, element, empty, form, joined
from reconciler.render.html.shapes import definitions
from reconciler.render.html.sheet import Sheet, wave_title
from reconciler.render.verdict import verb_of

MOST_NODES = 1500
_FEW = 70
"""Up to so many nodes have their name beside them."""
_TOP = 34
_LONGEST_LABEL = 24
_EDGE = form('<path d="%s" data-from="%s" data-to="%s"/>')
_NODE = form(
    '<a id="n%s" href="#c%s" class="n %s" tabindex="%s"><title>%s</title>%s<use href="#s-%s" x="%s" y="%s"/>%s</a>'
)


@frozen
class _Grid:
    """Where nodes stand: how wide and high a place is, how many stand above each other, how far waves are apart."""

    width: int
    height: int
    rows: int
    gap: int
    named: bool


@frozen
class _Node:
    number: int
    group: Group
    x: int
    y: int


def picture(sheet: Sheet) -> Html:
    """The graph as SVG; each mark leads to its change."""
    grid = _grid(sheet.count, max(len(wave.groups) for wave in sheet.waves))
    nodes, titles, width = _placed(sheet, grid)
    lines = _edges(nodes, grid)
    drawn = [_drawn(node, grid, is_first=node is nodes[0]) for node in nodes]
    height = _TOP + grid.rows * grid.height + 10
    return element(
        "svg",
        definitions(dict.fromkeys(node.group.first.action for node in nodes)),
        *titles,
        element("g", *lines, class_="edges"),
        *drawn,
        width=width,
        height=height,
        viewBox=f"0 0 {width} {height}",
        role="group",
        aria_label="Graph of changes, waves from left to right; arrow keys go from change to change",
        class_=None if grid.named else "dense",
    )


def _grid(count: int, most: int) -> _Grid:
    """A grid for so many nodes, of which `most` stand in one wave."""
    if count <= _FEW:
        return _Grid(212, 36, min(12, most), 56, named=True)
    return _Grid(22, 22, min(26, most, math.ceil(math.sqrt(count))), 40, named=False)


def _placed(sheet: Sheet, grid: _Grid) -> tuple[list[_Node], list[Html], int]:
    """Nodes with their places, titles of the waves, and how wide it all is."""
    nodes: list[_Node] = []
    titles: list[Html] = []
    left = 20
    for wave in sheet.waves:
        title = wave_title(wave).partition(",")[0]
        titles.append(element("text", title, class_="wave", x=left, y=20))
        for place, group in enumerate(wave.groups):
            column, line = divmod(place, grid.rows)
            x = left + column * grid.width + 10
            y = _TOP + line * grid.height + grid.height // 2
            nodes.append(_Node(sheet.number(group), group, x, y))
        columns = math.ceil(len(wave.groups) / grid.rows)
        left += max(columns * grid.width, 8 * len(title)) + grid.gap
    return nodes, titles, left


def _edges(nodes: Sequence[_Node], grid: _Grid) -> list[Html]:
    """A line from what is waited for to what waits; between two groups only one."""
    by_address = {change.address: node for node in nodes for change in node.group.changes}
    pairs = {
        (by_address[address].number, node.number): (by_address[address], node)
        for node in nodes
        for change in node.group.changes
        for address in change.requires
        if address in by_address and by_address[address] is not node
    }
    return [_edge(*ends, grid) for ends in pairs.values()]


def _edge(start: _Node, end: _Node, grid: _Grid) -> Html:
    x1 = start.x + (grid.width - 20 if grid.named else 8)
    x2 = end.x - (12 if grid.named else 8)
    across, down = x2 - x1, end.y - start.y
    bend = max(18, across // 2)
    path = f"M{x1} {start.y}c{bend} 0 {across - bend} {down} {across} {down}"
    return _EDGE(path, f"{start.number}", f"{end.number}")


def _drawn(node: _Node, grid: _Grid, *, is_first: bool) -> Html:
    change = node.group.first
    more = f" and {len(node.group.changes) - 1} more" if len(node.group.changes) > 1 else ""
    waits = f", waits for {', '.join(change.requires)}" if change.requires else ""
    number = f"{node.number}"
    return _NODE(
        number,
        number,
        change.action,
        "0" if is_first else "-1",
        f"{change.address}{more}: {verb_of(change)}{waits}",
        _box(node, grid) if grid.named else NOTHING,
        change.action,
        f"{node.x}",
        f"{node.y}",
        _name(node) if grid.named else NOTHING,
    )


def _box(node: _Node, grid: _Grid) -> Html:
    return empty("rect", class_="box", x=node.x - 12, y=node.y - 14, width=grid.width - 8, height=28, rx=6)


def _name(node: _Node) -> Html:
    change, level = node.group.first, node.y + 4
    mark = element("text", Action(change.action).symbol, class_="mark", x=node.x, y=level)
    return joined(
        (mark, element("text", _label(change.address, len(node.group.changes)), x=node.x + 16, y=level))
    )


def _label(address: str, count: int) -> str:
    times = f" ×{count}" if count > 1 else ""
    name = harmless(address)
    room = _LONGEST_LABEL - len(times)
    return f"{name if len(name) <= room else name[: room - 1] + '…'}{times}"
