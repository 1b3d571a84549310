"""What plain scalars mean."""

from __future__ import annotations

import pytest

from reconciler.manifest.scalars import as_text, meaning


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("true", True),
        ("False", False),
        ("TRUE", True),
        ("tRUE", "tRUE"),
        ("", None),
        ("~", None),
        ("null", None),
        ("Null", None),
        ("0123", 123),
        ("-7", -7),
        ("+7", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.10", 1.1),
        (".5", 0.5),
        ("2.", 2.0),
        ("1e3", 1000.0),
        ("1:30", "1:30"),
        ("2026-10-01", "2026-10-01"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        ("-.inf", "-.inf"),
        (".nan", ".nan"),
        ("1e999", "1e999"),
        ("1" * 5000, "1" * 5000),
        ("٣", "٣"),
        ("-", "-"),
        (".", "."),
        ("~x", "~x"),
        ("<<", "<<"),
    ],
)
def test_a_plain_scalar_means_what_yaml_1_2_says(text: str, value: object) -> None:
    found = meaning(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), (7, "7"), (1.5, "1.5"), (1e30, "1e+30"), ("x", "x")]
)
def test_numbers_and_booleans_print_as_json(value: object, text: str) -> None:
    assert as_text(value) == text
