from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.cli.columns import age_text, columns, size_text
from reconciler.cli.image_catalog import believable_time


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (12_340_000, "12.3 MB"), (5e15, "5000.0 TB")],
)
def test_sizes_are_said_in_decimal_units(size: float, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("created", "text"),
    [
        ("", "-"),
        ("yesterday", "-"),
        ("2026-11-20T10:00:30Z", "now"),
        ("2026-11-20T09:15:00Z", "46 min"),
        ("2026-11-19T23:00:00Z", "11 h"),
        ("2026-11-10T10:00:00Z", "10 d"),
        ("2020-11-10T10:00:00Z", "6 y"),
    ],
)
def test_ages_are_said_in_the_largest_unit(created: str, text: str) -> None:
    now = datetime(2026, 11, 20, 10, 1, tzinfo=UTC).timestamp()
    assert age_text(created, now) == text


@pytest.mark.parametrize(
    ("said", "believed"),
    [
        ("2026-11-20T12:00:00.123456+02:00", "2026-11-20T10:00:00Z"),
        ("2000-01-01T00:00:00Z", ""),
        ("1970-01-01T00:00:00Z", ""),
        ("0001-01-01T00:00:00Z", ""),
        ("yesterday", ""),
        ("", ""),
    ],
)
def test_dates_of_reproducible_builds_are_not_believed(said: str, believed: str) -> None:
    assert believable_time(said) == believed


def test_cells_are_lined_up_and_harmless() -> None:
    assert columns(("A", "B"), [("x\x1b[2J", "y"), ("z", "")]) == "A         B\nx\\x1b[2J  y\nz\n"
