"""Plans and applies every story of this folder, step by step, and holds it against its goldens (README.md here)."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from reconciler.render.html import render_html
from reconciler.render.markdown import render_markdown
from reconciler.storage.codec import decode_plan
from tests.clients.images import image, layout_files, write_folder
from tests.harness import ACCOUNT, Project, project
from tests.scenarios.normal import Words

HERE = Path(__file__).parent
STORIES = sorted(path.parent.name for path in HERE.glob("*/1.yaml"))
REWRITE = bool(os.environ.get("RECONCILER_GOLDENS"))
KEY = "5e" * 32
_THING = re.compile(r"\{(\w+):([\w-]+)\}")
LABELS = {
    "revision": "4e02ab1c07d95b1e8f36a2d4c9e07b51836f2ad0",
    "version": "1.9.0",
    "created": "2026-11-20T10:00:00Z",
}


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str, tmp_path: Path) -> None:
    with project(tmp_path) as stage:
        stage.environ["RECONCILER_FINGERPRINT_KEY"] = KEY
        _furnish(stage)
        words = Words()
        for number in range(1, _steps(HERE / name) + 1):
            _play(HERE / name, number, stage, words)
        _hold(HERE / name / "after.json", words.world(stage.page("world")))


def _steps(story: Path) -> int:
    """The number of the last step that any file of a story speaks of."""
    return max(int(path.name.partition(".")[0]) for path in story.glob("[1-9]*"))


def _furnish(stage: Project) -> None:
    for number, labels in ((1, {}), (2, LABELS)):
        layers = image(f"the layer of image {number}".encode(), labels=labels)
        write_folder(stage.folder / f"image-{number}", layout_files(layers))
    stage.write("export class Api {}\nexport class Jobs {}\nexport default { fetch() {} }\n", "worker.js")


def _play(story: Path, number: int, stage: Project, words: Words) -> None:
    if (manifest := story / f"{number}.yaml").exists():
        stage.write(manifest.read_text())
    if (files := story / str(number)).is_dir():
        shutil.copytree(files, stage.folder, dirs_exist_ok=True)
    if (requests := story / f"{number}.world.json").exists():
        _disturb(stage, json.loads(requests.read_text()))
    _plan(story, number, stage, words)
    flags = shlex.split(_said(story / f"{number}.args"))
    ended = stage.run("apply", "--yes", "--json", "--parallelism", "1", *flags)
    told = words.events(ended.out) if ended.out.startswith('{"event"') else ""
    errors = "".join(f"{line}\n" for line in ended.err.splitlines() if line.startswith("error:"))
    assert ended.code == int(_said(story / f"{number}.exit") or 0), ended.err
    _hold(story / f"{number}.events.jsonl", f"{told}{words.text(errors)}")
    if ended.code == 0:
        assert stage.actions() == {}, "what was applied is not what is wanted"


def _said(path: Path) -> str:
    """What a small file says; nothing if it is not there."""
    return path.read_text().strip() if path.exists() else ""


def _plan(story: Path, number: int, stage: Project, words: Words) -> None:
    shown = stage.run("plan", "--no-color")
    assert shown.out, shown.err
    told = stage.run("plan", "--json").out
    plan = decode_plan(told.encode())
    _hold(story / f"{number}.plan.txt", words.text(shown.out))
    _hold(story / f"{number}.plan.json", words.plan(json.loads(told)))
    if number > 1 or story.name == "first_apply":
        _hold(story / f"{number}.plan.md", words.text(render_markdown(plan)))
        _hold(story / f"{number}.plan.html", words.page(render_html(plan)))


def _hold(path: Path, text: str) -> None:
    if REWRITE:
        path.write_text(text)
    assert path.exists(), f"{path.name} is missing; run `make goldens`"
    assert text == path.read_text(), f"{path.parent.name}/{path.name} is another; see `make goldens`"


def _disturb(stage: Project, requests: list[dict[str, Any]]) -> None:
    """What somebody else does to the world, through the same API."""
    for one in requests:
        path = _THING.sub(lambda found: _identity(stage, *found.groups()), one["path"])
        base = stage.server.base_url
        url = (
            base.removesuffix("/client/v4") + path if path[0] == "/" else f"{base}/accounts/{ACCOUNT}/{path}"
        )
        headers = {"Authorization": "Bearer token", "Content-Type": "application/json"}
        data = json.dumps(one["body"]).encode() if "body" in one else None
        with urlopen(Request(url, data=data, method=one["method"], headers=headers)) as answer:
            assert answer.status < 300


def _identity(stage: Project, kind: str, name: str) -> str:
    return next(str(one["id"]) for one in stage.world(kind) if one["name"] == name)
