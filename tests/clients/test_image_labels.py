"""What an image says of how it was built."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.clients.image_labels import labels_of

SPEC = "org.opencontainers.image."


def labelled(created: object = None, **labels: object) -> dict[str, Any]:
    return {
        "created": created,
        "config": {"Labels": {f"{SPEC}{key}": value for key, value in labels.items()}},
    }


@pytest.mark.parametrize(
    ("config", "found"),
    [
        (
            labelled(revision="4e02ab1", version="1.9.0", created="2026-11-20T12:00:00+02:00"),
            {"commit": "4e02ab1", "version": "1.9.0", "built_at": "2026-11-20T10:00:00Z"},
        ),
        (labelled("2026-11-20T10:00:00.123456789Z"), {"built_at": "2026-11-20T10:00:00Z"}),
        (labelled("2026-11-20T10:00:00"), {"built_at": "2026-11-20T10:00:00Z"}),
        (labelled("1970-01-01T00:00:00Z"), {}),
        (labelled("0001-01-01T00:00:00+14:00"), {}),
        (labelled("yesterday", revision=7, version=""), {}),
        (labelled(revision="a\nb" + "c" * 200), {"commit": "a b" + "c" * 97}),
        ({"config": {"Labels": None}}, {}),
        ({"config": [], "created": {}}, {}),
        ({}, {}),
    ],
)
def test_labels_are_read_as_far_as_they_say_anything(config: dict[str, Any], found: dict[str, str]) -> None:
    assert labels_of(config) == found
