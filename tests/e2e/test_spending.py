"""What a plan says that an apply will ask of the API, held against what it asked."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.faults import everything
from tests.harness import Project, project


def asked(stage: Project, since: int) -> Counter[str]:
    """Requests to the API after one; those to the registry do not count."""
    ledger = [one for one in stage.page(f"ledger?since={since}") if "/v2/" not in one["path"]]
    return Counter("reads" if one["method"] == "GET" else "writes" for one in ledger)


@pytest.mark.parametrize("rate", [1000, 20])
def test_what_an_apply_asks_is_foretold(tmp_path: Path, rate: float) -> None:
    with project(tmp_path) as stage:
        stage.environ.update(everything.ENVIRON)
        stage.clock(rate=rate)
        for manifest in (everything.FIRST, everything.SECOND):
            everything.write(stage.folder, manifest)
            told = stage.plan("-o", "plan.json")["requests"]
            since = stage.page("ledger")[-1]["n"]
            stage.apply("plan.json", "--allow-destroy", "8")
            found = asked(stage, since)
            assert 0.75 <= told["writes"] / found["writes"] <= 1.25
            assert 0.5 <= told["reads"] / found["reads"] <= 2
