"""What the trials came to: kept as JSON from run to run, and written into docs/reliability.md as a table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tests.faults.bars import BARS

HERE = Path(__file__).parent
FIGURES = HERE / "figures.json"
PAGE = HERE.parents[1] / "docs" / "reliability.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
HEADER = "| | what goes wrong: the bar | what was done | how often | what came of it |\n| --: | --- | --- | --: | --- |"


@dataclass(frozen=True, slots=True, order=True)
class Figure:
    """What one test came to, over all of its parameters. `worst` is what stands in the place of {} in `outcome`."""

    row: int
    test: str
    what: str
    count: int = 1
    outcome: str = ""
    worst: float | None = None
    missed: str = ""  # why the bar is not met
    date: str = ""

    def with_another(self, other: Figure) -> Figure:
        """One figure of two of the same trial."""
        worst = max((one for one in (self.worst, other.worst) if one is not None), default=None)
        missed = self.missed or other.missed
        return replace(other, count=self.count + other.count, worst=worst, missed=missed)

    @property
    def said(self) -> str:
        """The outcome with its number."""
        said = self.outcome if self.worst is None else self.outcome.format(self.worst)
        return "; ".join(filter(None, (said, self.missed and f"**not met**: {self.missed}")))


def summed(figures: Iterable[Figure]) -> list[Figure]:
    """One figure per trial, whatever number of parameters it was run with."""
    found: dict[tuple[int, str, str], Figure] = {}
    for one in figures:
        key = (one.row, one.test, one.what)
        found[key] = found[key].with_another(one) if key in found else one
    return sorted(found.values())


def merged(old: Iterable[Figure], new: Iterable[Figure], ran: Mapping[str, bool]) -> list[Figure]:
    """What is known after a run of some tests: a test that has failed shows that instead of what it once came to."""
    kept = [one for one in old if one.test not in ran]
    failed = [
        replace(one, outcome="", worst=None, missed="its test failed in the last run")
        for one in old
        if ran.get(one.test) is False
    ]
    return sorted([*kept, *failed, *(one for one in summed(new) if ran.get(one.test))])


def load(path: Path = FIGURES) -> list[Figure]:
    """What is known so far."""
    return [Figure(**one) for one in json.loads(path.read_text())] if path.exists() else []


def save(figures: Iterable[Figure], path: Path = FIGURES) -> None:
    """Keeps it, a line per figure."""
    lines = [json.dumps(_filled(asdict(one)), ensure_ascii=False) for one in sorted(figures)]
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n")


def _filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, "")}


def table(figures: Iterable[Figure]) -> str:
    """Every row of the specification, tried or not."""
    by_row: dict[int, list[Figure]] = {}
    for one in figures:
        by_row.setdefault(one.row, []).append(one)
    lines = [line for row in BARS for line in _lines(row, by_row.get(row, []))]
    return "\n".join([HEADER, *lines])


def _lines(row: int, figures: list[Figure]) -> list[str]:
    title, bar = BARS[row]
    head = f"| {row} | **{title}**: {bar}"
    if not figures:
        return [f"{head} | not tried yet | | |"]
    heads = [head, *["| | "] * (len(figures) - 1)]
    return [f"{head} | {_trial(one)}" for head, one in zip(heads, figures, strict=True)]


def _trial(figure: Figure) -> str:
    path, _, name = figure.test.partition("::")
    link = f"[test](../{path} '{name}')"
    return f"{figure.what} ({link}) | {figure.count:,} | {figure.said} |"


def write_page(figures: Iterable[Figure], page: Path = PAGE) -> None:
    """Puts the table into the page, between its two marks."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{table(figures)}\n{END}{after}")
