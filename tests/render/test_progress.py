from __future__ import annotations

import io
import re

import pytest

from reconciler.model.address import ResourceAddress
from reconciler.model.event import (
    Event,
    OutputsChanged,
    StepBegun,
    StepCheckpointed,
    StepFailed,
    StepLeftUnsettled,
    StepProgressed,
    StepRecovered,
    StepSettled,
    StepSkipped,
    StepSucceeded,
    StepVoided,
)
from reconciler.model.plan import Plan, PlannedStep
from reconciler.model.resource import Pending, Prior
from reconciler.render.progress import LineProgress, LiveProgress, Tally, Together
from reconciler.render.progress.words import clock, line_of, measured
from tests.render.plans import change, plan

API = ResourceAddress("application", "api")
IMAGE = ResourceAddress("image", "api")
ROLLOUT = Pending(API, "rollout", {}, "2026")


class Clock:
    """A time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def begun(address: ResourceAddress = API, verb: str = "update", operation: str = "op") -> StepBegun:
    return StepBegun(address, verb, operation, "2026")


def succeeded(address: ResourceAddress = API, verb: str = "update", **prior: object) -> StepSucceeded:
    return StepSucceeded(address, verb, "op", Prior(address, "id-1", **prior))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (begun(), "application.api: updating"),
        (succeeded(verb="create"), "application.api: created (id-1) after 12 s"),
        (
            StepSucceeded(
                IMAGE, "create", "op", Prior(IMAGE, f"registry.cloudflare.com/{'a' * 32}/shop-api")
            ),
            "image.api: created (shop-api) after 12 s",
        ),
        (succeeded(pending=(ROLLOUT,)), "application.api: updated, waiting for its rollout"),
        (StepSucceeded(API, "update", "op", None, narrowed=True), "application.api: nothing had to be sent"),
        (StepSucceeded(API, "update", "", None), ""),
        (StepSettled(API, "op", None), "application.api: gone after 12 s"),
        (
            StepFailed(API, "update", "op", "refused", fix="ask somebody"),
            "application.api: FAILED to update after 12 s: refused; ask somebody",
        ),
        (StepSkipped(API, "update", IMAGE), "application.api: skipped, because of image.api"),
        (
            StepLeftUnsettled(API, "update", "x", None, ROLLOUT, "out of time"),
            "application.api: rollout still under way (out of time)",
        ),
        (
            StepRecovered(API, "create", "x", None, "listed"),
            "application.api: recovered from an earlier run: listed",
        ),
        (StepVoided(API, "create", "x", "never happened"), "application.api: create never happened"),
        (StepProgressed(API, "op", 7, 14, "7 of 14 instances"), "application.api: 7 of 14 instances 50 %"),
        (StepCheckpointed(API, "op", "patched"), ""),
        (OutputsChanged({}), ""),
        (StepFailed(API, "update", "x", "\x1b[31m::x"), "application.api: FAILED to update: \\x1b[31m::x"),
    ],
)
def test_an_event_is_a_line(event: Event, line: str) -> None:
    assert line_of(event, {"op": 100.0}, 112.0) == line


@pytest.mark.parametrize(
    ("done", "of", "text"),
    [(0, 1, ""), (7, 14, "50 %"), (20, 14, "100 %"), (2**20, 4 * 2**20, "1.0 MiB of 4.0 MiB (25 %)")],
)
def test_how_far_it_is(done: float, of: float, text: str) -> None:
    assert measured(done, of) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.42, "0.4 s"), (42, "42 s"), (127, "2:07"), (3727, "1:02:07")]
)
def test_time_that_goes_on(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_plain_lines_tell_progress_at_most_every_five_seconds() -> None:
    stream, now = io.StringIO(), Clock()
    progress = LineProgress(stream, now)
    progress.report((begun(),))
    for second in range(12):
        now.now = 100.0 + second
        progress.report((StepProgressed(API, "op", second, 12, "going"),))
    progress.report((StepProgressed(API, "op", 10, 12, "going"),))
    progress.close()
    lines = stream.getvalue().splitlines()
    assert lines == [
        "application.api: updating",
        "application.api: going 0 %",
        "application.api: going 42 %",
        "application.api: going 83 %",
    ]


def test_the_tally_keeps_what_the_summary_needs() -> None:
    tally = Tally()
    failed = StepFailed(API, "update", "op", "refused")
    left = StepLeftUnsettled(API, "update", "op", None, ROLLOUT)
    skipped = StepSkipped(API, "update", IMAGE)
    noted = StepSucceeded(IMAGE, "create", "op", None, notes=("stored otherwise",))
    tally.take((noted, failed, left, skipped, begun(), StepSucceeded(API, "refresh", "", None)))
    assert (tally.done, tally.failed, tally.skipped, tally.unsettled) == (1, [failed], [skipped], [left])
    assert tally.notes == ["image.api: stored otherwise"]


class Terminal:
    """Understands just what the display writes: lines, and taking lines away."""

    def __init__(self, columns: int = 100, rows: int = 30) -> None:
        self.stream = io.StringIO()
        self.columns, self.rows = columns, rows
        self.clock = Clock()

    def display(self, total: int, of: Plan | None = None) -> LiveProgress:
        return LiveProgress(
            self.stream,
            total,
            of,
            monotonic=self.clock,
            size=lambda: (self.columns, self.rows),
            ticking=False,
        )

    @property
    def draws(self) -> int:
        return self.stream.getvalue().count("under way")

    @property
    def lines(self) -> list[str]:
        lines: list[str] = []
        for part in re.split(r"(\x1b\[\d+A\r\x1b\[J)", self.stream.getvalue()):
            if found := re.match(r"\x1b\[(\d+)A", part):
                del lines[-int(found[1]) :]
            else:
                lines += part.splitlines()
        return lines


def shop() -> Plan:
    image = change("image.api", "create", steps=(PlannedStep("create", 1, (), 20.0),))
    steps = (PlannedStep("update", 2, ("image.api",), 30.0),)
    return plan(image, change("application.api", "update", requires=("image.api",), steps=steps))


def test_the_display_shows_what_runs_how_far_and_what_waits_for_what() -> None:
    terminal = Terminal()
    display = terminal.display(2, shop())
    display.report((begun(IMAGE, "create"),))
    terminal.clock.now += 12
    display.report((StepProgressed(IMAGE, "op", 30 * 2**20, 120 * 2**20, "shop-api@sha256:9b1c"),))
    assert terminal.lines == [
        "0 of 2 done, 1 under way  12 s of about 50 s",
        "  image.api  [###.........] 30.0 MiB of 120 MiB (25 %)  12 s of about 20 s  shop-api@sha256:9b1c",
        "  application.api  waits for image.api",
    ]


def test_what_has_ended_scrolls_by_and_what_failed_is_counted() -> None:
    terminal = Terminal()
    display = terminal.display(2, shop())
    display.report((begun(IMAGE, "create"),))
    terminal.clock.now += 1
    failed = StepFailed(IMAGE, "create", "op", "the registry refused", fix="log in")
    display.report((failed, StepSkipped(API, "update", IMAGE)))
    assert terminal.lines == [
        "image.api: FAILED to create after 1.0 s: the registry refused; log in",
        "application.api: skipped, because of image.api",
        "2 of 2 done, 0 under way, 1 FAILED, 1 skipped  1.0 s of about 50 s",
    ]


def test_a_rollout_is_watched_until_it_has_settled() -> None:
    terminal = Terminal()
    display = terminal.display(1)
    display.report((begun(), succeeded(pending=(ROLLOUT,))))
    assert terminal.lines[-1] == "  application.api  waiting for its rollout  0.0 s"
    terminal.clock.now += 5
    display.report((StepProgressed(API, "op", 7, 14, "7 of 14 instances"),))
    assert terminal.lines[-1] == "  application.api  [######......] 50 %  5.0 s  7 of 14 instances"
    terminal.clock.now += 5
    display.report((StepSettled(API, "op", Prior(API, "id-1")),))
    assert terminal.lines[-1] == "1 of 1 done, 0 under way  10 s"


def test_a_rollout_says_at_which_step_it_is() -> None:
    rollout = {
        "kind": "full_auto",
        "instances": 14,
        "steps": [{"percentage": 10}, {"percentage": 50}, {"percentage": 100}],
    }
    terminal = Terminal()
    display = terminal.display(1, plan(change("application.api", "update", details={"rollout": rollout})))
    shown = []
    for done in (0, 2, 7, 14):
        terminal.clock.now += 1
        display.report((StepProgressed(API, "op", done, 14, f"{done} of 14 instances"),))
        shown.append(terminal.lines[-1].split("instances, ")[1])
    assert shown == ["step 1 of 3", "step 2 of 3", "step 3 of 3", "step 3 of 3"]


def test_several_are_shown_the_same() -> None:
    streams = [io.StringIO(), io.StringIO()]
    together = Together(*(LineProgress(stream, Clock()) for stream in streams))
    together.report((begun(),))
    together.close()
    assert [stream.getvalue() for stream in streams] == ["application.api: updating\n"] * 2


def test_it_is_drawn_at_most_ten_times_a_second() -> None:
    terminal = Terminal()
    display = terminal.display(1000)
    for number in range(1000):
        terminal.clock.now = 100 + number / 1000
        display.report((begun(), succeeded(verb="create")))
    assert terminal.draws <= 11
    display.close()
    assert len(terminal.lines) == 1000


def test_the_picture_goes_away_and_comes_back() -> None:
    terminal = Terminal()
    display = terminal.display(2)
    display.report((begun(),))
    display.close()
    assert terminal.lines == []
    terminal.clock.now += 1
    display.report((begun(),))
    assert len(terminal.lines) == 2
    display.close()
    display.close()
    assert terminal.lines == []


def test_it_fits_a_small_terminal() -> None:
    terminal = Terminal(columns=40, rows=6)
    display = terminal.display(50)
    for number in range(50):
        address = ResourceAddress("application", f"with-a-rather-long-name-{number}")
        display.report((begun(address, operation=f"op{number}"),))
    terminal.clock.now += 1
    display.report(())
    assert len(terminal.lines) == 4
    assert max(map(len, terminal.lines)) < 40


def test_it_draws_by_itself_and_stops_when_it_is_closed() -> None:
    terminal = Terminal()
    display = LiveProgress(terminal.stream, 1, monotonic=terminal.clock, size=lambda: (80, 24))
    display.report((begun(),))
    display.close()
    assert terminal.lines == []


def test_what_is_hostile_is_not_obeyed() -> None:
    terminal = Terminal()
    display = terminal.display(1)
    display.report((begun(), StepProgressed(API, "op", 1, 2, "\x1b[2J\n::error::x\u202e")))
    assert "\x1b[2J" not in terminal.stream.getvalue()
    assert "\u202e" not in terminal.stream.getvalue()
