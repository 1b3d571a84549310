"""What `plan` prints and saves, `show` prints again elsewhere: every format is a function of the plan's JSON alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.images import image, layout_files, write_folder
from tests.harness import Project, project

MANIFEST = """
version: 1
project: story
images:
  api: {archive: image}
workers:
  edge:
    main: worker.js
    compatibility_date: "2026-10-01"
    bindings: {API: "${applications.api}"}
applications:
  api: {image: "${images.api}", class_name: Api, max_instances: 4}
"""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path) as stage:
        write_folder(stage.folder / "image", layout_files(image(b"a layer")))
        stage.write("export class Api {}\nexport default { fetch() {} }\n", "worker.js")
        stage.write(MANIFEST)
        yield stage


@pytest.mark.parametrize("form", ["text", "markdown", "html", "json"])
def test_a_saved_plan_is_shown_elsewhere_with_the_same_bytes(stage: Project, form: str) -> None:
    planned = stage.run("plan", "-o", "plan.json", "--format", form)
    shown = stage.run("show", "plan.json", "--format", form)
    assert (planned.code, shown.code) == (0, 0)
    assert planned.out == shown.out


def test_a_plan_says_the_same_in_every_format(stage: Project) -> None:
    stage.run("plan", "-o", "plan.json")
    verdict = "0 delete, 0 replace, 0 update, 3 create of 3"
    for form in ("text", "markdown", "html", "summary"):
        assert verdict in stage.run("show", "plan.json", "--format", form).out
    assert json.loads(stage.run("plan", "--json=summary").out)["verdict"] == verdict
    assert stage.plan()["summary"]["create"] == 3


def test_after_the_apply_there_is_nothing_to_do_in_one_line(stage: Project) -> None:
    stage.apply()
    assert stage.run("plan").out == "story: no changes (3 resources, state #1)\n"


def test_a_change_is_traced_from_the_manifest_to_the_rollout(stage: Project) -> None:
    stage.apply()
    stage.write(MANIFEST.replace("max_instances: 4", "max_instances: 8, instance_type: basic"))
    text = stage.run("plan").out
    for part in (
        "highest risk: RESTART of application.api",
        "RESTARTS_INSTANCES",
        "max_instances  4 → 8   (x2)",
        "lite (1/16 vCPU, 256 MiB, 2 GB) → basic (1/4 vCPU, 1 GiB, 4 GB)",
        "rollout  full_auto, 4 instances",
        "Apply  reconciler apply",
    ):
        assert part in text


@pytest.mark.parametrize("host", ["github", "gitlab", "bitbucket"])
def test_markdown_is_for_the_host_that_is_named(stage: Project, host: str) -> None:
    planned = stage.run("plan", "-o", "plan.json", "--format", "markdown", "--for", host)
    assert ("<details>" in planned.out) is (host != "bitbucket")
    assert stage.run("show", "plan.json", "--format", "markdown", "--for", host).out == planned.out
