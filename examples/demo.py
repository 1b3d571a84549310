"""Runs the quickstart from nothing to "no changes", on the stand-in for Cloudflare, in a folder of its own.

Each command is printed before it runs, so that it can be typed again; the folder is gone afterwards.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

QUICKSTART = Path(__file__).parent / "quickstart"
RECONCILER = [sys.executable, "-m", "reconciler"]


def main() -> int:
    """Gives 0 if everything worked and the second plan was empty."""
    with tempfile.TemporaryDirectory(prefix="reconciler-demo-") as folder:
        project = Path(folder) / "quickstart"
        shutil.copytree(QUICKSTART, project, ignore=shutil.ignore_patterns(".reconciler", "state"))
        # Keys that the demo makes go with its folder, too.
        environ = os.environ | {"XDG_CONFIG_HOME": f"{folder}/config", "XDG_CACHE_HOME": f"{folder}/cache"}
        say(f"A copy of examples/quickstart, in {project}.")
        for command in ("plan --local", "apply --local --yes", "output --local"):
            if code := run(command, project, environ):
                return code
        say("And again: what was applied is what is there, so there is nothing to do.")
        if code := run("plan --local --detailed-exitcode", project, environ):
            say(f"The second plan should have been empty, and ended with {code}.")
            return code
    return 0


def run(command: str, project: Path, environ: dict[str, str]) -> int:
    """Runs one command of reconciler as a user would, and gives its exit code."""
    say(f"$ reconciler {command}")
    return subprocess.run(
        [*RECONCILER, *shlex.split(command)], cwd=project, env=environ, check=False
    ).returncode


def say(text: str) -> None:
    """Prints a line between the commands' own output."""
    sys.stdout.write(f"\n{text}\n\n" if text.startswith("$") else f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
