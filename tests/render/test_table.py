from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.render.layout import columns
from reconciler.render.table import WHOLE, counted, indented, shortened, table
from tests.render.plans import HOSTILE

CELLS = st.one_of(st.text(max_size=120), st.sampled_from(HOSTILE))


def test_columns_are_aligned_and_lines_end_with_their_text() -> None:
    text = table(("NAME", "SIZE"), [("a", "1"), ("longer", "22"), ("", "")])
    assert text == "NAME    SIZE\na       1\nlonger  22\n-       -\n"


def test_the_widest_column_gives_way() -> None:
    text = table(("A", "B"), [("x" * 50, "y" * 18)], width=38)
    assert text.splitlines()[1] == "x" * 17 + "…  " + "y" * 18


def test_what_has_to_be_read_to_its_end_is_never_cut() -> None:
    assert table(("A", "B"), [("x", "y" * 200)], WHOLE).splitlines()[1] == f"x  {'y' * 200}"


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=5), st.integers(40, 120))
def test_no_line_is_too_wide_or_harmful(rows: list[tuple[str, str, str]], width: int) -> None:
    lines = table(("ONE", "TWO", "THREE"), rows, width).split("\n")
    assert len(lines) == len(rows) + 2
    assert all(columns(line) <= width for line in lines)
    assert not any(sign < " " or "\x7f" <= sign <= "\x9f" for line in lines for sign in line)


@pytest.mark.parametrize(
    ("text", "room", "shown"), [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("日本語", 5, "日本…"), ("", 0, "")]
)
def test_what_is_too_long_is_cut(text: str, room: int, shown: str) -> None:
    assert shortened(text, room) == shown


def test_numbers_take_their_plural() -> None:
    assert [counted(1, "instance"), counted(0, "instance"), counted(2, "entry", "entries")] == [
        "1 instance",
        "0 instances",
        "2 entries",
    ]


def test_what_belongs_together_is_indented() -> None:
    assert indented("a\nb\n") == "  a\n  b\n"
