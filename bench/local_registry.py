"""Debian's `docker-registry` as processes of this machine, each with a folder of its own: what images are copied between."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from bench.project import BenchError

PROGRAM = "docker-registry"


@dataclass(slots=True)
class LocalRegistry:
    """One registry on a port of loopback, running while it is entered; its folder stays."""

    folder: Path
    port: int = field(default_factory=lambda: _free_port())
    _process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        """What it is called in an image's name."""
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> LocalRegistry:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def empty(self) -> None:
        """Begins anew with nothing in it."""
        self._stop()
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        # What the one before has left to be written to disk is not to be paid for by the next.
        os.sync()
        self._start()

    def _start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        configuration = self.folder / "config.yml"
        configuration.write_text(
            "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
            f"storage: {{filesystem: {{rootdirectory: {self.folder}/data}}}}\n"
            f"http: {{addr: '{self.host}'}}\n"
        )
        self._process = subprocess.Popen(
            [PROGRAM, "serve", str(configuration)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._await_answer()

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _await_answer(self) -> None:
        for _ in range(200):
            try:
                with urllib.request.urlopen(f"http://{self.host}/v2/"):
                    return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.05)
        raise BenchError(f"{PROGRAM} did not start on {self.host}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
