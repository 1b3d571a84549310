from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.render.harmless import harmless
from tests.render.plans import HOSTILE


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("über 日本 🚀", "über 日本 🚀"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x9b1m", "\\x9b1m"),
        ("\u202egnp", "\\u202egnp"),
        ("\u2028\u2066\u061c", "\\u2028\\u2066\\u061c"),
        ("\ud800", "\\ud800"),
        ("::error::x", "\\x3a:error::x"),
        ("  ::error::x", "  \\x3a:error::x"),
        ("a ##[error]x", "a \\x23#[error]x"),
        ("##vso[task]", "\\x23#vso[task]"),
        ("std::string", "std::string"),
    ],
)
def test_what_would_be_obeyed_is_written_out(text: str, shown: str) -> None:
    assert harmless(text) == shown


@given(st.one_of(st.text(st.characters(codec=None)), st.sampled_from(HOSTILE)))
def test_nothing_that_is_obeyed_is_left(text: str) -> None:
    shown = harmless(text)
    assert shown.encode() is not None
    assert not any(sign < " " or "\x7f" <= sign <= "\x9f" or sign in "\u2028\u2029\u202e" for sign in shown)
    assert not shown.lstrip().startswith(("::", "##["))
    assert "##[" not in shown
    assert harmless(shown) == shown
