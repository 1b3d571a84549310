"""`graph` on the command line: of manifest, state and plan, in every format."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.images import image, layout_files, write_folder
from tests.harness import Project, project

MANIFEST = """
version: 1
project: story
variables: {size: {default: lite}}
images:
  api: {archive: image}
applications:
  api: {image: "${images.api}", instance_type: "${var.size}"}
"""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path) as stage:
        write_folder(stage.folder / "image", layout_files(image(b"a layer")))
        stage.write(MANIFEST)
        yield stage


def test_the_manifest_needs_neither_state_nor_cloud(stage: Project) -> None:
    stage.environ["CLOUDFLARE_API_BASE_URL"] = "http://127.0.0.1:1"
    assert stage.run("graph").out == "image.api\napplication.api\n  waits for image.api\n"
    assert stage.run("graph", "--json").document == {"image.api": [], "application.api": ["image.api"]}


def test_the_state_tells_what_waited_for_whom(stage: Project) -> None:
    assert stage.run("graph", "--of", "state").out == "\n"
    stage.apply()
    stage.write("version: 1\nproject: story\nimages:\n  other: {archive: image}\n")
    assert stage.run("graph", "--of", "state").out == "image.api\napplication.api\n  waits for image.api\n"


def test_a_plan_tells_what_it_does(stage: Project) -> None:
    stage.apply()
    told = stage.run("graph", "--of", "plan", "--var", "size=basic").out
    assert told == "image.api\n~ application.api: update\n  waits for image.api\n"
    stage.run("plan", "-o", "plan.json", "--var", "size=basic")
    assert stage.run("graph", "plan.json").out == "~ application.api: update\n"


@pytest.mark.parametrize(
    ("form", "begins"), [("dot", "digraph"), ("mermaid", "flowchart RL"), ("svg", "<svg")]
)
def test_every_format_labels_what_changes(stage: Project, form: str, begins: str) -> None:
    told = stage.run("graph", "--of", "plan", "--format", form)
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith(begins)
    assert "create" in told.out
    if form == "svg":
        assert ElementTree.fromstring(told.out).tag.endswith("svg")
