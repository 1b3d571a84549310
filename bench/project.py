"""A folder with a manifest in which the tool is run as a user runs it: as a process, by its installed command."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.child import Run, run

INSTALLED = Path(sys.executable).with_name("reconciler")
COMMAND = (str(INSTALLED),) if INSTALLED.exists() else (sys.executable, "-m", "reconciler")
_FROM_HERE = ("PATH", "PYTHONPATH", "LANG", "TZ")


class BenchError(Exception):
    """Something that was to be measured did not work at all."""


@dataclass(frozen=True, slots=True)
class Project:
    """One folder and the world that its commands are about."""

    folder: Path
    world: Mapping[str, str] = field(default_factory=dict)

    def write(self, manifest: str, files: Mapping[str, str] | None = None) -> None:
        """Writes a manifest, and what it names."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, text in {"containers.yaml": manifest, **(files or {})}.items():
            (self.folder / name).write_text(text)

    def run(self, *arguments: str, expected: int = 0) -> Run:
        """Runs a command; raises BenchError unless it ends as expected."""
        ended = run([*COMMAND, *arguments], cwd=self.folder, env=self._environment())
        if ended.code != expected:
            said = (ended.err or ended.out)[-2000:]
            raise BenchError(f"{' '.join(arguments)} in {self.folder} ended with {ended.code}:\n{said}")
        return ended

    def plan(self, *arguments: str, empty: bool = True) -> Run:
        """A plan that must come out empty, or must not."""
        return self.run("plan", "--detailed-exitcode", *arguments, expected=0 if empty else 2)

    def forget(self) -> None:
        """Takes the state away."""
        shutil.rmtree(self.folder / "state", ignore_errors=True)

    def _environment(self) -> dict[str, str]:
        own = {
            "HOME": str(self.folder / "home"),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "RECONCILER_FINGERPRINT_KEY": "5f" * 32,
            "BENCH_SECRET": "a-secret-for-the-bench",
        }
        return {name: os.environ[name] for name in _FROM_HERE if name in os.environ} | own | dict(self.world)
