"""The GitHub Action: its scripts are run as they stand, from the plan on a pull request to its apply on merge."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.ci.runner import ROOT, Job, event_file, yaml_of
from tests.cli.git_hosts import TOKEN, GitHost, served
from tests.harness import ACCOUNT, Project, project

ACTION = yaml_of((ROOT / "action.yml").read_text())
HEAD, MERGE = "c0ffee" + "0" * 34, "beef" * 10
MANIFEST = """\
version: 1
project: shop
state: {{backend: local}}
variables:
  most: {{type: integer, default: 2}}
images:
  api: {{archive: image}}
applications:
  api:
    image: ${{images.api}}
    instances: {instances}
"""
pytestmark = pytest.mark.slow


@dataclass
class Repository:
    """A repository on the host: what runs on a pull request and, once it is merged, on main."""

    host: GitHost
    project: Project
    environ: dict[str, str]

    def job(self, event: str, payload: dict[str, Any]) -> Job:
        payload_file = event_file(self.project.folder.parent, payload)
        return Job(
            self.project.folder,
            {**self.environ, "GITHUB_EVENT_PATH": str(payload_file)},
            event,
            payload,
            self.keep,
        )

    def keep(self, name: str, paths: list[Path]) -> None:
        """What the run keeps: the plan for the apply, and the page for whoever reviews."""
        plan, page = paths
        assert "<!doctype html>" in page.read_text()
        assert (plan.parent, plan.name, page.name) == (page.parent, "plan.json", "plan.html")
        self.host.keep(HEAD, plan.read_bytes(), name)

    def on_pull_request(self, **inputs: str) -> Job:
        """The run on the pull request."""
        payload = {"action": "synchronize", "pull_request": {"number": 7, "head": {"sha": HEAD}}}
        return self.job("pull_request", payload).use(ACTION, install="none", **inputs)

    def on_merge(self, **inputs: str) -> Job:
        """The run on main after it was merged."""
        self.host.pulls = [
            {"number": 7, "merged_at": "2026", "merge_commit_sha": MERGE, "head": {"sha": HEAD}}
        ]
        return self.job("push", {"ref": "refs/heads/main"}).use(ACTION, install="none", **inputs)

    def instances(self) -> list[int]:
        return [one["instances"] for one in self.project.world("application")]


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    folder = tmp_path / "checkout"
    folder.mkdir()
    shutil.copytree(ROOT / "examples/quickstart/image", folder / "image")
    host = GitHost()
    with ExitStack() as stack:
        url = stack.enter_context(served(host))
        made = stack.enter_context(project(folder, rate=1.0))
        made.write(MANIFEST.format(instances=1))
        environ = {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": url,
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_SHA": MERGE,
            "GITHUB_WORKSPACE": str(folder),
            "GITHUB_RUN_ID": "99",
            "CLOUDFLARE_API_BASE_URL": made.server.base_url,
            "CLOUDFLARE_API_TOKEN": "cf-t0ken",
            "CLOUDFLARE_ACCOUNT_ID": ACCOUNT,
        }
        yield Repository(host, made, environ)


def test_what_was_planned_on_the_pull_request_is_applied_on_merge(repository: Repository) -> None:
    planned = repository.on_pull_request()
    assert planned.code == 0, planned.log
    assert planned.ran == ["Settle what to do", "Plan", "Keep the plan", "Show the plan"]
    assert (planned.outputs["changes"], planned.outputs["exit-code"]) == ("true", "2")
    [body] = repository.host.bodies
    assert "### 🟢 Plan for `shop`: 0 delete, 0 replace, 0 update, 2 create of 2" in body
    assert "::notice file=containers.yaml,line=9" in planned.log
    assert repository.instances() == []

    merged = repository.on_merge()
    assert merged.code == 0, merged.log
    assert merged.ran == ["Settle what to do", "Fetch the reviewed plan", "Apply"]
    assert "Applied: 2 done" in merged.log
    assert repository.instances() == [1]
    assert TOKEN not in planned.log + merged.log


def test_a_pull_request_without_changes_says_so(repository: Repository) -> None:
    repository.project.apply()
    planned = repository.on_pull_request()
    assert (planned.code, planned.outputs["changes"], planned.outputs["exit-code"]) == (0, "false", "0")
    assert "### ✅ `shop`: no changes" in repository.host.bodies[0]
    assert repository.on_merge().code == 0


def test_a_world_that_moved_is_refused_by_name(repository: Repository) -> None:
    repository.project.apply()
    repository.project.write(MANIFEST.format(instances=2))
    assert repository.on_pull_request().code == 0
    [live] = repository.project.world("application")
    repository.project.by_hand("PATCH", f"containers/applications/{live['id']}", {"instances": 5})
    merged = repository.on_merge()
    assert (merged.code, merged.outputs["exit-code"]) == (3, "3"), merged.log
    assert "application.api" in merged.log
    assert repository.instances() == [5]


def test_a_state_that_moved_is_refused(repository: Repository) -> None:
    assert repository.on_pull_request().code == 0
    repository.project.apply()
    merged = repository.on_merge()
    assert merged.code == 3, merged.log


def test_a_manifest_that_moved_is_refused(repository: Repository) -> None:
    assert repository.on_pull_request().code == 0
    repository.project.write(MANIFEST.format(instances=3))
    merged = repository.on_merge()
    assert (merged.code, "containers.yaml has changed since the plan was made" in merged.log) == (3, True)
    assert repository.instances() == []


def test_a_plan_whose_time_is_over_is_refused(repository: Repository) -> None:
    assert repository.on_pull_request(arguments="--expires 0s").code == 0
    merged = repository.on_merge()
    assert (merged.code, "the plan expired at" in merged.log) == (3, True)


def test_what_nobody_reviewed_is_refused(repository: Repository) -> None:
    merged = repository.on_merge()
    assert (merged.code, "no plan was kept for c0ffee" in merged.log) == (3, True)
    assert merged.ran[-1] == "Fetch the reviewed plan"


def test_a_blocked_hazard_needs_its_flag(repository: Repository) -> None:
    repository.project.write(
        MANIFEST.format(instances=1).replace("instances: 1", "instances: 1\n    protect: true")
    )
    repository.project.apply()
    repository.project.write(MANIFEST.format(instances=1).split("applications:")[0])
    assert repository.on_pull_request().code == 0
    refused = repository.on_merge()
    assert (refused.code, "PROTECTED" in refused.log) == (3, True)
    merged = repository.on_merge(arguments="--allow PROTECTED:application.api --allow-destroy 1")
    assert merged.code == 0, merged.log
    assert repository.instances() == []


def test_a_plan_with_errors_is_shown_and_fails(repository: Repository) -> None:
    repository.project.apply()
    [live] = repository.project.world("application")
    state = repository.project.folder / "state"
    shutil.rmtree(state)
    planned = repository.on_pull_request()
    assert live["name"] in planned.log
    assert (planned.code, planned.ran[-1]) == (1, "Fail where the plan has errors")
    assert len(repository.host.bodies) == 1


def test_a_manifest_that_is_wrong_fails_with_its_line(repository: Repository) -> None:
    repository.project.write("version: 1\nproject: shop\napplicatons: {}\n")
    planned = repository.on_pull_request()
    assert (planned.code, "containers.yaml:3:1" in planned.log) == (1, True)
    assert planned.ran[-1] == "Plan"


def test_environments_folders_and_arguments(repository: Repository) -> None:
    below = repository.project.folder / "infra"
    below.mkdir()
    shutil.move(repository.project.folder / "image", below / "image")
    text = MANIFEST.format(instances="${var.most}") + "environments: {staging: {}, production: {}}\n"
    (below / "main.yaml").write_text(text)
    inputs = {"working_directory": "infra", "manifest": "main.yaml", "environment": "staging"}
    planned = repository.on_pull_request(**inputs, arguments="--var most=4\n--detail full")
    assert planned.code == 0, planned.log
    assert [one["name"] for one in repository.host.artifacts] == ["reconciler-plan-staging"]
    assert "Plan for `shop/staging`" in repository.host.bodies[0]
    assert "file=infra/main.yaml,line=" in planned.log
    merged = repository.on_merge(**inputs)
    assert merged.code == 0, merged.log
    assert repository.instances() == [4]


def test_the_local_stand_in_will_do(repository: Repository) -> None:
    for name in ("CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_BASE_URL", "CLOUDFLARE_ACCOUNT_ID"):
        del repository.environ[name]
    assert repository.on_pull_request(arguments="--local").code == 0
    merged = repository.on_merge()
    assert (merged.code, "Applied: 2 done" in merged.log) == (0, True), merged.log


def test_a_plan_of_an_earlier_job_is_applied_as_it_is(repository: Repository) -> None:
    planned = repository.on_pull_request(command="plan", comment="false")
    assert "Show the plan" not in planned.ran
    plan = Path(planned.outputs["plan-file"])
    elsewhere = plan.rename(repository.project.folder.parent / "approved.json")
    applied = repository.job("workflow_dispatch", {}).use(
        ACTION, install="none", command="apply", plan_file=str(elsewhere)
    )
    assert (applied.code, applied.ran) == (0, ["Settle what to do", "Apply"]), applied.log


def test_where_there_is_no_pull_request_the_summary_has_the_plan(repository: Repository) -> None:
    job = repository.job("workflow_dispatch", {}).use(ACTION, install="none", command="plan")
    assert job.code == 0, job.log
    assert "### 🟢 Plan for `shop`" in (job.temp / "summary.md").read_text()
    assert repository.host.bodies == []


@pytest.mark.parametrize(("event", "action"), [("schedule", ""), ("pull_request", "closed")])
def test_what_to_do_is_not_guessed(repository: Repository, event: str, action: str) -> None:
    job = repository.job(event, {"action": action}).use(ACTION, install="none")
    assert (job.code, "::error::say command: plan or command: apply" in job.log) == (1, True)


@pytest.mark.parametrize(
    ("given", "installed"),
    [("", f"{ROOT}[s3,postgres]"), ("reconciler==1.0; rm -rf /", "reconciler==1.0; rm -rf /")],
)
def test_what_is_installed_is_one_word(repository: Repository, given: str, installed: str) -> None:
    """With a Python that only writes down what it is asked for."""
    programs = repository.project.folder.parent / "bin"
    programs.mkdir()
    python = programs / "python3"
    python.write_text(
        '#!/bin/sh\nprintf "%s\\n" "$@" >>"$RUNNER_TEMP/asked"\n'
        'if [ "$2" = venv ]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; fi\n'
    )
    python.chmod(0o755)
    repository.environ["PATH"] = f"{programs}:/usr/bin:/bin"
    job = repository.job("pull_request", {}).use(ACTION, install=given)
    assert (job.temp / "asked").read_text().splitlines()[-1] == installed
    assert (job.temp / "path").read_text().strip() == f"{job.temp}/reconciler/venv/bin"


# what can be seen without running it


def test_nothing_from_outside_is_written_into_a_script() -> None:
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", "")


def test_every_input_and_output_says_what_it_is() -> None:
    for about in (*ACTION["inputs"].values(), *ACTION["outputs"].values()):
        assert about["description"]
    used = set(re.findall(r"inputs\.([\w-]+)", json.dumps(ACTION)))
    assert used == set(ACTION["inputs"])
