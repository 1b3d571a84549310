"""Lets trials say what they came to, and writes the page about it after a long run (`make faults`)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.e2e.conftest import docker_registry, shop
from tests.faults.elsewhere import trial_of
from tests.faults.figures import Figure, load, merged, save, write_page

__all__ = ["docker_registry", "record", "shop"]

Record = Callable[..., None]
_NOTES = pytest.StashKey[list[Figure]]()


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """`record(row, what, count, outcome)`: one trial of a row of the specification; see tests/faults/figures.py."""
    notes = request.node.stash.setdefault(_NOTES, [])
    test = _test_of(request.node.nodeid)

    def note(row: int, what: str, count: int = 1, outcome: str = "", **more: Any) -> None:
        notes.append(Figure(row, test, what, count, outcome, **more))

    return note


def _test_of(nodeid: str) -> str:
    return nodeid.partition("[")[0]


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("RECONCILER_LONG") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Book(), "faults-book")


class _Book:
    """Gathers, over all worker processes, what was noted and which test has passed."""

    def __init__(self) -> None:
        self.figures: list[Figure] = []
        self.passed: dict[str, bool] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        properties = dict(report.user_properties)
        if report.when == "call" or report.failed:
            test = _test_of(report.nodeid)
            trial = trial_of(test)
            test = trial.tests[0] if trial else test
            self.passed[test] = self.passed.get(test, True) and not report.failed
        if report.when == "call" and report.passed:
            if trial := trial_of(_test_of(report.nodeid)):
                self.figures.append(Figure(trial.row, trial.tests[0], trial.what, 1, trial.outcome))
            self.figures += [Figure(**one) for one in json.loads(str(properties.get("figures", "[]")))]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if not self.passed:
            return
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        figures = merged(load(), [replace(one, date=today) for one in self.figures], self.passed)
        save(figures)
        write_page(figures)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """What was noted travels with the report, so that it arrives from every worker process."""
    if call.when == "call" and (notes := item.stash.get(_NOTES, [])):
        item.user_properties.append(("figures", json.dumps([asdict(one) for one in notes])))
    yield
