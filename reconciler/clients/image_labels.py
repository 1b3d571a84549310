"""What an image says of how it was built, by the labels that OCI defines; claims of whoever built it, and no more.

Labels come along from a base image where a build sets none of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_LONGEST = 100
_LABELS = {"commit": "org.opencontainers.image.revision", "version": "org.opencontainers.image.version"}
_CREATED = "org.opencontainers.image.created"
_BEFORE_CONTAINERS = 2000  # the year of nobody's build: builds that repeat byte for byte put 1970 or 1 there


def labels_of(config: Mapping[str, Any]) -> dict[str, str]:
    """`{commit, version, built_at}` of an image's configuration, what is known of it (OCI image-spec, annotations.md).

    `built_at` is in UTC, to the second: the label's time, else the configuration's own.
    """
    settings = config.get("config")
    labels = settings.get("Labels") if isinstance(settings, Mapping) else None
    labels = labels if isinstance(labels, Mapping) else {}
    found = {key: _line(labels.get(label)) for key, label in _LABELS.items()}
    found["built_at"] = _moment(labels.get(_CREATED)) or _moment(config.get("created"))
    return {key: value for key, value in found.items() if value}


def _line(value: object) -> str:
    return " ".join(value.split())[:_LONGEST] if isinstance(value, str) else ""


def _moment(value: object) -> str:
    try:
        at = datetime.fromisoformat(str(value))
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return ""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at.year >= _BEFORE_CONTAINERS else ""
