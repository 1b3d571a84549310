"""Blocks get into a manifest's text, and no other sign of it changes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import ReconcilerError
from reconciler.manifest.adding import with_blocks
from reconciler.manifest.findings import Findings
from reconciler.manifest.reader import parse

HEAD = "version: 1\nproject: shop  # the shop\n"
BLOCK = {"one": {"image": "a@sha256:b", "ports": {"web": {"port": 80}}}}
LINES = "  one:\n    image: a@sha256:b\n    ports:\n      web: {port: 80}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD, f"{HEAD}\nthings:\n{LINES}"),
        (f"{HEAD}# said last\n", f"{HEAD}# said last\n\nthings:\n{LINES}"),
        (f"{HEAD}things:\n", f"{HEAD}things:\n{LINES}"),
        (f"{HEAD}things: {{}}  # none\nrest: 1\n", f"{HEAD}things:  # none\n{LINES}rest: 1\n"),
        (f"{HEAD}things: null\nrest: 1\n", f"{HEAD}things:\n{LINES}rest: 1\n"),
        (
            f"{HEAD}things:\n  # first\n  two: {{}}  # 2\n\n# said of the rest\nrest: 1\n",
            f"{HEAD}things:\n  # first\n  two: {{}}  # 2\n{LINES}\n# said of the rest\nrest: 1\n",
        ),
        (
            f"{HEAD}things: {{two: {{a: 1}}}}\n",
            f"{HEAD}things: {{two: {{a: 1}}, one: {{image: a@sha256:b, ports: {{web: {{port: 80}}}}}}}}\n",
        ),
    ],
)
def test_blocks_are_put_beside_what_is_there(text: str, expected: str) -> None:
    assert with_blocks(text, ("things",), BLOCK, {}) == expected.replace(
        "{image: a@sha256:b,", '{image: "a@sha256:b",'
    )


def test_an_environment_gets_its_own_in_its_own_step() -> None:
    text = f"{HEAD}environments:\n    prod:\n        state: {{}}\n    dev: {{}}\n"
    made = with_blocks(text, ("environments", "prod", "things"), BLOCK, {})
    lines = "".join(f"        {line.replace('  ', '    ')}\n" for line in f"things:\n{LINES}".splitlines())
    assert made == text.replace("    dev: {}\n", f"{lines}    dev: {{}}\n")
    assert parse(with_blocks(text, ("environments", "dev", "things"), BLOCK, {}), "", Findings()) == {
        **_tree(text),
        "environments": {"prod": {"state": {}}, "dev": {"things": BLOCK}},
    }


def test_comments_stand_above() -> None:
    made = with_blocks(HEAD, ("things",), BLOCK, {("things", "one"): ["why"]})
    assert "things:\n  # why\n  one:\n" in made


def test_line_ends_stay_what_they_are() -> None:
    made = with_blocks(HEAD.replace("\n", "\r\n"), ("things",), BLOCK, {})
    assert made.count("\n") == made.count("\r\n") == 8


@pytest.mark.parametrize(
    "text", ["things: [1]\n", "things: text\n", "a: &x {}\nthings: *x\n", "a: &x {b: {}}\nthings: *x\n"]
)
def test_what_has_no_room_is_refused(text: str) -> None:
    with pytest.raises(ReconcilerError, match="nothing can be added to things"):
        with_blocks(HEAD + text, ("things",), BLOCK, {})


_texts = st.text(max_size=12)
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(["one", "b-2", "c_3"]), st.dictionaries(_texts, _values), min_size=1))
def test_whatever_is_added_reads_as_it_was_meant(blocks: dict[str, Any]) -> None:
    text = f"{HEAD}# a comment\nthings:\n  # another\n  two: {{}}\nrest: 1\n"
    made = with_blocks(text, ("things",), blocks, {})
    assert _tree(made) == {**_tree(text), "things": {"two": {}, **blocks}}
    assert [line for line in text.splitlines() if line not in made.splitlines()] == []


def _tree(text: str) -> Any:
    return parse(text, "", Findings())
