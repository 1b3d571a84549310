"""Figures as tables, for the terminal and for the documentation: minimum, median, maximum, and the bar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

HEADINGS = ("what", "min", "median", "max", "bar", "")


@dataclass(frozen=True, slots=True)
class Row:
    """One measured thing; `bar` is the most that the median may be, None where there is none."""

    what: str
    values: Sequence[float]
    unit: str
    bar: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether the median is above the bar."""
        return self.bar is not None and median(self.values) > self.bar

    def cells(self) -> tuple[str, ...]:
        """The row as texts, one per heading."""
        figures = (min(self.values), median(self.values), max(self.values))
        bar = "" if self.bar is None else shown(self.bar, self.unit)
        verdict = "" if self.bar is None else "OVER" if self.is_over else "ok"
        return (self.what, *(shown(figure, self.unit) for figure in figures), bar, verdict)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a title, with what a reader should know beside them."""

    title: str
    rows: Sequence[Row]
    notes: Sequence[str] = ()


def shown(figure: float, unit: str) -> str:
    """A figure with as many digits as mean something."""
    match unit:
        case "":
            return f"{figure:,.0f}"
        case "x":
            return f"{figure:.3f} x"
        case "ms":
            return f"{figure * 1000:,.0f} ms" if figure >= 0.01 else f"{figure * 1000:.2f} ms"
        case _:
            return f"{figure:,.2f} {unit}" if figure < 100 else f"{figure:,.0f} {unit}"


def as_text(table: Table) -> str:
    """A table in columns."""
    lines = [HEADINGS, *(row.cells() for row in table.rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    body = ["  ".join(_aligned(cells, widths)).rstrip() for cells in lines]
    return (
        "\n".join([table.title, *(f"  {line}" for line in body), *(f"  {note}" for note in table.notes)])
        + "\n"
    )


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    first, *rest = cells
    return [
        first.ljust(widths[0]),
        *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)),
    ]


def as_markdown(table: Table) -> str:
    """A table for the documentation."""
    lines = [HEADINGS, ("---", *("--:" for _ in HEADINGS[1:-1]), "---"), *(row.cells() for row in table.rows)]
    body = [f"| {' | '.join(cells)} |" for cells in lines]
    return "\n\n".join([f"## {table.title}", "\n".join(body), *table.notes]) + "\n"


def interleaved(cases: Sequence[Callable[[], None]], rounds: int) -> None:
    """Runs every case once per round, so that what else the machine does falls on all of them alike."""
    for _ in range(rounds):
        for case in cases:
            case()
