from __future__ import annotations

import pytest

from reconciler.cli.image_catalog import believable_time


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
