"""The commit of a build, from staging's state to production's, and to whoever asks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.images_shop import MANIFEST
from tests.clients.fake_docker import install
from tests.clients.images import image, layout_files, write_tar
from tests.clients.test_git_commit import committed
from tests.harness import Project

PROMOTE = ("promote", "api", "--from", "staging", "--to", "production")


@pytest.fixture
def sha(two_environments: Project, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A project in git that builds its image; the commit that it stands in."""
    docker = install(tmp_path_factory.mktemp("docker")).answer(
        buildx_version="buildx v0.17.1", buildx_inspect="Driver: remote", buildx_build="done"
    )
    write_tar(docker.folder / "image.tar", layout_files(image(b"layer")))
    two_environments.environ.update(docker.environ)
    two_environments.write("FROM scratch\nCOPY . /app/\n", "web/Dockerfile")
    two_environments.write(MANIFEST.replace("{archive: image}", "{build: web}"))
    return committed(two_environments.folder)


def change(project: Project, environment: str) -> Any:
    return next(one for one in project.plan("-e", environment)["changes"] if one["address"] == "image.api")


def remembered(project: Project, environment: str) -> Any:
    state = json.loads((project.folder / "state" / f"{environment}.json").read_text())
    return state["resources"]["image.api"]["facts"]["descent"]


def test_the_commit_goes_with_the_digest(two_environments: Project, sha: str) -> None:
    assert change(two_environments, "staging")["details"]["commit"] == sha[:12]
    two_environments.apply("-e", "staging")
    ended = two_environments.run(*PROMOTE)
    assert f"  commit   {sha}\n" in ended.out
    details = change(two_environments, "production")["details"]
    assert (details["commit"], details["from_environment"]) == (sha[:12], "staging")
    assert (
        f"commit {sha[:12]}, from environment staging" in two_environments.run("plan", "-e", "production").out
    )
    two_environments.apply("-e", "production")
    staging, production = (remembered(two_environments, name) for name in ("staging", "production"))
    assert production == {**staging, "environment": "staging"}
    assert (production["commit"], production["dirty"]) == (sha, False)


def test_it_is_known_still_when_staging_has_moved_on(two_environments: Project, sha: str) -> None:
    two_environments.apply("-e", "staging")
    two_environments.run(*PROMOTE)
    two_environments.write(
        (two_environments.folder / "containers.yaml").read_text().replace("{build: web}", "{archive: image}")
    )
    two_environments.apply("-e", "staging")
    assert change(two_environments, "production")["details"]["commit"] == sha[:12]


def test_the_list_of_images_shows_it(two_environments: Project, sha: str) -> None:
    two_environments.write("x", "web/new.py")
    two_environments.apply("-e", "staging")
    [row] = two_environments.run("images", "list", "--json").document["images"]
    assert (row["commit"], row["dirty"]) == (sha, True)
    assert row["inputs"] == remembered(two_environments, "staging")["inputs"]
    assert f"  {sha[:12]}, changed  " in two_environments.run("images", "list").out


def test_json_of_a_promotion_has_it(two_environments: Project, sha: str) -> None:
    two_environments.apply("-e", "staging")
    told = two_environments.run(*PROMOTE, "--json").document
    assert told["descent"] == remembered(two_environments, "staging")
    assert told["descent"]["commit"] == sha
