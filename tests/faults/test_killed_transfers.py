"""SIGKILL in the middle of a push or copy: the next run ends it, sends only what is missing, and the digest is right.

The registry says when to kill, at each of its requests, half of whose body has arrived then.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest

from reconciler.clients.registry import Registry
from tests.clients.faulty_registry import FaultyRegistry, Hold, running
from tests.clients.images import Image, image, layout_files, pull, push, write_folder
from tests.harness import ACCOUNT, Project

REPOSITORY = f"{ACCOUNT}/shop-api"
MADE = image(Random(1).randbytes(700_000), Random(2).randbytes(300_000))
HEAD = "version: 1\nproject: shop\n"
REQUESTS = 16  # two looks, four for each of three blobs, the manifest, and a last look


@pytest.fixture
def target() -> Iterator[FaultyRegistry]:
    with running() as registry:
        yield registry


@pytest.fixture
def project(shop: Project, target: FaultyRegistry) -> Project:
    """A project whose Cloudflare registry is the one that is watched, and a cache of its own."""
    shop.write(HEAD + "images: {api: {archive: image}}\n")
    write_folder(shop.folder / "image", layout_files(MADE))
    shop.environ |= {
        "CLOUDFLARE_CONTAINER_REGISTRY": target.host,
        "XDG_CACHE_HOME": str(shop.folder / "cache"),
    }
    return shop


def killed(project: Project, target: FaultyRegistry, hold: Hold, *args: str) -> None:
    """Runs a command, and kills it at that request."""
    target.hold = hold
    with project.process(*args) as process:
        assert hold.reached.wait(20), process.communicate()
        process.kill()
        process.communicate()
    hold.released.set()
    target.settle()
    target.hold = None


def sent(target: FaultyRegistry, since: int) -> int:
    return sum(len(one.body) for one in target.seen[since:] if one.method == "PATCH")


def assert_only_the_rest_is_sent(
    project: Project, target: FaultyRegistry, tag: str, made: Image, *args: str
) -> None:
    """What a second run sends is what the registry has not; afterwards everything is there."""
    held = sum(map(len, target.blobs.values())) + sum(map(len, target.uploads.values()))
    since = len(target.seen)
    ended = project.run(*args)
    assert ended.code == 0, ended.err
    assert sent(target, since) == sum(map(len, made.blobs.values())) - held
    assert target.manifests[tag] == (made.top.media_type, made.top.content)
    assert target.blobs == made.blobs


@pytest.mark.parametrize("number", range(1, REQUESTS + 1))
def test_a_push(project: Project, target: FaultyRegistry, number: int) -> None:
    args = ("images", "push", "image", "shop-api:1")
    killed(project, target, Hold(number, works=bool(number % 2)), *args)
    assert_only_the_rest_is_sent(project, target, "1", MADE, *args)


@pytest.mark.parametrize("number", range(2, REQUESTS - 2, 3))
def test_an_apply(project: Project, target: FaultyRegistry, number: int) -> None:
    args = ("apply", "--yes")
    killed(project, target, Hold(number, works=True), *args)
    assert_only_the_rest_is_sent(project, target, MADE.top.digest[7:19], MADE, *args)
    assert project.actions() == {}


@pytest.mark.registry
@pytest.mark.parametrize("number", range(3, REQUESTS, 3))
def test_a_copy(project: Project, target: FaultyRegistry, docker_registry: str, number: int) -> None:
    with Registry(docker_registry) as source:
        push(source, "killed/api", "1", MADE)
    args = ("images", "copy", f"{docker_registry}/killed/api:1", "shop-api:1")
    killed(project, target, Hold(number, works=False), *args)
    assert_only_the_rest_is_sent(project, target, "1", MADE, *args)


@pytest.fixture
def in_docker(tmp_path: Path) -> Iterator[str]:
    """The name of an image in Docker, of one layer with something in it."""
    program = shutil.which("docker")
    if program is None or subprocess.run([program, "info"], capture_output=True, check=False).returncode:
        pytest.skip("no Docker daemon (apt-get install docker.io; dockerd &)")
    name = f"reconciler.local/killed:{uuid4().hex}"
    folder = tmp_path / "content"
    folder.mkdir()
    (folder / "file").write_bytes(Random(3).randbytes(500_000))
    packed = subprocess.run(["tar", "-C", folder, "-c", "."], capture_output=True, check=True).stdout
    subprocess.run([program, "import", "-", name], input=packed, capture_output=True, check=True)
    yield name
    subprocess.run([program, "rmi", name], capture_output=True, check=True)


@pytest.mark.docker
@pytest.mark.parametrize("number", [3, 5, 8, 10, 12])
def test_a_push_out_of_docker(
    project: Project, target: FaultyRegistry, in_docker: str, number: int, tmp_path: Path
) -> None:
    project.environ["TMPDIR"] = str(tmp_path)
    args = ("images", "push", f"docker-daemon:{in_docker}", "shop-api:1")
    killed(project, target, Hold(number, works=True), *args)
    held = sum(map(len, target.blobs.values())) + sum(map(len, target.uploads.values()))
    since = len(target.seen)
    ended = project.run(*args, "--json")
    assert ended.code == 0, ended.err
    assert sent(target, since) + held == sum(map(len, target.blobs.values()))
    with Registry(target.host) as registry:
        assert registry.get_manifest(REPOSITORY, "1").digest == ended.document["digest"]
        assert len(pull(registry, REPOSITORY, "1")) == 3


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("part", ["layer", "configuration", "manifest"])
def test_a_layout_with_a_flipped_bit_is_refused(project: Project, target: FaultyRegistry, part: str) -> None:
    digest = digest_of_part(part)
    path = project.folder / "image" / "blobs" / "sha256" / digest.removeprefix("sha256:")
    path.write_bytes(flipped(path.read_bytes()))
    for args in (("images", "push", "image", "shop-api:1"), ("apply", "--yes")):
        ended = project.run(*args)
        assert ended.code in (1, 4), ended.err
        assert "damaged" in ended.err
        assert digest in ended.err
    assert digest not in target.blobs
    assert target.manifests == {}


@pytest.mark.parametrize("part", ["layer", "configuration", "manifest"])
def test_a_registry_that_gives_a_flipped_bit_is_refused(
    project: Project, target: FaultyRegistry, part: str
) -> None:
    digest = digest_of_part(part)
    with running() as source, Registry(source.host) as registry:
        push(registry, "team/api", "1", MADE)
        if part == "manifest":
            source.manifests["1"] = MADE.top.media_type, flipped(MADE.top.content)
            source.manifests[digest] = source.manifests["1"]
        else:
            source.blobs[digest] = flipped(source.blobs[digest])
        ended = project.run("images", "copy", f"{source.host}/team/api@{MADE.top.digest}", "shop-api:1")
    assert ended.code == 1
    assert digest in ended.err
    assert digest not in target.blobs
    assert target.manifests == {}


def digest_of_part(part: str) -> str:
    layers, config = MADE.top.layers(), MADE.top.config()
    return {"layer": layers[0].digest, "configuration": config.digest, "manifest": MADE.top.digest}[part]
