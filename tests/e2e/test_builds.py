"""Images that are built, from the manifest to what runs; Docker is played by a script that says what it was asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.clients.fake_docker import FakeDocker, install
from tests.clients.images import image, layout_files, write_tar
from tests.e2e.shop import SHOP
from tests.harness import ACCOUNT, Project

BUILT = SHOP.replace("api: {archive: image}", "api: {build: web}")
FROM_ELSEWHERE = "changed files unknown: the last build was elsewhere"


@pytest.fixture
def docker(shop: Project) -> FakeDocker:
    docker = install(shop.folder / "docker").answer(
        buildx_version="buildx v0.17.1", buildx_inspect="Driver: remote", buildx_build="done"
    )
    builds(docker, b"layer one" * 100)
    shop.environ.update(docker.environ)
    shop.write("FROM scratch\nCOPY . /app/\n", "web/Dockerfile")
    shop.write("one", "web/app.txt")
    shop.write(BUILT)
    return docker


def builds(docker: FakeDocker, layer: bytes) -> None:
    """What comes out of the next build."""
    write_tar(docker.folder / "image.tar", layout_files(image(layer)))


def built(docker: FakeDocker) -> int:
    return len(docker.asked("buildx", "build"))


def planned(shop: Project, address: str = "image.api") -> Any:
    return next(one for one in shop.plan()["changes"] if one["address"] == address)


def lists(shop: Project) -> list[Path]:
    return sorted((shop.folder / "state" / "default.inputs").glob("*"))


@pytest.mark.usefixtures("docker")
def test_the_plan_names_the_files_that_changed(shop: Project) -> None:
    shop.write("old", "web/old.txt")
    shop.apply()
    (shop.folder / "web" / "old.txt").unlink()
    shop.write("two", "web/app.txt")
    shop.write("new", "web/lib/new.txt")
    change = planned(shop)
    assert change["reason"] == "files in web changed"
    assert change["details"]["files"] == {
        "added": ["lib/new.txt"],
        "changed": ["app.txt"],
        "removed": ["old.txt"],
    }
    told = [line.strip() for line in shop.run("plan").out.splitlines()]
    assert {"files  +1 ~1 -1", "+ lib/new.txt", "~ app.txt", "- old.txt"} <= set(told)


def test_a_builder_can_be_named(shop: Project, docker: FakeDocker) -> None:
    shop.apply("--builder", "far")
    assert docker.asked("buildx", "inspect") == [["buildx", "inspect", "far"]]
    assert [words[2:4] for words in docker.asked("buildx", "build")] == [["--builder", "far"]]


@pytest.mark.usefixtures("docker")
def test_a_first_plan_names_no_files_and_keeps_none(shop: Project) -> None:
    assert "files" not in planned(shop)["details"]
    assert not (shop.folder / "state").exists()


@pytest.mark.usefixtures("docker")
def test_the_list_lies_beside_the_state_and_not_in_it(shop: Project) -> None:
    shop.apply()
    (kept,) = lists(shop)
    assert json.loads(kept.read_text()).keys() == {"Dockerfile", "app.txt"}
    assert kept.stat().st_mode & 0o777 == 0o600
    state = (shop.folder / "state" / "default.json").read_text()
    assert (kept.stem in state, "app.txt" in state) == (True, False)


@pytest.mark.usefixtures("docker")
def test_a_plan_keeps_nothing(shop: Project) -> None:
    shop.apply()
    before = lists(shop)
    shop.write("two", "web/app.txt")
    planned(shop)
    assert lists(shop) == before


def test_of_a_build_that_failed_nothing_is_kept(shop: Project, docker: FakeDocker) -> None:
    docker.answer(
        buildx_version="buildx v0.17.1",
        buildx_inspect="Driver: remote",
        buildx_build={"says": "no", "code": 1},
    )
    assert shop.run("apply", "--yes").code != 0
    assert lists(shop) == []


@pytest.mark.usefixtures("docker")
@pytest.mark.parametrize(
    "damage", [Path.unlink, lambda path: path.write_text("["), lambda path: path.write_text("[1]")]
)
def test_without_the_list_the_plan_says_so(shop: Project, damage: Any) -> None:
    shop.apply()
    damage(lists(shop)[0])
    shop.write("two", "web/app.txt")
    change = planned(shop)
    assert (change["reason"], change["notes"]) == ("files in web changed", [FROM_ELSEWHERE])
    assert FROM_ELSEWHERE in shop.run("plan").out
    shop.apply()
    shop.write("three", "web/app.txt")
    assert planned(shop)["details"]["files"]["changed"] == ["app.txt"]


@pytest.mark.usefixtures("docker")
def test_an_argument_that_changed_is_not_told_as_files(shop: Project) -> None:
    shop.apply()
    shop.write(BUILT.replace("{build: web}", "{build: {context: web, args: {APP: x}}}"))
    change = planned(shop)
    assert "files in" not in change["reason"]
    assert "files" not in change["details"]
    assert change["notes"] == []


def test_a_different_input_with_the_same_digest_starts_no_rollout(shop: Project, docker: FakeDocker) -> None:
    shop.apply()
    [before] = shop.world("application")
    shop.write("a comment", "web/app.txt")
    assert shop.actions() == {"image.api": "update", "application.api": "update"}
    since = shop.last_request()
    shop.apply()
    assert built(docker) == 2
    assert shop.world("rollout") == []
    assert shop.world("application") == [before]
    assert not [path for _, path in shop.requests(since) if "/rollouts" in path]
    assert not [
        path for method, path in shop.requests(since) if method in ("PATCH", "PUT") and "/containers/" in path
    ]
    assert shop.actions() == {}


def test_another_digest_does(shop: Project, docker: FakeDocker) -> None:
    shop.apply()
    shop.write("two", "web/app.txt")
    builds(docker, b"layer two" * 100)
    shop.apply()
    assert [one["status"] for one in shop.world("rollout")] == ["completed"]


TWICE = BUILT.replace("api: {build: web}", "api: {build: web}\n  jobs: {build: web}")


def sent(shop: Project, repository: str, since: int = 0) -> list[str]:
    """How blobs got into a repository: mounted, or uploaded."""
    begun = f"/v2/{ACCOUNT}/{repository}/blobs/uploads"
    listed = shop.page(f"ledger?since={since}")
    posts = [one for one in listed if one["method"] == "POST" and one["path"].startswith(begun)]
    return [
        "mounted" if "mount" in str(one.get("query")) and one["status"] == 201 else "uploaded"
        for one in posts
    ]


def test_equal_inputs_are_built_once_and_mounted(shop: Project, docker: FakeDocker) -> None:
    shop.write(TWICE)
    shop.apply()
    assert built(docker) == 1
    assert sorted([set(sent(shop, "shop-api")), set(sent(shop, "shop-jobs"))], key=str) == [
        {"mounted"},
        {"uploaded"},
    ]
    assert len({one["digest"] for one in shop.world("manifest")}) == 1
    assert shop.actions() == {}


def test_a_second_image_of_what_was_built_needs_no_docker(shop: Project, docker: FakeDocker) -> None:
    shop.apply()
    shop.environ |= {"WRANGLER_DOCKER_BIN": "/nowhere", "DOCKER_HOST": "unix:///nowhere/docker.sock"}
    since = shop.last_request()
    shop.write(TWICE)
    shop.apply()
    assert built(docker) == 1
    assert set(sent(shop, "shop-jobs", since)) == {"mounted"}
    assert sent(shop, "shop-api", since) == []
