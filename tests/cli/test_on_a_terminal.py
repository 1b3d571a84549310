"""`apply` in a real terminal: a display in place for a person, and events beside it for a program."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness import ACCOUNT, Project, project

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
MANIFEST = """\
version: 1
project: shop
images:
  api: {{archive: image}}
workers:
  edge:
    main: worker.js
    compatibility_date: "2026-10-01"
    bindings: {{API: "${{applications.api}}"}}
applications:
  api:
    image: ${{images.api}}
    class_name: Api
    max_instances: 8
    instance_type: {size}
    rollout_step_percentage: [25, 50, 100]
"""
_AWAY = re.compile(r"\x1b\[(\d+)A\r\x1b\[J")


@dataclass
class Seen:
    """What a terminal was sent, and what a program beside it read."""

    code: int
    sent: str
    out: str
    seconds: float

    @property
    def pictures(self) -> list[str]:
        """The display each time it was drawn: everything between two erasures."""
        return [part for part in re.split(r"\x1b\[\d+A\r\x1b\[J", self.sent) if " under way " in part]

    @property
    def left(self) -> list[str]:
        """What stays on the screen in the end."""
        lines: list[str] = []
        for part in re.split(r"(\x1b\[\d+A\r\x1b\[J)", self.sent):
            if found := _AWAY.match(part):
                del lines[-int(found[1]) :]
            else:
                lines += part.splitlines()
        return lines


def on_a_terminal(of: Project, *args: str, beside: bool = False, **environ: str) -> Seen:
    """Runs a command with a terminal of 90 columns; `beside`: what it answers goes to a program."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 90, 0, 0))
    settings = {
        **{name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR", "COLUMNS")},
        "TERM": "xterm",
        "CLOUDFLARE_API_BASE_URL": of.server.base_url,
        "CLOUDFLARE_API_TOKEN": "token",
        "CLOUDFLARE_ACCOUNT_ID": ACCOUNT,
        **environ,
    }
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", *args],
        cwd=of.folder,
        env=settings,
        stdin=theirs,
        stdout=subprocess.PIPE if beside else theirs,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    sent = b"".join(_read(ours)).decode().replace("\r\n", "\n")
    out = process.communicate(timeout=60)[0] or ""
    return Seen(process.returncode, sent, out, time.monotonic() - began)


def _read(terminal: int) -> Iterator[bytes]:
    """All that is sent, until the last who could send has gone."""
    while True:
        try:
            part = os.read(terminal, 65_536)
        except OSError:
            part = b""
        if not part:
            os.close(terminal)
            return
        yield part


@pytest.fixture
def rolling(tmp_path: Path) -> Iterator[Project]:
    """A shop whose next apply rolls eight instances over, each step of which takes a fifth of a second."""
    shutil.copytree(ROOT / "examples/quickstart/image", tmp_path / "image")
    with project(tmp_path) as made:
        made.write("export class Api {}\nexport default { fetch() {} }\n", "worker.js")
        made.write(MANIFEST.format(size="lite"))
        made.apply()
        made.write(MANIFEST.format(size="basic"))
        made.clock(rate=10)
        made.settings(rollout_step_seconds=4)
        yield made


def test_a_person_sees_what_runs_how_far_it_is_and_then_what_came_of_it(rolling: Project) -> None:
    seen = on_a_terminal(rolling, "apply", "--yes")
    assert seen.code == 0, seen.sent
    shown = "\n".join(seen.pictures)
    assert re.search(r"0 of 1 done, 1 under way  [\d.]+ s of about ", shown)
    assert re.search(
        r"  application\.api  \[#*\.*\] \d+ %  [\d.]+ s of about .* instances, step \d of 3", shown
    )
    assert "application.api: updated, waiting for its rollout" in seen.left
    assert seen.left[-1] == "Applied: 1 done (state #2)."
    assert not any("under way" in line for line in seen.left)


def test_the_display_is_drawn_at_most_ten_times_a_second(rolling: Project) -> None:
    seen = on_a_terminal(rolling, "apply", "--yes")
    assert 2 <= len(seen.pictures) <= 10 * seen.seconds + 1


def test_a_program_reads_events_while_a_person_looks_on(rolling: Project) -> None:
    seen = on_a_terminal(rolling, "apply", "--yes", "--json", beside=True)
    assert seen.code == 0, seen.sent
    events = [json.loads(line)["event"] for line in seen.out.splitlines()]
    assert events[0] == "StepBegun"
    assert {"StepSucceeded", "StepProgressed", "StepSettled"} <= set(events)
    assert seen.pictures
    assert '{"event"' not in seen.sent


def test_events_are_not_mixed_with_a_display_where_both_go_to_one_terminal(rolling: Project) -> None:
    seen = on_a_terminal(rolling, "apply", "--yes", "--json")
    assert seen.pictures == []
    assert all(json.loads(line)["event"] for line in seen.left)


def test_what_failed_is_said_with_its_reason_and_place(rolling: Project) -> None:
    rolling.faults(
        {"method": "PATCH", "path": "/containers/applications/", "fault": {"status": 403}, "times": 0}
    )
    seen = on_a_terminal(rolling, "apply", "--yes")
    assert seen.code in (1, 4)
    assert any(line.startswith("application.api: FAILED to update") for line in seen.left)
    assert any(line.startswith("error: containers.yaml:11:3  application.api: ") for line in seen.left)


@pytest.mark.parametrize(("args", "terminal"), [(["--no-color"], "xterm"), ([], "dumb")])
def test_whoever_wants_plain_lines_gets_them(rolling: Project, args: list[str], terminal: str) -> None:
    seen = on_a_terminal(rolling, "apply", "--yes", *args, TERM=terminal)
    assert "\x1b[" not in seen.sent
    assert "application.api: updating" in seen.left


def test_a_plan_has_colours_unless_they_are_not_wanted(rolling: Project) -> None:
    seen = on_a_terminal(rolling, "plan")
    assert "highest risk: RESTART of application.api" in seen.sent
    assert "\x1b[" in seen.sent
    assert "\x1b[" not in on_a_terminal(rolling, "plan", NO_COLOR="1").sent
