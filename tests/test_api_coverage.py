"""Every operation of the containers API is used, or docs/api-coverage.md says why not; the page is held against the code."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.operations import (
    Operation,
    callers_by_method,
    described_operations,
    operations_by_method,
    shape,
    users_of,
)

PAGE = Path(__file__).parent.parent / "docs" / "api-coverage.md"
ROW = re.compile(
    r"^\| `(?P<method>[A-Z]+) (?P<path>/[^`]*)` \| (?P<users>[^|]*) \| (?P<why>[^|]*) \|$", re.MULTILINE
)
_WORDS_OF_A_REASON = 8


def rows() -> dict[Operation, tuple[list[str], str]]:
    """What the page says of each operation: who uses it, and what for or why not."""
    return {
        (row["method"], row["path"]): (re.findall(r"`([^`]+)`", row["users"]), row["why"].strip())
        for row in ROW.finditer(PAGE.read_text())
    }


def test_the_page_lists_every_operation_once() -> None:
    listed = Counter((row["method"], row["path"]) for row in ROW.finditer(PAGE.read_text()))
    assert set(listed) == set(described_operations())
    assert set(listed.values()) == {1}


@pytest.mark.parametrize("operation", described_operations(), ids=" ".join)
def test_the_page_knows_who_uses_an_operation_or_why_nobody_does(operation: Operation) -> None:
    users, why = rows()[operation]
    assert users == users_of(operation), f"write in docs/api-coverage.md who uses {' '.join(operation)}"
    assert len(why.split()) >= (1 if users else _WORDS_OF_A_REASON)


def test_the_client_asks_for_nothing_that_is_not_described() -> None:
    described = set(map(shape, described_operations()))
    assert {name for name, asked in operations_by_method().items() if asked not in described} == set()


def test_the_client_has_no_method_that_nobody_calls() -> None:
    assert sorted(set(operations_by_method()) - set(callers_by_method())) == []
