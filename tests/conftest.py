"""What every test relies on: no outside world, no stray settings, and no silent skip where everything is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says something about the machine, not about the code.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

_OUTSIDE = ("CLOUDFLARE_", "CF_", "WRANGLER_", "RECONCILER_", "DOCKER_CONFIG")
_KEPT = {"RECONCILER_NO_SKIPS", "RECONCILER_GOLDENS", "RECONCILER_WRANGLER"}


@pytest.fixture(autouse=True)
def _no_outside_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in list(os.environ):
        if name.startswith(_OUTSIDE) and name not in _KEPT:
            monkeypatch.delenv(name)
    home: Path = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(home))
    for name in ("CI", "COLUMNS", "LINES", "NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    """Where everything can be had (RECONCILER_NO_SKIPS), a skipped test is a failed one."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("RECONCILER_NO_SKIPS") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped although everything is there: {report.longrepr}"
