"""The printed schemas are those that the code carries; `make goldens` rewrites them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.cli.schema import schema_text

FOLDER = Path(__file__).parent.parent / "schemas"
FILES = {"manifest": "containers.schema.json", "plan": "plan.schema.json", "state": "state.schema.json"}


@pytest.mark.parametrize(("which", "name"), FILES.items())
def test_the_printed_schema_is_the_one_in_force(which: str, name: str) -> None:
    path, text = FOLDER / name, schema_text(which)
    if os.environ.get("RECONCILER_GOLDENS"):
        path.write_text(text)
    assert path.read_text() == text, "out of date; run `make goldens` and look at the difference"
