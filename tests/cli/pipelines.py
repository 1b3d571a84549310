"""A run of a pipeline on a GitHub or GitLab of the test's own: what it is told of itself, and what it then does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial, partialmethod
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import github_run, gitlab_run
from reconciler.cli.main import run
from reconciler.cli.sticky import Poster
from reconciler.clients import git_host
from reconciler.model.plan import Plan
from reconciler.storage.plan_file import save_plan
from tests.cli.git_hosts import TOKEN, GitHost, served
from tests.render.plans import shop_plan

_SPEAKING = (
    "GITHUB_REF",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "GH_TOKEN",
    "CI_API_V4_URL",
    "CI_OPEN_MERGE_REQUESTS",
)


@dataclass
class Pipeline:
    """A run of a pipeline: its host, its folder, what it is told of itself."""

    host: GitHost
    folder: Path
    environ: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    waited: list[float] = field(default_factory=list)

    def on_github(self, **event: Any) -> None:
        """A pull request of GitHub, number 7."""
        path = self.folder / "event.json"
        path.write_text(json.dumps(event or {"pull_request": {"number": 7, "head": {"sha": "4e02ab1"}}}))
        self.set(
            GITHUB_API_URL=self.host.url,
            GITHUB_TOKEN=TOKEN,
            GITHUB_REPOSITORY="o/r",
            GITHUB_EVENT_PATH=str(path),
            GITHUB_SHA="beef" * 10,
            GITHUB_WORKSPACE=str(self.folder),
            GITHUB_RUN_ID="99",
            GITHUB_STEP_SUMMARY=str(self.folder / "summary.md"),
        )

    def on_gitlab(self, **other: str) -> None:
        """A merge request of GitLab, number 7."""
        self.host.me, self.host.knows_me = "project_7_bot", True
        self.set(
            GITLAB_CI="true",
            CI_API_V4_URL=self.host.url,
            CI_PROJECT_ID="7",
            CI_PROJECT_URL="https://gitlab.example/o/r",
            CI_COMMIT_SHA="4e02ab1",
            **{"GITLAB_TOKEN": TOKEN, "CI_MERGE_REQUEST_IID": "7", **other},
        )

    def set(self, **values: str) -> None:
        for name, value in values.items():
            self.environ.setenv(name, value)

    def comment(self, of: Plan | None = None, *args: str) -> tuple[int, str, str]:
        """Runs `reconciler comment` on a plan; nothing may ever show the token."""
        save_plan(of or shop_plan(), self.folder / "plan.json")
        code = run(["comment", "plan.json", *args])
        out, err = self.capsys.readouterr()
        assert TOKEN not in out + err
        return code, out, err


@contextmanager
def pipeline_in(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Pipeline]:
    """A run in a folder, of a pipeline that nothing was said to yet."""
    host = GitHost()
    made = Pipeline(host, folder, monkeypatch, capsys)
    for name in _SPEAKING:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(folder)
    patient = partial(git_host.GitHost, sleep=made.waited.append, clock=lambda: 1000.0)
    monkeypatch.setattr(github_run, "GitHost", patient)
    monkeypatch.setattr(gitlab_run, "GitHost", patient)
    monkeypatch.setattr(Poster, "post", partialmethod(Poster.post, sleep=made.waited.append))
    with served(host):
        yield made
