"""Starts the stand-in in another process, drives it through its pages, and reads what it saw."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.manifests import ACCOUNT

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the stand-in saw it: when it came, in seconds of its own clock, and how long the answer took."""

    method: str
    path: str
    created: Sequence[Mapping[str, str]]
    began: float
    seconds: float

    @property
    def is_api(self) -> bool:
        """Whether it went to the API rather than to the registry."""
        return self.path.startswith("/client/v4")

    @property
    def made(self) -> str:
        """The kind of what it created; "" for nothing."""
        return self.created[0]["kind"] if self.created else ""


class StandIn:
    """A stand-in that runs on a port of loopback. Limits are off: no account is as large as the figures."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.ask("PUT", "/emulator/settings", {"limits": False})

    def environment(self) -> dict[str, str]:
        """What points the tool at it."""
        return {
            "CLOUDFLARE_API_BASE_URL": f"{self.url}/client/v4",
            "CLOUDFLARE_API_TOKEN": "bench",
            "CLOUDFLARE_ACCOUNT_ID": ACCOUNT,
        }

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """What a path answers, read as JSON where it is."""
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}{path}",
            content,
            {"Authorization": "Bearer bench", "Content-Type": "application/json", **headers},
            method=method,
        )
        with urllib.request.urlopen(request) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def delay(self, seconds: float) -> None:
        """Lets every answer take so much longer; 0: none."""
        rules = [{"times": 0, "fault": {"delay": seconds}}] if seconds else []
        self.ask("PUT", "/emulator/faults", rules)

    def empty(self) -> None:
        """Forgets the world."""
        self.ask("DELETE", "/emulator/world")

    def last(self) -> int:
        """The number of requests so far."""
        return len(self.ask("GET", "/bench/times"))

    def requests(self, since: int = 0) -> list[Request]:
        """What was asked after the first `since` requests of this process."""
        times = self.ask("GET", "/bench/times")[since:]
        entries = self.ask("GET", "/emulator/ledger")[-len(times) :] if times else []
        return [
            Request(entry["method"], entry["path"], entry["created"], began, seconds)
            for entry, (began, seconds) in zip(entries, times, strict=True)
        ]


@contextmanager
def stand_in(data: Path | None = None) -> Iterator[StandIn]:
    """A stand-in for as long as the block lasts; without a folder its world is in memory."""
    command = [sys.executable, "-m", "bench.server", *(["--data", str(data)] if data else [])]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield StandIn(int(process.stdout.readline()))
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()
