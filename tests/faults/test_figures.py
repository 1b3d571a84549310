"""The page of figures says what was run, and nothing else."""

from __future__ import annotations

from pathlib import Path

from tests.faults.bars import BARS
from tests.faults.figures import PAGE, Figure, load, merged, save, summed, table, write_page

KILLED = Figure(1, "tests/faults/test_killed.py::test_create", "killed", 13, "0 orphans, ≤ {:.0f} reads", 2.0)
OTHER = Figure(7, "tests/faults/test_outside.py::test_drop", "dropped", 1, "found again")


def test_parameters_of_one_trial_are_one_figure() -> None:
    [one] = summed([KILLED, Figure(1, KILLED.test, "killed", 2, KILLED.outcome, 5.0)])
    assert (one.count, one.said) == (15, "0 orphans, ≤ 5 reads")


def test_a_run_replaces_what_it_ran_and_keeps_the_rest() -> None:
    again = Figure(1, KILLED.test, "killed", 99, "0 orphans")
    assert merged([KILLED, OTHER], [again], {KILLED.test: True}) == [again, OTHER]


def test_a_test_that_fails_shows_it() -> None:
    [one] = merged([KILLED], [], {KILLED.test: False})
    assert one.said == "**not met**: its test failed in the last run"


def test_every_row_is_in_the_table_once() -> None:
    lines = table([KILLED, OTHER]).splitlines()[2:]
    assert [line.split("|")[1].strip() for line in lines] == [str(row) for row in BARS]
    assert lines[0].endswith("| 13 | 0 orphans, ≤ 2 reads |")
    assert lines[1].endswith("| not tried yet | | |")


def test_figures_survive_their_file(tmp_path: Path) -> None:
    save([OTHER, KILLED], tmp_path / "figures.json")
    assert load(tmp_path / "figures.json") == [KILLED, OTHER]


def test_the_page_is_what_the_figures_say(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE.read_text())
    write_page(load(), page)
    assert page.read_text() == PAGE.read_text()
