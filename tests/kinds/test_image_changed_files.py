from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds.image.changed_files import MOST_NAMES, changed_files

listings = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["1", "2"]))


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ({}, {}, {}),
        ({"a": "1"}, {"a": "1"}, {}),
        (
            {"a": "1", "b": "1", "d": "1"},
            {"b": "2", "c": "1", "d": "1"},
            {"added": ["c"], "changed": ["b"], "removed": ["a"]},
        ),
        ({}, {"\udcff.txt": "1"}, {"added": ["\ufffd.txt"], "changed": [], "removed": []}),
    ],
)
def test_files_are_told_apart(
    before: dict[str, str], now: dict[str, str], told: dict[str, list[str]]
) -> None:
    assert changed_files(before, now) == told


def test_only_so_many_are_named_and_the_others_counted() -> None:
    told = changed_files({}, {f"{number:05}": "1" for number in range(50_000)})
    assert told["added"] == [f"{number:05}" for number in range(MOST_NAMES)]
    assert told["more"] == {"added": 50_000 - MOST_NAMES}


@given(listings, listings)
def test_each_file_is_told_once_and_the_way_back_is_the_reverse(
    before: dict[str, str], now: dict[str, str]
) -> None:
    there, back = changed_files(before, now), changed_files(now, before)
    assert (there.get("added"), there.get("changed")) == (back.get("removed"), back.get("changed"))
    named = [name for names in there.values() for name in names]
    assert sorted(named) == sorted({*before, *now} - {one for one in now if before.get(one) == now[one]})
