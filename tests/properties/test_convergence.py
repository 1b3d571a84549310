"""The law of the house: apply any manifest and there is nothing left to do; apply another, and the same; then all can go."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness import project
from tests.properties.manifests import ALLOWED, apply_and_look_again, lay_out, manifests

GONE = ("application", "worker", "secret", "deployment")


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(manifests(), min_size=1, max_size=3))
def test_applying_leaves_nothing_to_do(versions: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder, project(Path(folder)) as made:
        lay_out(made)
        for version in versions:
            apply_and_look_again(made, version)
        ended = made.run("destroy", "--yes", *ALLOWED)
        assert ended.code == 0, ended.err
        assert {kind: made.world(kind) for kind in GONE} == {kind: [] for kind in GONE}
