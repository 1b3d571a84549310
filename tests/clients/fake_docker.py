"""A `docker` for tests of what it is asked: a script that writes down its words and answers as it is told."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SCRIPT = """\
#!{python}
import json, os, pathlib, shutil, sys
words, folder = sys.argv[1:], pathlib.Path({folder!r})
answers = json.loads((folder / "answers.json").read_text())
with (folder / "asked.jsonl").open("a") as file:
    print(json.dumps(words), file=file)
answer = next((answers[key] for key in sorted(answers, key=len, reverse=True) if " ".join(words).startswith(key)), None)
if answer is None:
    raise SystemExit(1)
if words[-1:] == ["-"]:
    (folder / "context.tar").write_bytes(sys.stdin.buffer.read())
    (folder / "environ.json").write_text(json.dumps(dict(os.environ)))
for word in words:
    if word.startswith("type=oci,dest="):
        shutil.copy(folder / "image.tar", word.removeprefix("type=oci,dest="))
print(answer["says"])
raise SystemExit(answer.get("code", 0))
"""


@dataclass
class FakeDocker:
    """Answers what begins with a key of `answers`; with an image, a build writes it where it is told."""

    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        # No daemon: whoever looks for one is to be told so.
        return {
            "WRANGLER_DOCKER_BIN": str(self.folder / "docker"),
            "PATH": os.environ["PATH"],
            "DOCKER_HOST": f"unix://{self.folder}/no.sock",
        }

    def answer(self, **answers: Any) -> FakeDocker:
        """Keys are the first words, with `_` between them."""
        told = {
            key.replace("_", " "): value if isinstance(value, dict) else {"says": value}
            for key, value in answers.items()
        }
        (self.folder / "answers.json").write_text(json.dumps(told))
        return self

    def asked(self, *begin: str) -> list[list[str]]:
        path = self.folder / "asked.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [words for line in lines if (words := json.loads(line))[: len(begin)] == list(begin)]


def install(folder: Path) -> FakeDocker:
    folder.mkdir(exist_ok=True)
    program = folder / "docker"
    program.write_text(_SCRIPT.format(python=sys.executable, folder=str(folder)))
    program.chmod(0o755)
    return FakeDocker(folder).answer()
