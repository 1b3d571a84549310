"""Whatever a manifest says, and whatever the service makes of it: the plan after an apply is empty."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.faults.conftest import Record
from tests.harness import Project
from tests.harness import project as on_emulator
from tests.properties.manifests import apply_and_look_again, lay_out
from tests.properties.wide_manifests import wide_manifests

LONG = bool(os.environ.get("RECONCILER_LONG"))
PARTS = 50
STORIES = 50 if LONG else 2
VERSIONS = 4
ONCE = (Phase.generate, Phase.shrink)  # what is found is kept as a case of its own, not in a database


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(PARTS if LONG else 1))
def test_the_plan_after_an_apply_is_empty(tmp_path: Path, part: int, record: Record) -> None:
    applied = 0

    @seed(part)
    @settings(
        max_examples=STORIES,
        phases=ONCE,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(wide_manifests(), min_size=VERSIONS, max_size=VERSIONS))
    def one_after_the_other(versions: list[dict[str, Any]]) -> None:
        nonlocal applied
        with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
            project = Project(Path(folder), made.server)
            project.page("world", method="DELETE")
            lay_out(project)
            for version in versions:
                apply_and_look_again(project, version)
                applied += 1

    with on_emulator(tmp_path) as made:
        one_after_the_other()
    what = "manifests by chance, each applied over another one, and planned again"
    record(11, what, applied, "nothing left to do, no drift")
