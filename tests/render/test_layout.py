from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.render.layout import Page, columns, in_ascii, pad


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("→…", 2), ("日本", 4), ("e\u0301", 1), ("🚀", 2)])
def test_columns_are_counted_as_a_terminal_shows_them(text: str, width: int) -> None:
    assert columns(text) == width
    assert columns(pad(text, 6)) == 6


def test_a_message_is_wrapped_with_an_indent() -> None:
    lines = list(Page(30).wrap("one two three four five six seven", 4, "  x: "))
    assert lines == ["  x: one two three four five", "    six seven"]


def test_a_percent_sign_stays_with_its_number() -> None:
    assert list(Page(30).wrap("aaaaaaaaaaaaaaaaaaaaaaaa 10 %", 2)) == ["  aaaaaaaaaaaaaaaaaaaaaaaa", "  10 %"]


@given(st.text("ab ", max_size=300), st.integers(40, 100), st.integers(0, 12))
def test_no_line_is_too_long_and_no_word_is_lost(text: str, width: int, indent: int) -> None:
    lines = list(Page(width).wrap(text, indent))
    assert all(columns(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_two_ends_share_a_line_or_take_two() -> None:
    page = Page(20)
    assert list(page.ended(iter(["left"]), "right")) == ["left           right"]
    assert list(page.ended(iter(["much on the left"]), "right")) == [
        "much on the left",
        "               right",
    ]


def test_colour_takes_no_room() -> None:
    assert Page(20, colour=True).spread("left", "right", "1") == "\x1b[1mleft\x1b[0m           right"


def test_ascii_keeps_our_signs_readable_and_writes_others_out() -> None:
    assert in_ascii("± a → b… ü") == "-/+ a -> b... \\xfc"
