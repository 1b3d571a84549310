"""Builds through the engine, from a folder to Cloudflare's registry: built once, found again anywhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.clients.builder import DockerBuilder
from reconciler.clients.docker_daemon import connected
from reconciler.clients.image_manifest import OCI_LAYER
from reconciler.clients.temporary_image import TemporaryImages
from reconciler.emulator.server import LocalServer
from reconciler.errors import UnavailableError
from tests.clients.fake_docker import FakeDocker, install
from tests.clients.images import image, layout_files, pull, write_tar
from tests.kinds.image_bench import ACCOUNT
from tests.kinds.kind_bench import changes, failures
from tests.kinds.registries_bench import API, Registries, registries

REPOSITORY = f"{ACCOUNT}/shop-api"
BUILT = image(b"layer" * 1000, layer_type=f"{OCI_LAYER}+gzip")
BUILD = {"build": {"context": "web", "args": {"APP": "api"}}}
NO_DOCKER = {"PATH": "/nowhere", "DOCKER_HOST": "unix:///nowhere/docker.sock"}


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


@pytest.fixture
def there(server: LocalServer, tmp_path: Path) -> Iterator[Registries]:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "Dockerfile").write_text("FROM scratch\nARG APP\nCOPY . /app/\n")
    with registries(server, tmp_path) as made:
        yield made


@pytest.fixture
def temporary() -> Iterator[TemporaryImages]:
    with TemporaryImages() as images:
        yield images


@pytest.fixture
def docker(tmp_path: Path) -> FakeDocker:
    docker = install(tmp_path / "docker")
    write_tar(docker.folder / "image.tar", layout_files(BUILT))
    return docker.answer(
        buildx_version="buildx v0.17.1", buildx_inspect="Driver: remote", buildx_build="done"
    )


def tag_of_build(there: Registries) -> str:
    return str(there.managed.list_tags(REPOSITORY)[0])


def test_an_image_is_built_once_and_then_found(
    there: Registries, docker: FakeDocker, temporary: TemporaryImages
) -> None:
    bench = there.another_machine(DockerBuilder(temporary, docker.environ))
    assert changes(bench.plan(there.wish(BUILD)))["image.api"].action == "create"
    assert docker.asked("buildx", "build") == []
    assert failures(bench.apply(there.wish(BUILD))) == []
    assert bench.prior(API).outputs["digest"] == BUILT.top.digest
    assert pull(there.managed, REPOSITORY, tag_of_build(there)).keys() == {*BUILT.blobs, BUILT.top.digest}
    assert changes(bench.plan(there.wish(BUILD))) == {}
    assert len(docker.asked("buildx", "build")) == 1


def test_another_machine_needs_no_docker(
    there: Registries, docker: FakeDocker, temporary: TemporaryImages
) -> None:
    there.another_machine(DockerBuilder(temporary, docker.environ)).apply(there.wish(BUILD))
    bench = there.another_machine(DockerBuilder(temporary, NO_DOCKER))
    assert failures(bench.apply(there.wish(BUILD))) == []
    assert bench.prior(API).outputs["digest"] == BUILT.top.digest


def test_a_changed_file_is_another_build(
    there: Registries, docker: FakeDocker, temporary: TemporaryImages
) -> None:
    bench = there.another_machine(DockerBuilder(temporary, docker.environ))
    bench.apply(there.wish(BUILD))
    (there.folder / "web" / "app.py").write_text("x")
    planned = changes(bench.plan(there.wish(BUILD)))["image.api"]
    assert [one.path for one in planned.attributes] == ["inputs"]
    assert failures(bench.apply(there.wish(BUILD))) == []
    assert len(there.managed.list_tags(REPOSITORY)) == 2


def test_a_failed_build_pushes_nothing(
    there: Registries, docker: FakeDocker, temporary: TemporaryImages
) -> None:
    docker.answer(
        buildx_version="buildx v0.17.1",
        buildx_inspect="Driver: remote",
        buildx_build={"says": "ERROR: exit code: 7", "code": 1},
    )
    bench = there.another_machine(DockerBuilder(temporary, docker.environ))
    (failed,) = failures(bench.apply(there.wish(BUILD)))
    assert failed.endswith(
        "web/Dockerfile failed: ERROR: exit code: 7; correct the Dockerfile or what it needs, and run again"
    )
    assert there.managed.list_tags(REPOSITORY) == ()


@pytest.mark.docker
def test_with_docker_itself(there: Registries, temporary: TemporaryImages) -> None:
    environ = {"PATH": "/nowhere"} | {k: v for k, v in os.environ.items() if k.startswith("DOCKER_")}
    try:
        with connected(environ):
            pass
    except UnavailableError as error:
        pytest.skip(f"no Docker daemon: {error.message}")
    bench = there.another_machine(DockerBuilder(temporary, environ))
    assert failures(bench.apply(there.wish(BUILD))) == []
    digest = bench.prior(API).outputs["digest"]
    there_now = there.managed.get_manifest(REPOSITORY, tag_of_build(there))
    assert there_now.digest == digest
    assert {one.media_type for one in there_now.layers()} == {f"{OCI_LAYER}+gzip"}
    assert changes(bench.plan(there.wish(BUILD))) == {}
