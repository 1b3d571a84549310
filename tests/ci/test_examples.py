"""The example workflows: they use what action and component have, ask for no more than they need, and their scripts work."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ci.runner import ROOT, bash, yaml_of
from tests.ci.test_component import MANIFEST, component
from tests.harness import ACCOUNT, project

EXAMPLES = ROOT / "examples/ci"
WORKFLOWS = sorted((EXAMPLES / "github").glob("*.yml"))
ACTION = yaml_of((ROOT / "action.yml").read_text())
IDS = [path.name for path in WORKFLOWS]


def jobs(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from yaml_of(path.read_text())["jobs"].items()


def steps(path: Path) -> Iterator[dict[str, Any]]:
    for _, job in jobs(path):
        yield from job["steps"]


def ours(path: Path) -> list[dict[str, Any]]:
    return [step for step in steps(path) if "/reconciler@" in step.get("uses", "")]


@pytest.mark.parametrize("path", WORKFLOWS, ids=IDS)
def test_the_action_is_given_what_it_takes(path: Path) -> None:
    for step in ours(path):
        assert set(step.get("with", {})) <= set(ACTION["inputs"])
        assert {"CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID"} <= set(step["env"])


@pytest.mark.parametrize("path", WORKFLOWS, ids=IDS)
def test_a_workflow_may_do_no_more_than_it_needs(path: Path) -> None:
    workflow = yaml_of(path.read_text())
    assert "pull_request_target" not in path.read_text()
    assert set(workflow["permissions"].values()) <= {"read", "write"}
    assert workflow["permissions"]["contents"] == "read"
    for _, job in jobs(path):
        assert job["timeout-minutes"] <= 60
        assert "permissions" not in job


@pytest.mark.parametrize("path", WORKFLOWS, ids=IDS)
def test_whoever_applies_does_so_alone_and_is_not_cut_short(path: Path) -> None:
    workflow = yaml_of(path.read_text())
    for _, job in jobs(path):
        applies = any(step.get("with", {}).get("command") == "apply" for step in job["steps"])
        if applies:
            assert (job.get("concurrency") or workflow["concurrency"])["cancel-in-progress"] is False


@pytest.mark.parametrize("path", WORKFLOWS, ids=IDS)
def test_plans_are_made_with_a_token_that_reads(path: Path) -> None:
    for step in ours(path):
        if step.get("with", {}).get("command") == "plan":
            assert step["env"]["CLOUDFLARE_API_TOKEN"] == "${{ secrets.CLOUDFLARE_READ_TOKEN }}"


@pytest.mark.parametrize("path", WORKFLOWS, ids=IDS)
def test_nothing_from_outside_is_written_into_a_script(path: Path) -> None:
    assert all("${{" not in step.get("run", "") for step in steps(path))


def test_gitlab_is_given_what_the_component_takes() -> None:
    pipeline = yaml_of((EXAMPLES / "gitlab/.gitlab-ci.yml").read_text())
    for include in pipeline["include"]:
        inputs = include["inputs"]
        takes, made = component(**inputs)
        assert set(inputs) <= set(takes)
        assert {job["stage"] for job in made.values() if "stage" in job} <= set(pipeline["stages"])


@pytest.mark.parametrize(
    ("dockerfile", "code", "rule"), [("FROM scratch\nENV API_TOKEN=x\n", 0, True), (None, 1, False)]
)
def test_findings_are_annotated_and_uploaded(
    tmp_path: Path, dockerfile: str | None, code: int, rule: bool
) -> None:
    """The script of checks.yml, on a manifest that builds an image, and on one that is wrong."""
    text = "version: 1\nproject: shop\nimages: {api: {build: {context: .}}}\n"
    (tmp_path / "containers.yaml").write_text(text if dockerfile else f"{text}applicatons: {{}}\n")
    (tmp_path / "Dockerfile").write_text(dockerfile or "FROM scratch\n")
    [step] = [one for one in steps(EXAMPLES / "github/checks.yml") if one.get("id") == "findings"]
    ended, log = bash(step["run"], tmp_path, {})
    assert ended == code, log
    assert ("::warning file=Dockerfile,line=2" in log) is rule
    assert ("::error file=containers.yaml,line=4" in log) is not rule
    if rule:
        sarif = json.loads((tmp_path / "reconciler.sarif").read_text())
        assert sarif["runs"][0]["results"][0]["locations"]


@pytest.mark.slow
@pytest.mark.parametrize(("live", "code"), [(1, 0), (5, 2)])
def test_the_nightly_look_fails_where_somebody_changed_something(
    tmp_path: Path, live: int, code: int
) -> None:
    run = next(one["run"] for one in steps(EXAMPLES / "github/checks.yml") if "drift" in one.get("run", ""))
    shutil.copytree(ROOT / "examples/quickstart/image", tmp_path / "image")
    with project(tmp_path) as made:
        made.write(MANIFEST.format(instances=1).replace("staging", "production"))
        made.apply("-e", "production")
        [application] = made.world("application")
        made.by_hand("PATCH", f"containers/applications/{application['id']}", {"instances": live})
        environ = {
            "CLOUDFLARE_API_BASE_URL": made.server.base_url,
            "CLOUDFLARE_API_TOKEN": "token",
            "CLOUDFLARE_ACCOUNT_ID": ACCOUNT,
        }
        ended, log = bash(run, tmp_path, environ)
    assert ended == code, log
