"""Against a real Docker daemon: what is built is what was hashed, whichever way it is built."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from reconciler.clients.builder import DockerBuilder, DockerImages
from reconciler.clients.context_files import Sort, read_files
from reconciler.clients.docker_build import BuildFailedError
from reconciler.clients.docker_daemon import connected
from reconciler.clients.docker_program import DockerProgram
from reconciler.clients.dockerignore import IgnoreRules
from reconciler.clients.image_copy import copy_image
from reconciler.clients.image_source import ImageSource, resolve
from reconciler.clients.registry import Registry
from reconciler.clients.stat_cache import StatCache
from reconciler.clients.temporary_image import TemporaryImages
from reconciler.errors import InterruptedRunError, NotFoundError, UnavailableError
from tests.clients.conftest import ACCOUNT

pytestmark = pytest.mark.docker

_WITHOUT_CLIENT = {"PATH": "/nowhere"}


@pytest.fixture(scope="session")
def daemon() -> dict[str, str]:
    """The surroundings in which a daemon answers."""
    environ = {name: os.environ[name] for name in ("DOCKER_HOST", "DOCKER_CERT_PATH") if name in os.environ}
    try:
        with connected({**environ, **_WITHOUT_CLIENT}):
            return environ
    except UnavailableError as error:
        pytest.skip(f"no Docker daemon: {error.message}")


@pytest.fixture(scope="session")
def client(daemon: dict[str, str]) -> dict[str, str]:
    """The surroundings in which `docker build` reaches BuildKit, by itself or with buildx."""
    path = f"{os.environ['PATH']}:/usr/bin"
    for folder in path.split(":"):
        environ = {**daemon, "PATH": path, "WRANGLER_DOCKER_BIN": f"{folder}/docker"}
        program = DockerProgram(f"{folder}/docker", environ)
        if Path(program.path).exists() and (program.has_buildkit() or program.buildx()):
            return environ
    pytest.skip("no docker client that reaches BuildKit (apt-get install docker.io)")


@pytest.fixture(params=["client", "daemon"])
def environ(request: pytest.FixtureRequest) -> dict[str, str]:
    """Both ways of building: by a client with BuildKit, and by the daemon's own builder."""
    found: dict[str, str] = request.getfixturevalue(request.param)
    return found if request.param == "client" else {**found, **_WITHOUT_CLIENT}


@pytest.fixture
def temporary() -> Iterator[TemporaryImages]:
    with TemporaryImages() as images:
        yield images


@pytest.fixture
def builder(environ: dict[str, str], temporary: TemporaryImages) -> DockerBuilder:
    return DockerBuilder(temporary, environ)


@pytest.fixture
def web(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    (folder / "src" / "empty").mkdir(parents=True)
    (folder / "Dockerfile").write_text(
        "FROM scratch AS files\nCOPY . /app/\nFROM files\nARG MODE=none\nENV MODE=$MODE\n"
    )
    (folder / "src" / "run").write_text("#!/bin/sh\n")
    (folder / "src" / "run").chmod(0o700)
    (folder / "away").symlink_to("/etc/passwd")
    return folder


@pytest.fixture
def busybox(web: Path) -> Path:
    """A context whose instructions can run something."""
    program = shutil.which("busybox")
    if program is None:
        pytest.skip("no busybox (apt-get install busybox-static)")
    shutil.copy(program, web / "busybox")
    return web


def quiet(*_: Any) -> None:
    """Hears of progress, and says nothing."""


def build(builder: DockerBuilder, web: Path, **block: Any) -> ImageSource:
    return builder.build({"context": "web", **block}, web.parent, quiet, lambda: False)


def config(source: ImageSource) -> Mapping[str, Any]:
    found: Mapping[str, Any] = resolve(source).config
    return found


def files(source: ImageSource) -> dict[str, tarfile.TarInfo]:
    """What is in the layers of an image, the later ones over the earlier."""
    found: dict[str, tarfile.TarInfo] = {}
    for layer in resolve(source).layers:
        content = b"".join(source.open_blob(layer.digest, layer.size))
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            found |= {one.name.strip("/"): one for one in tar}
    return found


def test_the_image_holds_what_was_hashed(builder: DockerBuilder, web: Path) -> None:
    found = files(build(builder, web))
    assert found.keys() == {"app", "app/Dockerfile", "app/src", "app/src/run", "app/src/empty", "app/away"}
    assert (found["app/away"].issym(), found["app/away"].linkname) == (True, "/etc/passwd")
    assert found["app/src/empty"].isdir()
    assert [oct(found[f"app/{name}"].mode & 0o777) for name in ("Dockerfile", "src/run")] == [
        "0o644",
        "0o755",
    ]
    assert {(one.uid, one.gid) for one in found.values()} == {(0, 0)}
    assert {one.mtime for name, one in found.items() if name != "app"} == {946_684_800}


def test_target_arguments_and_platform(builder: DockerBuilder, web: Path) -> None:
    plain = config(build(builder, web, target="files"))
    told = config(build(builder, web, args={"MODE": "fast and = loose"}))
    assert "MODE=none" not in str(plain["config"].get("Env"))
    assert "MODE=fast and = loose" in told["config"]["Env"]
    assert (told["os"], told["architecture"]) == ("linux", "amd64")


def test_a_dockerfile_from_elsewhere_and_one_that_is_left_out(builder: DockerBuilder, web: Path) -> None:
    (web.parent / "api.Dockerfile").write_text("FROM scratch\nCOPY src /src/\n")
    assert "src/run" in files(build(builder, web, dockerfile="../api.Dockerfile"))
    (web / ".dockerignore").write_text("*\n!src/run\n")
    assert {name for name in files(build(builder, web)) if "dockerfile" not in name} == {
        "app",
        "app/src",
        "app/src/run",
    }


def test_the_version_file_is_in_the_image(builder: DockerBuilder, web: Path) -> None:
    source = build(builder, web, version_file="web/src/version.json")
    assert "app/src/version.json" in files(source)
    assert not (web / "src" / "version.json").exists()


def test_it_can_be_pushed_and_is_gone_from_docker(
    builder: DockerBuilder,
    web: Path,
    managed: Registry,
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called = uuid4()
    monkeypatch.setattr("reconciler.clients.docker_build.uuid4", lambda: called)
    source = build(builder, web)
    digest = copy_image(source, managed, f"{ACCOUNT}/built", ["1"]).digest
    assert managed.get_manifest(f"{ACCOUNT}/built", "1").digest == digest == resolve(source).digest
    with connected(environ) as docker, pytest.raises(NotFoundError):
        docker.image_id(f"reconciler.local/build:{called.hex}")


def test_the_output_of_a_failed_build_is_kept(builder: DockerBuilder, busybox: Path) -> None:
    script = "echo the reason; exit 7"
    (busybox / "Dockerfile").write_text(f'FROM scratch\nCOPY . /\nRUN ["/busybox", "sh", "-c", "{script}"]\n')
    with pytest.raises(BuildFailedError, match=r"the build of .*/web/Dockerfile failed: .*7") as caught:
        build(builder, busybox)
    assert any(line.endswith(" the reason") or line == "the reason" for line in caught.value.lines)


def test_a_dockerfile_that_is_none_is_told(builder: DockerBuilder, web: Path) -> None:
    (web / "Dockerfile").write_text("FORM scratch\n")
    with pytest.raises(BuildFailedError, match=r"(?i)unknown instruction: FORM"):
        build(builder, web)


def test_a_build_ends_when_it_is_to_stop(builder: DockerBuilder, busybox: Path) -> None:
    """Without the stop it would take ten minutes, and the test would be ended before."""
    script = "echo be''gun; /busybox sleep 600"
    (busybox / "Dockerfile").write_text(f'FROM scratch\nCOPY . /\nRUN ["/busybox", "sh", "-c", "{script}"]\n')
    begun = threading.Event()

    def hear(done: int, of: int, note: str) -> None:
        if "begun" in note:
            begun.set()

    with pytest.raises(InterruptedRunError):
        builder.build({"context": "web"}, busybox.parent, hear, begun.is_set)


def test_a_context_that_changed_is_not_built(builder: DockerBuilder, web: Path) -> None:
    (web / "data").write_text("one")
    builder.inputs({"context": "web"}, web.parent)
    (web / "data").write_text("two")
    with pytest.raises(Exception, match="web/data has changed since the inputs of the build were hashed"):
        build(builder, web)


def test_an_image_is_read_out_of_the_daemon(
    daemon: dict[str, str], temporary: TemporaryImages, tmp_path: Path
) -> None:
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("hello"))
    name = "reconciler.local/tests:open"
    images = DockerImages(temporary, {**daemon, **_WITHOUT_CLIENT})
    with connected(images.environ) as docker:
        docker._api.import_image_from_data(layer.getvalue(), repository="reconciler.local/tests", tag="open")
        try:
            source = images.open(name)
            assert list(files(source)) == ["hello"]
            assert source.name == f"docker-daemon:{name}"
            assert images.open(name) is source
        finally:
            docker.untag(name)
        with pytest.raises(
            NotFoundError, match=f"Docker has no such thing as the image {name}; check the name"
        ):
            images.open(name)


IGNORED = [
    "",
    "*.md",
    "**/*.md\n!README.md",
    "*\n!src",
    "*\n!src/deep/app.py",
    "src\n!src/app.py",
    "**/node_modules",
    "node_modules\n!node_modules/keep.txt",
    "**/deep/**",
    "src/*\n!src/deep",
    "?rc\n**/[k-n]*",
    "/docs/\n#src\n\\#odd",
    "docs\nsrc\n!src/deep/er/x.md\n",
    "a.b",
    "empty\ndocs/**/*.md",
]
TREE = [
    "README.md", "docs/a.md", "docs/deep/b.md", "src/app.py", "src/deep/app.py", "src/deep/er/x.md", "axb", "a.b",
    "node_modules/keep.txt", "node_modules/x/y.js", "src/node_modules/z.js", "foo+bar", "foobar", "#odd", ".env",
]  # fmt: skip


@pytest.mark.parametrize("ignored", IGNORED)
def test_docker_leaves_out_the_same(client: dict[str, str], tmp_path: Path, ignored: str) -> None:
    context, out = tmp_path / "context", tmp_path / "out"
    for path in TREE:
        (context / path).parent.mkdir(parents=True, exist_ok=True)
        (context / path).write_text(path)
    (context / "empty").mkdir()
    (context / ".dockerignore").write_text(ignored)
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    subprocess.run(
        [client["WRANGLER_DOCKER_BIN"], "build", "-q", "-f", tmp_path / "Dockerfile", "-o", out, context],
        env={**client, "DOCKER_BUILDKIT": "1", "HOME": os.environ["HOME"]},
        check=True,
        capture_output=True,
    )
    seen = {path.relative_to(out).as_posix() for path in out.rglob("*")}
    entries = read_files(context, IgnoreRules.parse(ignored), StatCache(None))
    assert {entry.path for entry in entries} == seen
    assert {entry.path for entry in entries if entry.sort is Sort.FOLDER} == {
        path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_dir()
    }
