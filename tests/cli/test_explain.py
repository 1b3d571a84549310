"""`explain` on the command line: of what would be planned, and of a saved plan."""

from __future__ import annotations

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
  api:
    image: ${images.api}
    instance_type: ${var.size}
  many:
    for_each: [eu, us]
    image: ${images.api}
"""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path) as stage:
        write_folder(stage.folder / "image", layout_files(image(b"a layer")))
        stage.write(MANIFEST)
        stage.apply()
        yield stage


def test_a_change_is_explained_with_the_options_of_its_plan(stage: Project) -> None:
    told = stage.run("explain", "applications.api", "--var", "size=basic")
    assert (told.code, told.err) == (0, "")
    assert "instance_type  lite (1/16 vCPU, 256 MiB, 2 GB) → basic" in told.out
    assert "IT WOULD NOT HAPPEN IF\n  instance_type were lite" in told.out


def test_what_stays_is_explained_with_what_it_waits_for(stage: Project) -> None:
    told = stage.run("explain", "application.api").out
    assert "application.api  unchanged" in told
    assert "waits for  image.api" in told


def test_all_of_a_for_each_are_explained(stage: Project) -> None:
    told = stage.run("explain", "application.many", "--json").document["explanations"]
    assert [one["address"] for one in told] == ['application.many["eu"]', 'application.many["us"]']


def test_a_saved_plan_is_explained_without_a_manifest(stage: Project) -> None:
    stage.run("plan", "-o", "plan.json", "--var", "size=basic")
    (stage.folder / "containers.yaml").unlink()
    told = stage.run("explain", "application.api", "plan.json")
    assert (told.code, told.err) == (0, "")
    assert "application.api  update, rollout" in told.out


def test_what_is_to_be_removed_is_explained(stage: Project) -> None:
    assert "nobody asked for everything" in stage.run("explain", "application.api", "--destroy").out


def test_nothing_is_known_of_what_is_nowhere(stage: Project) -> None:
    told = stage.run("explain", "application.apo")
    assert (told.code, told.out) == (1, "")
    assert "neither in the manifest nor in the state" in told.err
    assert "did you mean application.api?" in told.err
    assert stage.run("explain", "application").code == 1
