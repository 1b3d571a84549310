"""The component for GitLab: its scripts are run as they stand, from the plan on a merge request to its apply on merge."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.ci.runner import ROOT, bash
from tests.cli.git_hosts import TOKEN, GitHost, served
from tests.harness import ACCOUNT, Project, project

TEMPLATE = (ROOT / "templates/reconciler/template.yml").read_text()
_INPUT = re.compile(r"\$\[\[ inputs\.([\w-]+) \]\]")
MANIFEST = """\
version: 1
project: shop
state: {{backend: local}}
environments: {{staging: {{}}}}
images:
  api: {{archive: image}}
applications:
  api:
    image: ${{images.api}}
    instances: {instances}
"""
pytestmark = pytest.mark.slow


def component(**inputs: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the component takes, and the jobs that it comes to with these inputs."""
    spec, jobs = TEMPLATE.split("\n---\n")
    takes = YAML(typ="safe").load(spec)["spec"]["inputs"]
    given = {name: str(about.get("default", "")) for name, about in takes.items()}
    given |= {name.replace("_", "-"): value for name, value in inputs.items()}
    assert given.keys() == takes.keys()
    return takes, YAML(typ="safe").load(_INPUT.sub(lambda found: given[found[1]], jobs))


@dataclass
class Repository:
    """A project on the host, its checkout, and what pipelines are told."""

    host: GitHost
    project: Project
    environ: dict[str, str]

    def job(self, name: str, told: dict[str, str], **inputs: str) -> tuple[int, str]:
        """Runs one job of the component: what it extends comes first."""
        _, jobs = component(name="staging", environment="staging", install="", **inputs)
        job, base = jobs[name], jobs[jobs[name]["extends"]]
        environ = {**self.environ, **told, **base["variables"], **job["variables"]}
        script = "\n".join([*base["before_script"], *job["script"]])
        return bash(script, self.project.folder, environ)

    def on_merge_request(self, **inputs: str) -> tuple[int, str]:
        """The run on the merge request; what it keeps can be fetched from the host."""
        code, log = self.job("staging-plan", {"CI_MERGE_REQUEST_IID": "7"}, **inputs)
        kept = self.project.folder / "plan.json"
        if kept.exists():
            status = "failed" if code else "success"
            self.host.pipelines[3] = [{"id": 5, "name": "staging-plan", "status": status}]
            self.host.files["5/plan.json"] = kept.read_bytes()
            assert "<!doctype html>" in kept.with_suffix(".html").read_text()
            kept.unlink()
        return code, log

    def on_default_branch(self, **inputs: str) -> tuple[int, str]:
        """The run on the default branch after it was merged."""
        self.host.pulls = [{"iid": 7, "state": "merged"}]
        return self.job("staging-apply", {"CI_MERGE_REQUEST_IID": ""}, **inputs)

    def instances(self) -> list[int]:
        return [one["instances"] for one in self.project.world("application")]


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    folder = tmp_path / "checkout"
    folder.mkdir()
    shutil.copytree(ROOT / "examples/quickstart/image", folder / "image")
    host = GitHost(me="project_7_bot", knows_me=True)
    with ExitStack() as stack:
        url = stack.enter_context(served(host))
        made = stack.enter_context(project(folder, rate=1.0))
        made.write(MANIFEST.format(instances=1))
        environ = {
            "CI": "true",
            "GITLAB_CI": "true",
            "CI_API_V4_URL": url,
            "CI_PROJECT_ID": "7",
            "CI_PROJECT_DIR": str(folder),
            "CI_PROJECT_URL": "https://gitlab.example/o/r",
            "CI_JOB_URL": "https://gitlab.example/o/r/-/jobs/5",
            "CI_COMMIT_SHA": "c0ffee",
            "GITLAB_TOKEN": TOKEN,
            "CLOUDFLARE_API_BASE_URL": made.server.base_url,
            "CLOUDFLARE_API_TOKEN": "cf-t0ken",
            "CLOUDFLARE_ACCOUNT_ID": ACCOUNT,
            "TMPDIR": str(tmp_path),
        }
        yield Repository(host, made, environ)


def test_what_was_planned_on_the_merge_request_is_applied_on_the_default_branch(
    repository: Repository,
) -> None:
    code, log = repository.on_merge_request()
    assert code == 0, log
    [body] = repository.host.bodies
    assert "### 🟢 Plan for `shop/staging`: 0 delete, 0 replace, 0 update, 2 create of 2" in body
    assert "[JSON](https://gitlab.example/o/r/-/jobs/5/artifacts/browse)" in body
    code, log = repository.on_default_branch()
    assert (code, "Applied: 2 done" in log) == (0, True), log
    assert repository.instances() == [1]
    assert TOKEN not in log


def test_a_world_that_moved_is_refused_by_name(repository: Repository) -> None:
    repository.project.apply("-e", "staging")
    repository.project.write(MANIFEST.format(instances=2))
    assert repository.on_merge_request()[0] == 0
    [live] = repository.project.world("application")
    repository.project.by_hand("PATCH", f"containers/applications/{live['id']}", {"instances": 5})
    code, log = repository.on_default_branch()
    assert (code, "application.api" in log) == (3, True), log
    assert repository.instances() == [5]


def test_a_plan_whose_time_is_over_is_refused(repository: Repository) -> None:
    assert repository.on_merge_request(arguments="--expires 0s")[0] == 0
    code, log = repository.on_default_branch()
    assert (code, "the plan expired at" in log) == (3, True)


def test_a_plan_with_errors_is_shown_and_not_applied(repository: Repository) -> None:
    repository.project.apply("-e", "staging")
    shutil.rmtree(repository.project.folder / "state")
    code, _ = repository.on_merge_request()
    assert (code, len(repository.host.bodies)) == (1, 1)
    code, log = repository.on_default_branch()
    assert (code, "no plan was kept for c0ffee" in log) == (3, True)


def test_a_manifest_that_is_wrong_fails_the_job(repository: Repository) -> None:
    repository.project.write("version: 1\nproject: shop\napplicatons: {}\n")
    code, log = repository.on_merge_request()
    assert (code, "containers.yaml:3:1" in log, repository.host.bodies) == (1, True, [])


def test_a_tool_that_is_to_be_installed_is_one_word(repository: Repository) -> None:
    programs = repository.project.folder.parent / "bin"
    programs.mkdir()
    (programs / "python3").write_text('#!/bin/sh\nprintf "%s\\n" "$@" >>"$TMPDIR/asked"\n')
    (programs / "python3").chmod(0o755)
    _, jobs = component(install="reconciler @ git+https://example; rm -rf /")
    base = jobs[".reconciler"]
    environ = {**repository.environ, **base["variables"], "PATH": f"{programs}:/usr/bin:/bin"}
    assert bash("\n".join(base["before_script"]), repository.project.folder, environ)[0] == 0
    asked = Path(repository.environ["TMPDIR"], "asked").read_text().splitlines()
    assert asked[-1] == "reconciler @ git+https://example; rm -rf /"


def test_only_one_job_applies_at_a_time_and_only_what_was_merged() -> None:
    takes, jobs = component(name="production", apply_when="manual")
    apply = jobs["production-apply"]
    assert (apply["resource_group"], apply["interruptible"]) == ("production", False)
    assert apply["rules"] == [
        {"if": '$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH && $CI_PIPELINE_SOURCE == "push"', "when": "manual"}
    ]
    assert jobs["production-plan"]["rules"] == [{"if": '$CI_PIPELINE_SOURCE == "merge_request_event"'}]
    assert set(_INPUT.findall(TEMPLATE)) == set(takes)
