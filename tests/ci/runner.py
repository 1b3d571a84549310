"""Runs a composite action as GitHub's runner does: its steps in order, scripts by bash, outputs carried on."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
TOOL = Path(sys.executable).parent
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}")
_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|==|!=|&&|\|\||!|\(|\)|[\w.-]+)")


def yaml_of(text: str) -> Any:
    """A document as a runner reads it."""
    return YAML(typ="safe").load(text)


@dataclass
class Job:
    """One job: its checkout, what the runner tells of the event, and what became of it."""

    folder: Path
    environ: dict[str, str]
    event: str
    payload: dict[str, Any]
    uploads: Callable[[str, list[Path]], None]
    code: int = 0
    log: str = ""
    ran: list[str] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.temp = self.folder.parent / f"{self.folder.name}-runner"
        self.temp.mkdir(exist_ok=True)

    def use(self, action: Mapping[str, Any], **inputs: str) -> Job:
        """Runs an action's steps until one fails."""
        given = {name: str(about.get("default", "")) for name, about in action["inputs"].items()}
        given |= {name.replace("_", "-"): value for name, value in inputs.items()}
        context: dict[str, Any] = {"inputs": given, "steps": {}}
        context["github"] = {
            "event_name": self.event,
            "event": self.payload,
            "action_path": str(ROOT),
            "token": self.environ["GITHUB_TOKEN"],
        }
        given["token"] = filled(given["token"], context)
        for step in action["runs"]["steps"]:
            if "if" in step and not evaluated(str(step["if"]), context):
                continue
            self.ran.append(step["name"])
            self._run(step, context)
            if self.code:
                break
        self.outputs = {name: filled(one["value"], context) for name, one in action["outputs"].items()}
        return self

    def _run(self, step: Mapping[str, Any], context: dict[str, Any]) -> None:
        if "uses" in step:
            given = {name: filled(str(value), context) for name, value in step["with"].items()}
            self.uploads(given["name"], [Path(line) for line in given["path"].splitlines()])
            return
        assert step["shell"] == "bash"
        output, summary = self.temp / "output", self.temp / "summary.md"
        output.write_text("")
        environ = {**self.environ, "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)}
        environ |= {"GITHUB_PATH": str(self.temp / "path"), "RUNNER_TEMP": str(self.temp)}
        environ |= {name: filled(value, context) for name, value in step.get("env", {}).items()}
        where = self.folder / filled(step.get("working-directory", "."), context)
        self.code, said = bash(step["run"], where, environ)
        self.log += said
        lines = [line.partition("=") for line in output.read_text().splitlines()]
        context["steps"][step.get("id", step["name"])] = {"outputs": {key: value for key, _, value in lines}}


def bash(script: str, folder: Path, environ: Mapping[str, str]) -> tuple[int, str]:
    """A script as runners start it: stopped by the first command that fails."""
    path = f"{TOOL}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={"PATH": environ.get("PATH", path), "HOME": str(folder.parent), "LANG": "C.UTF-8"}
        | {name: value for name, value in environ.items() if name != "PATH"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return ended.returncode, ended.stdout


def filled(text: str, context: Mapping[str, Any]) -> str:
    """A text with its expressions put in."""
    return _EXPRESSION.sub(lambda found: _shown(evaluated(found[1], context)), text)


def evaluated(expression: str, context: Mapping[str, Any]) -> Any:
    """What an expression comes to: comparisons, `&&`, `||`, names and texts are known here."""
    tokens = _TOKEN.findall(expression.strip().removeprefix("${{").removesuffix("}}"))
    return _either(tokens, context)


def _either(tokens: list[str], context: Mapping[str, Any]) -> Any:
    value = _both(tokens, context)
    while tokens and tokens[0] == "||":
        tokens.pop(0)
        other = _both(tokens, context)
        value = value or other
    return value


def _both(tokens: list[str], context: Mapping[str, Any]) -> Any:
    value = _compared(tokens, context)
    while tokens and tokens[0] == "&&":
        tokens.pop(0)
        other = _compared(tokens, context)
        value = value and other
    return value


def _compared(tokens: list[str], context: Mapping[str, Any]) -> Any:
    value = _named(tokens.pop(0), context)
    if tokens and tokens[0] in ("==", "!="):
        equal = tokens.pop(0) == "=="
        return (_shown(value) == _shown(_named(tokens.pop(0), context))) is equal
    return value


def _named(token: str, context: Mapping[str, Any]) -> Any:
    if token.startswith("'"):
        return token[1:-1].replace("''", "'")
    value: Any = context
    for part in token.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def event_file(folder: Path, payload: Mapping[str, Any]) -> Path:
    """The event as the runner leaves it for everybody to read."""
    path = folder / "event.json"
    path.write_text(json.dumps(payload))
    return path
