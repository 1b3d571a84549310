"""Which manifest is meant."""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.errors import ReconcilerError

MANIFEST_NAME = "containers.yaml"


def nearest_manifest(named: str | None) -> Path:
    """The manifest: as named by `-f`, RECONCILER_MANIFEST, or the nearest `containers.yaml` upward.

    Raises ReconcilerError where there is none.
    """
    given = named or os.environ.get("RECONCILER_MANIFEST")
    if given:
        return Path(given)
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / MANIFEST_NAME).exists():
            return Path(os.path.relpath(folder / MANIFEST_NAME))
    raise ReconcilerError(
        f"there is no {MANIFEST_NAME} here or in any folder above",
        fix="change to your project's folder, or name the file with -f",
    )
