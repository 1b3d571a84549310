"""Drives the command line inside this process, against an emulator that the test owns."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.request import Request, urlopen

from reconciler.cli.main import run
from reconciler.emulator.server import LocalServer

ACCOUNT = "a" * 32


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command line came to."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON that was printed."""
        return json.loads(self.out)


@dataclass(slots=True)
class Project:
    """A folder with a manifest, and the emulator it is applied to."""

    folder: Path
    server: LocalServer
    environ: dict[str, str] = field(default_factory=dict)

    def write(self, text: str, name: str = "containers.yaml") -> Path:
        """Puts a file into the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run(self, *args: str) -> Ended:
        """Runs `reconciler` with these arguments in the folder, with nobody at a terminal."""
        out, err = io.StringIO(), io.StringIO()
        settings = {
            "CLOUDFLARE_API_BASE_URL": self.server.base_url,
            "CLOUDFLARE_API_TOKEN": "token",
            "CLOUDFLARE_ACCOUNT_ID": ACCOUNT,
            "RECONCILER_TRACEBACK": "1",
            **self.environ,
        }
        with (
            mock.patch.dict(os.environ, settings),
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            mock.patch("sys.stdin", io.StringIO()),
        ):
            code = run(list(args))
        return Ended(code, out.getvalue(), err.getvalue())

    def plan(self, *args: str) -> Any:
        """The plan as JSON."""
        ended = self.run("plan", "--json", *args)
        assert ended.out, ended.err
        return ended.document

    def apply(self, *args: str) -> Ended:
        """Applies without asking; fails the test where that fails."""
        ended = self.run("apply", "--yes", *args)
        assert ended.code == 0, ended.err + ended.out
        return ended

    def actions(self, *args: str) -> dict[str, str]:
        """What a plan would do, by address."""
        return {change["address"]: change["action"] for change in self.plan(*args)["changes"]}

    # the emulator's own pages

    def page(self, path: str, body: Any = None, method: str = "GET") -> Any:
        """Calls one of the emulator's pages."""
        data = None if body is None else json.dumps(body).encode()
        url = f"http://127.0.0.1:{self.server.port}/emulator/{path}"
        request = Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
        with urlopen(request) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def by_hand(self, method: str, path: str, body: Any = None) -> None:
        """Changes the account as somebody else would; `path` begins behind the account."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Authorization": "Bearer token"}
        url = f"{self.server.base_url}/accounts/{ACCOUNT}/{path}"
        urlopen(Request(url, data=data, method=method, headers=headers)).close()

    def process(self, *args: str) -> subprocess.Popen[str]:
        """Starts `reconciler` as a process of its own."""
        environ = {
            **os.environ,
            **self.environ,
            "CLOUDFLARE_API_BASE_URL": self.server.base_url,
            "CLOUDFLARE_API_TOKEN": "token",
            "CLOUDFLARE_ACCOUNT_ID": ACCOUNT,
        }
        return subprocess.Popen(
            [sys.executable, "-m", "reconciler", *args],
            cwd=self.folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def await_requests(self, since: int, count: int, process: subprocess.Popen[str]) -> None:
        """Returns once so many requests have arrived, or the process has ended."""
        while process.poll() is None and len(self.requests(since)) < count:
            time.sleep(0.002)

    def await_answers(self) -> None:
        """Returns once every request has been answered, or after a second: one whose body was cut off never is."""
        for _ in range(100):
            if all(one["status"] for one in self.page("ledger")):
                return
            time.sleep(0.01)

    def world(self, kind: str) -> list[Mapping[str, Any]]:
        """What there is of a kind."""
        found: list[Mapping[str, Any]] = self.page("world").get(kind, [])
        return found

    def requests(self, since: int = 0) -> list[tuple[str, str]]:
        """Method and path of every request after number `since`."""
        return [(one["method"], one["path"]) for one in self.page(f"ledger?since={since}")]

    def last_request(self) -> int:
        """The number of the last request."""
        return max((one["n"] for one in self.page("ledger")), default=0)

    def faults(self, *faults: Mapping[str, Any]) -> None:
        """Switches faults on; none: off."""
        self.page("faults", list(faults), "PUT")

    def settings(self, **settings: Any) -> None:
        """Changes how the emulator behaves."""
        self.page("settings", settings, "PUT")

    def clock(self, **how: float) -> None:
        """Moves the world's clock on, or speeds it up."""
        self.page("clock", how, "POST")


@contextlib.contextmanager
def project(folder: Path, *, rate: float = 1000.0) -> Iterator[Project]:
    """A project on an emulator of its own, whose clock runs fast, so that rollouts end at once."""
    with LocalServer() as server:
        made = Project(folder, server)
        made.clock(rate=rate)
        yield made
