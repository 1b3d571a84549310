from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.clients.docker_program import Buildx, DockerProgram
from reconciler.errors import ReconcilerError
from tests.clients.fake_docker import FakeDocker, install

VERSION = "github.com/docker/buildx v0.17.1 257815a"
INSPECTED = (
    "Name:          far\nDriver:        remote\nLast Activity: 2026-11-21\n\nNodes:\nDriver Options: x\n"
)


@pytest.fixture
def docker(tmp_path: Path) -> FakeDocker:
    return install(tmp_path / "docker")


def found(docker: FakeDocker) -> DockerProgram:
    program = DockerProgram.find(docker.environ)
    assert program is not None
    return program


def test_the_program_that_wrangler_would_use(docker: FakeDocker) -> None:
    assert found(docker).path == str(docker.folder / "docker")
    assert DockerProgram.find({"PATH": str(docker.folder)}) == DockerProgram(
        str(docker.folder / "docker"), {"PATH": str(docker.folder)}
    )


def test_no_program_is_no_error_but_a_wrong_one_is(tmp_path: Path) -> None:
    assert DockerProgram.find({"PATH": str(tmp_path)}) is None
    with pytest.raises(
        ReconcilerError, match="WRANGLER_DOCKER_BIN is /nope, which cannot be started; correct or"
    ):
        DockerProgram.find({"PATH": str(tmp_path), "WRANGLER_DOCKER_BIN": "/nope"})


def test_without_the_plugin_there_is_no_buildx(docker: FakeDocker) -> None:
    assert found(docker).buildx() is None


def test_the_chosen_builder(docker: FakeDocker) -> None:
    docker.answer(buildx_version=VERSION, buildx_inspect=INSPECTED)
    assert found(docker).buildx() == Buildx((0, 17), "remote")
    assert docker.asked("buildx", "inspect") == [["buildx", "inspect"]]


def test_the_named_builder(docker: FakeDocker) -> None:
    docker.answer(buildx_version=VERSION, buildx_inspect_far=INSPECTED)
    assert found(docker).buildx("far") == Buildx((0, 17), "remote")
    with pytest.raises(
        ReconcilerError, match="docker buildx knows no builder near; look at `docker buildx ls`"
    ):
        found(docker).buildx("near")


@pytest.mark.parametrize(
    ("driver", "is_in_daemon"), [("docker", True), ("docker-container", False), ("remote", False)]
)
def test_only_its_own_builder_leaves_results_in_the_daemon(driver: str, is_in_daemon: bool) -> None:
    assert Buildx((0, 17), driver).is_in_daemon is is_in_daemon


def test_a_builder_that_cannot_be_looked_at_is_the_daemons(docker: FakeDocker) -> None:
    docker.answer(buildx_version="github.com/docker/buildx 0.9.1+unknown")
    assert found(docker).buildx() == Buildx((0, 9), "docker")


@pytest.mark.parametrize(("version", "has"), [((0, 9), False), ((0, 10), True), ((1, 0), True)])
def test_provenance_is_declined_where_it_is_known(version: tuple[int, int], has: bool) -> None:
    assert Buildx(version, "remote").has_provenance is has


@pytest.mark.parametrize(
    ("version", "has"),
    [
        ("20.10.24+dfsg1", True),
        ("18.09.1", True),
        ("18.06.3-ce", False),
        ("23.0.1", False),
        ("28.2.2", False),
        ("", False),
    ],
)
def test_which_clients_speak_to_buildkit_themselves(docker: FakeDocker, version: str, has: bool) -> None:
    assert found(docker.answer(version=version)).has_buildkit() is has


def test_where_the_daemon_of_the_context_is(docker: FakeDocker) -> None:
    assert found(docker).host() == ""
    assert (
        found(docker.answer(context_inspect="unix:///home/me/docker.sock")).host()
        == "unix:///home/me/docker.sock"
    )
