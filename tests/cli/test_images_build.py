"""`images build`: built once, found again, into the registry or into Docker."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.clients.docker_daemon import connected
from reconciler.clients.image_manifest import OCI_LAYER
from reconciler.errors import UnavailableError
from tests.cli.images_shop import tags
from tests.clients.fake_docker import FakeDocker, install
from tests.clients.images import image, layout_files, write_tar
from tests.harness import ACCOUNT, Project, project

PROJECT = f"shop{os.getpid()}"  # Docker is shared with whoever else runs these tests
MANIFEST = (
    f"version: 1\nproject: {PROJECT}\n"
    """\
variables: {mode: {type: string, default: fast}}
images:
  api: {build: {context: web, args: {MODE: "${var.mode}"}}}
  tool: {archive: image}
secrets:
  db: {from: {env: DB}}
"""
)
DOCKERFILE = "FROM scratch\nARG MODE\nCOPY . /app/\n"
BUILT = image(b"layer" * 100, layer_type=f"{OCI_LAYER}+gzip")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path) as made:
        made.write(MANIFEST)
        made.write(DOCKERFILE, "web/Dockerfile")
        yield made


@pytest.fixture
def docker(shop: Project, tmp_path_factory: pytest.TempPathFactory) -> FakeDocker:
    docker = install(tmp_path_factory.mktemp("docker")).answer(
        buildx_version="buildx v0.17.1",
        buildx_inspect="Driver: remote",
        buildx_build="#1 [1/2] FROM scratch\n#2 [2/2] COPY . /app/\n#2 DONE 0.1s",
    )
    write_tar(docker.folder / "image.tar", layout_files(BUILT))
    shop.environ.update(docker.environ)
    return docker


def builds(docker: FakeDocker) -> int:
    return len(docker.asked("buildx", "build"))


def test_an_image_is_built_pushed_and_found_again(shop: Project, docker: FakeDocker) -> None:
    ended = shop.run("images", "build")
    assert ended.code == 0, ended.err
    [tag] = tags(shop, f"{PROJECT}-api")
    reference = f"registry.cloudflare.com/{ACCOUNT}/{PROJECT}-api:{tag}@{BUILT.top.digest}"
    assert ended.out == f"{reference}\n"
    assert "image.api  2/2 COPY . /app/\n" in ended.err
    assert ended.err.endswith("image.api  built\n")
    again = shop.run("images", "build", "api")
    assert (again.code, again.out, builds(docker)) == (0, f"{reference}\n", 1)
    assert again.err.endswith("image.api  found\n")


def test_what_is_built_needs_no_builder_when_it_is_applied(shop: Project, docker: FakeDocker) -> None:
    shop.run("images", "build")
    shop.write(
        MANIFEST.replace("  tool: {archive: image}\n", "").replace("secrets:\n  db: {from: {env: DB}}\n", "")
    )
    assert not (shop.folder / "state").exists()
    shop.apply()
    assert builds(docker) == 1


def test_json_tells_what_was_done_and_nothing_else(shop: Project, docker: FakeDocker) -> None:
    ended = shop.run("images", "build", "--json")
    [told] = ended.document["images"]
    assert (told["address"], told["built"], told["digest"]) == ("image.api", True, BUILT.top.digest)
    assert told["reference"].endswith(f"{PROJECT}-api:{told['tag']}@{told['digest']}")
    assert "COPY" not in ended.err
    assert shop.run("images", "build", "--json").document["images"] == [{**told, "built": False}]


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_failed_build_shows_what_was_said_last(
    shop: Project, docker: FakeDocker, form: tuple[str, ...]
) -> None:
    said = "\n".join(f"line {number}" for number in range(20)) + "\nERROR: exit code: 7"
    docker.answer(
        buildx_version="buildx v0.17.1",
        buildx_inspect="Driver: remote",
        buildx_build={"says": said, "code": 1},
    )
    ended = shop.run("images", "build", *form)
    assert ended.code == 1
    assert "image.api  line 19\n" in ended.err
    assert ("image.api  line 3\n" in ended.err) == (not form)
    assert "image.api: the build of" in ended.err
    assert tags(shop, f"{PROJECT}-api") == {}


def test_a_builder_and_variables_can_be_named(shop: Project, docker: FakeDocker) -> None:
    shop.run("images", "build", "--builder", "far", "--var", "mode=slow")
    [words] = docker.asked("buildx", "build")
    assert words[words.index("--builder") + 1] == "far"
    assert words[words.index("--build-arg") + 1] == "MODE=slow"


@pytest.mark.parametrize(
    ("manifest", "args", "said"),
    [
        (MANIFEST, ("web",), "there is no image image.web; there are image.api, image.tool"),
        (MANIFEST, ("tool",), "image.tool is not built here; `images push` and `copy` send others"),
        (MANIFEST, ("secret.db",), "there is no image secret.db"),
        (MANIFEST.replace("build: {", 'digest: "sha256:' + "1" * 64 + '", build: {'), ("api",), "leave `digest` out"),
        ("version: 1\nproject: shop\nimages:\n  tool: {archive: image}\n", (), "builds no image"),
        (MANIFEST + "environments: {staging: {}}\n", (), "none was named; say -e staging"),
        (MANIFEST.replace("context: web", "context: nowhere"), (), "nowhere"),
        (MANIFEST.replace("${var.mode}", "${env.MODE}"), (), "MODE"),
        (MANIFEST.replace("${var.mode}", "${env.MODE}"), ("--dev",), "its build needs ${env.MODE}; set what it names"),
        (MANIFEST + "dev: {remote: maybe}\n", (), "dev.remote must be true or false"),
        (MANIFEST + "dev: {far: true}\n", (), "far"),
    ],
)  # fmt: skip
def test_what_cannot_be_built_is_said(shop: Project, manifest: str, args: tuple[str, ...], said: str) -> None:
    shop.write(manifest)
    ended = shop.run("images", "build", *args)
    assert (ended.code, ended.out) == (1, "")
    assert said in ended.err


def test_every_image_of_a_for_each_is_built(shop: Project, docker: FakeDocker) -> None:
    shop.write(
        "version: 1\nproject: shop\nimages:\n"
        '  svc: {for_each: [a, b], build: {context: web, args: {MODE: "${each.key}"}}}\n'
    )
    ended = shop.run("images", "build", "svc", "--json")
    assert [one["address"] for one in ended.document["images"]] == ['image.svc["a"]', 'image.svc["b"]']
    [one] = shop.run("images", "build", 'image.svc["b"]', "--json").document["images"]
    assert (one["address"], one["built"]) == ('image.svc["b"]', False)


# with Docker itself


@pytest.fixture
def daemon(shop: Project) -> Iterator[Project]:
    """A project on a machine without credentials, where Docker answers."""
    for name in ("DOCKER_HOST", "DOCKER_CERT_PATH"):
        if name in os.environ:
            shop.environ[name] = os.environ[name]
    try:
        with connected(os.environ):
            pass
    except UnavailableError as error:
        pytest.skip(f"no Docker daemon: {error.message}")
    yield shop
    for name in _in_docker():
        subprocess.run(["docker", "rmi", "-f", name], capture_output=True, check=False)


def _in_docker() -> list[str]:
    words = ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}", f"cloudflare-dev/{PROJECT}-api"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()


def without_credentials(project: Project) -> None:
    project.environ |= {
        "CLOUDFLARE_API_TOKEN": "",
        "CLOUDFLARE_ACCOUNT_ID": "",
        "CLOUDFLARE_API_BASE_URL": "",
    }


@pytest.mark.docker
def test_for_developing_it_is_built_into_docker_and_no_further(daemon: Project) -> None:
    if busybox := shutil.which("busybox"):
        shutil.copy(busybox, daemon.folder / "web" / "busybox")
        daemon.write(DOCKERFILE + 'RUN ["/app/busybox", "echo", "hello"]\n', "web/Dockerfile")
    without_credentials(daemon)
    ended = daemon.run("images", "build", "--dev")
    assert ended.code == 0, ended.err
    name = ended.out.strip()
    assert name.startswith(f"cloudflare-dev/{PROJECT}-api:")
    assert _in_docker() == [name]
    assert ended.err.endswith("image.api  built\n")
    again = daemon.run("images", "build", "--dev", "--json")
    [told] = again.document["images"]
    assert (told["reference"], told["built"], told["digest"]) == (name, False, None)
    assert daemon.world("manifest") == []
    assert daemon.requests() == []


@pytest.mark.docker
def test_what_is_in_docker_is_what_was_hashed(daemon: Project) -> None:
    without_credentials(daemon)
    daemon.write("one", "web/app.txt")
    first = daemon.run("images", "build", "--dev").out.strip()
    daemon.write("two", "web/app.txt")
    second = daemon.run("images", "build", "--dev").out.strip()
    assert sorted(_in_docker()) == sorted([first, second])
    assert {name: _file(name) for name in (first, second)} == {first: b"one", second: b"two"}


def _file(name: str) -> bytes:
    """A file of an image in Docker."""
    made = subprocess.run(["docker", "create", name, "x"], capture_output=True, text=True, check=True)
    try:
        words = ["docker", "cp", f"{made.stdout.strip()}:/app/app.txt", "-"]
        content = subprocess.run(words, capture_output=True, check=True).stdout
    finally:
        subprocess.run(["docker", "rm", made.stdout.strip()], capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        found = tar.extractfile("app.txt")
        assert found is not None
        return found.read()


@pytest.mark.docker
def test_where_the_manifest_says_so_it_is_pushed_as_well(daemon: Project) -> None:
    daemon.write(MANIFEST + "dev: {remote: true}\n")
    ended = daemon.run("images", "build", "--dev", "--json")
    assert ended.code == 0, ended.err
    local, pushed = ended.document["images"]
    assert _in_docker() == [local["reference"]]
    assert local["tag"] == pushed["tag"]
    assert tags(daemon, f"{PROJECT}-api") == {pushed["tag"]: pushed["digest"]}


@pytest.mark.docker
def test_a_failing_build_names_no_image(daemon: Project) -> None:
    without_credentials(daemon)
    daemon.write("FROM scratch\nCOPY nothing /\n", "web/Dockerfile")
    ended = daemon.run("images", "build", "--dev")
    assert (ended.code, ended.out, _in_docker()) == (1, "", [])
    assert "image.api: the build of" in ended.err


def test_without_docker_it_says_so(shop: Project) -> None:
    without_credentials(shop)
    shop.environ |= {"PATH": "/nowhere", "DOCKER_HOST": "unix:///nowhere/docker.sock"}
    ended = shop.run("images", "build", "--dev")
    assert (ended.code, "Docker cannot be reached at" in ended.err) == (1, True)


def test_without_credentials_nothing_is_pushed(shop: Project) -> None:
    without_credentials(shop)
    ended: Any = shop.run("images", "build")
    assert ended.code == 1
    assert "CLOUDFLARE_API_TOKEN" in ended.err
