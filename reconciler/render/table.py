"""Rows as aligned columns in a given width, for commands that show what runs. Cells are harmless; too long ones are cut."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.render.harmless import harmless
from reconciler.render.layout import columns, pad

WIDTH = 80
WHOLE = 0
"""For tables whose last column is a list that has to be read to its end."""
_GAP = "  "
_NARROWEST = 8
_CUT = "…"

Row = Sequence[str]


def table(heads: Row, rows: Sequence[Row], width: int = WIDTH) -> str:
    """A table with its heads. Where it is too wide, the widest column gives way first; WHOLE: nothing is cut."""
    cells = [list(heads), *[[harmless(cell) or "-" for cell in row] for row in rows]]
    widths = _fitting([max(columns(line[at]) for line in cells) for at in range(len(heads))], width)
    return "".join(_line(line, widths) for line in cells)


def indented(lines: str, by: str = "  ") -> str:
    """Lines that belong to what stands above them."""
    return "".join(f"{by}{line}\n" for line in lines.splitlines())


def counted(number: int, one: str, many: str = "") -> str:
    """A number and what is counted: `1 instance`, `3 instances`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def _fitting(widths: list[int], width: int) -> list[int]:
    if width == WHOLE:
        return widths
    over = sum(widths) + len(_GAP) * (len(widths) - 1) - width
    while over > 0 and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
        over -= 1
    return widths


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    shown = [pad(shortened(cell, room), room) for cell, room in zip(cells, widths, strict=True)]
    return _GAP.join(shown).rstrip() + "\n"


def shortened(text: str, room: int) -> str:
    """A text of at most so many columns, its end cut off where it has more."""
    if columns(text) <= room:
        return text
    while text and columns(text) > room - 1:
        text = text[:-1]
    return text + _CUT
