from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.render.amounts import age_text, duration, moment, size_text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (10240, "10.0 KiB"),
        (43_000_000, "41.0 MiB"),
        (2**40, "1.0 TiB"),
        (5e15, "4547 TiB"),
    ],
)
def test_sizes_are_for_people(size: float, text: str) -> None:
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
    ("seconds", "text"),
    [
        (0, "0 s"),
        (119, "119 s"),
        (270, "4.5 min"),
        (300, "5 min"),
        (599, "10 min"),
        (3000, "50 min"),
        (9000, "2.5 h"),
    ],
)
def test_spans_are_said_as_exactly_as_anybody_knows_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("2026-11-28T10:11:12.016Z", "2026-11-28 10:11 UTC"),
        ("2026-11-28T10:11Z", "2026-11-28 10:11 UTC"),
        ("2026-11-28T10:11:12+02:00", "2026-11-28T10:11:12+02:00"),
        ("tomorrow", "tomorrow"),
    ],
)
def test_moments_are_said_to_the_minute(said: str, shown: str) -> None:
    assert moment(said) == shown
