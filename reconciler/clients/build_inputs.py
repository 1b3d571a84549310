"""What is known of a build without building: one hash, and what went into it. How it is found out is for `build_context`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from reconciler.frozen import frozen


@frozen
class BuildInputs:
    """Everything a build reads: as one hash, and the hash of each file, to name those that changed."""

    hash: str
    files: Mapping[str, str] = field(default_factory=dict)
