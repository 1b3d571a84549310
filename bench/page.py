"""How large the page of a plan of 1,000 changes is, how long it takes to write, and how soon a browser shows it."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.tables import Row, Table
from reconciler.model.plan import (
    FORMAT_VERSION,
    ManifestStamp,
    Plan,
    PlannedAttribute,
    PlannedChange,
    PlannedHazard,
    PlannedSource,
    PlannedStep,
    StateStamp,
)
from reconciler.render.html import render_html

CHANGES = 1_000
_MIB = 1024 * 1024


@dataclass
class _Seen:
    """When what was there, in seconds since the page was asked for."""

    painted: list[float] = field(default_factory=list)
    usable: list[float] = field(default_factory=list)
    searched: list[float] = field(default_factory=list)


def measure(rounds: int) -> Table | None:
    """The table of the page; None where there is no Chromium."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        return None
    plan, rendered, seen = _plan(), [], _Seen()
    for _ in range(rounds):
        began = time.process_time()
        page = render_html(plan)
        rendered.append(time.process_time() - began)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "plan.html"
        path.write_text(page)
        _look(program, path.as_uri(), rounds, seen)
    rows = [
        Row(f"{CHANGES:,} changes: size", [len(page.encode()) / _MIB], "MiB", 2.0),
        Row(f"{CHANGES:,} changes: written, CPU", rendered, "s"),
        Row(f"{CHANGES:,} changes: first paint", seen.painted, "s", 1.0),
        Row(f"{CHANGES:,} changes: search and graph work", seen.usable, "s"),
        Row(f"{CHANGES:,} changes: a search is answered", seen.searched, "s"),
    ]
    note = "No two changes are told as one. Chromium starts anew each time and has both cores; the page is a file."
    return Table("The page of a plan", rows, [note])


def _look(program: str, url: str, rounds: int, seen: _Seen) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        for _ in range(rounds):
            browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(url)
            page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
            seen.painted.append(_seconds(page, "getEntriesByName('first-contentful-paint')[0].startTime"))
            seen.usable.append(_seconds(page, "getEntriesByType('navigation')[0].domContentLoadedEventEnd"))
            seen.searched.append(_search(page))
            browser.close()


def _seconds(page: Any, what: str) -> float:
    return float(page.evaluate(f"performance.{what}")) / 1000


def _search(page: Any) -> float:
    began = time.perf_counter()
    page.locator("#search").fill("application.a777")
    page.locator("#status", has_text=f"of {CHANGES} changes shown").wait_for()
    return time.perf_counter() - began


def _plan() -> Plan:
    """A thousand changes in ten waves, each of its own kind of difference, half of them with a rollout."""
    changes = tuple(_changes())
    return Plan(
        FORMAT_VERSION,
        "0",
        "bench",
        "production",
        "cloudflare",
        "0" * 32,
        "2026-11-21T00:00:00Z",
        "2026-11-28T00:00:00Z",
        ManifestStamp("containers.yaml", "0" * 64),
        StateStamp("bench", 1),
        changes=changes,
        summary={"update": len(changes)},
    )


def _changes() -> Iterator[PlannedChange]:
    for number in range(CHANGES):
        wave = number // 100 + 1
        requires = (f"application.a{number - 100}", f"application.a{number - 99}") if wave > 1 else ()
        yield PlannedChange(
            f"application.a{number}",
            "application",
            f"bench-a{number}",
            "update",
            "rollout" if number % 2 else "hot",
            f"the answer to question {number} changes",
            wave,
            requires,
            (PlannedStep("update", wave, requires, 30.0),),
            (
                PlannedHazard(
                    "RESTARTS_INSTANCES", "shown", f"{number} running instances are replaced in steps"
                ),
            )
            if number % 2
            else (),
            PlannedSource("containers.yaml", 10 + 7 * number, 3),
            tuple(_attributes(number)),
            details={"rollout": _rollout(number)} if number % 2 else {},
        )


def _attributes(number: int) -> Iterator[PlannedAttribute]:
    digests = (hashlib.sha256(f"{side} {number}".encode()).hexdigest() for side in ("old", "new"))
    before, after = (f"registry.cloudflare.com/{'0' * 32}/bench@sha256:{digest}" for digest in digests)
    yield PlannedAttribute(
        "image", before, after, source=PlannedSource("containers.yaml", 11 + 7 * number, 5)
    )
    yield PlannedAttribute("max_instances", number, number + 5)
    yield PlannedAttribute("environment_variables.LOG_LEVEL", "info", "debug")
    yield PlannedAttribute("environment_variables.ANSWER", f"old {number}", f"new {number}")


def _rollout(instances: int) -> dict[str, Any]:
    steps = [
        {
            "step": place + 1,
            "percentage": percentage,
            "instances": instances * percentage // 100,
            "capacity": instances // 2,
            "starts_after": 30 * place,
            "ends_after": 30 * (place + 1),
        }
        for place, percentage in enumerate((10, 50, 100))
    ]
    return {"kind": "full_auto", "instances": instances, "grace_seconds": 60, "steps": steps}
