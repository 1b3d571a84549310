from __future__ import annotations

import json
import tarfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.clients.builder import DockerBuilder, DockerImages
from reconciler.clients.docker_build import BuildFailedError
from reconciler.clients.image_manifest import OCI_LAYER
from reconciler.clients.image_source import resolve
from reconciler.clients.temporary_image import TemporaryImages
from reconciler.errors import InterruptedRunError, ReconcilerError, UnavailableError
from tests.clients.fake_docker import FakeDocker, install
from tests.clients.images import image, layout_files, write_tar

BUILT = image(b"layer", layer_type=f"{OCI_LAYER}+gzip")
BLOCK = {"context": "web"}
BUILDX = {"buildx_version": "github.com/docker/buildx v0.17.1", "buildx_inspect": "Driver: remote"}


@pytest.fixture
def docker(tmp_path: Path) -> FakeDocker:
    """A buildx with a remote builder, which needs no daemon."""
    docker = install(tmp_path / "docker").answer(**BUILDX, buildx_build="#5 [2/3] COPY . /app\n#5 DONE 0.1s")
    write_tar(docker.folder / "image.tar", layout_files(BUILT))
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "Dockerfile").write_text("FROM scratch\nCOPY . /app\n")
    return docker


@pytest.fixture
def temporary() -> Iterator[TemporaryImages]:
    with TemporaryImages() as images:
        yield images


@pytest.fixture
def builder(docker: FakeDocker, temporary: TemporaryImages) -> DockerBuilder:
    return DockerBuilder(temporary, docker.environ, now=lambda: datetime(2026, 11, 21, tzinfo=UTC))


class Told:
    """What progress was told of."""

    def __init__(self) -> None:
        self.notes: list[tuple[int, int, str]] = []

    def __call__(self, done: int, of: int, note: str) -> None:
        self.notes.append((done, of, note))


def build(builder: DockerBuilder, base_dir: Path, told: Told | None = None, **block: Any) -> Any:
    return builder.build({**BLOCK, **block}, base_dir, told or Told(), lambda: False)


def sent(docker: FakeDocker) -> dict[str, bytes]:
    with tarfile.open(docker.folder / "context.tar") as tar:
        return {one.name: file.read() if (file := tar.extractfile(one)) else b"" for one in tar}


def test_looking_needs_no_docker(tmp_path: Path, temporary: TemporaryImages, docker: FakeDocker) -> None:
    nowhere = {"PATH": str(tmp_path), "WRANGLER_DOCKER_BIN": "/nope"}
    inputs = DockerBuilder(temporary, nowhere).inputs(BLOCK, tmp_path)
    assert (inputs.hash[:7], list(inputs.files)) == ("sha256:", ["Dockerfile"])


def test_what_was_built_can_be_pushed(tmp_path: Path, builder: DockerBuilder) -> None:
    built = build(builder, tmp_path)
    assert resolve(built).digest == BUILT.top.digest
    assert b"".join(built.open_blob(BUILT.top.blobs()[1].digest, 5)) == b"layer"
    assert (built.name, built.home) == (f"the build of {tmp_path}/web/Dockerfile", ("", ""))


def test_the_builder_is_told_everything(tmp_path: Path, builder: DockerBuilder, docker: FakeDocker) -> None:
    builder.builder = "far"
    build(
        builder,
        tmp_path,
        target="run",
        args={"B": 2, "A": "x y"},
        cache_from=["type=gha"],
        cache_to=["type=gha,mode=max"],
    )
    (words,) = docker.asked("buildx", "build")
    assert words[:4] == ["buildx", "build", "--builder", "far"]
    assert words[-1] == "-"
    told = " ".join(words)
    for part in (
        "--provenance=false --cache-from type=gha --cache-to type=gha,mode=max",
        "--file Dockerfile --platform linux/amd64 --progress plain --target run",
        "--build-arg A=x y --build-arg B=2 --output type=oci,dest=",
    ):
        assert part in told


def test_an_older_buildx_knows_no_provenance(
    tmp_path: Path, builder: DockerBuilder, docker: FakeDocker
) -> None:
    docker.answer(**BUILDX | {"buildx_version": "github.com/docker/buildx v0.9.1"}, buildx_build="")
    build(builder, tmp_path)
    assert "--provenance=false" not in docker.asked("buildx", "build")[0]


def test_the_context_is_sent_with_the_version(
    tmp_path: Path, builder: DockerBuilder, docker: FakeDocker
) -> None:
    build(builder, tmp_path, version_file="web/version.json")
    files = sent(docker)
    assert files["Dockerfile"] == b"FROM scratch\nCOPY . /app\n"
    assert json.loads(files["version.json"])["built_at"] == "2026-11-21T00:00:00Z"


def test_what_is_built_is_what_was_hashed(tmp_path: Path, builder: DockerBuilder, docker: FakeDocker) -> None:
    builder.inputs(BLOCK, tmp_path)
    (tmp_path / "web" / "later").write_text("x")
    build(builder, tmp_path)
    assert list(sent(docker)) == ["Dockerfile"]
    assert "later" in builder.inputs(BLOCK, tmp_path).files


def test_a_file_that_changed_since_is_refused(tmp_path: Path, builder: DockerBuilder) -> None:
    builder.inputs(BLOCK, tmp_path)
    (tmp_path / "web" / "Dockerfile").write_text("FROM scratch\nCOPY . /api\n")
    with pytest.raises(
        ReconcilerError, match=r"web/Dockerfile has changed since .*; nothing was built; plan again"
    ):
        build(builder, tmp_path)


def test_progress_hears_of_bytes_and_steps(tmp_path: Path, builder: DockerBuilder) -> None:
    told = Told()
    build(builder, tmp_path, told)
    assert told.notes == [
        (25, 25, "sending the build context"),
        (2, 3, "2/3 COPY . /app"),
        (0, 0, "DONE 0.1s"),
    ]


def test_a_failed_build_says_what_the_builder_said(
    tmp_path: Path, builder: DockerBuilder, docker: FakeDocker
) -> None:
    lines = "\n".join(f"#4 0.{number:03} line {number}" for number in range(50))
    says = f"{lines}\n\x1b[31mERROR\x1b[0m: exit code: 1"
    docker.answer(**BUILDX, buildx_build={"says": says, "code": 1})
    with pytest.raises(
        BuildFailedError, match=r"the build of .*/web/Dockerfile failed: ERROR: exit code: 1; correct"
    ) as caught:
        build(builder, tmp_path)
    output = caught.value.details["output"]
    assert (len(output), output[0], output[-1]) == (30, "#4 0.021 line 21", "ERROR: exit code: 1")


def test_a_builder_that_says_nothing_is_no_riddle(
    tmp_path: Path, builder: DockerBuilder, docker: FakeDocker
) -> None:
    docker.answer(**BUILDX, buildx_build={"says": "", "code": 1})
    with pytest.raises(BuildFailedError, match="failed: the builder did not say why"):
        build(builder, tmp_path)


def test_nothing_is_left_of_a_build_that_failed(
    tmp_path: Path, builder: DockerBuilder, docker: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    docker.answer(**BUILDX, buildx_build={"says": "no", "code": 1})
    with pytest.raises(BuildFailedError):
        build(builder, tmp_path)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_the_image_goes_with_whoever_held_it(
    tmp_path: Path, builder: DockerBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    built = build(builder, tmp_path)
    pieces = built.open_blob(BUILT.top.blobs()[1].digest, 5)
    assert len(list((tmp_path / "tmp").iterdir())) == 1
    del built
    assert b"".join(pieces) == b"layer"
    del pieces
    assert list((tmp_path / "tmp").iterdir()) == []


def test_every_image_goes_at_the_end(
    tmp_path: Path, builder: DockerBuilder, temporary: TemporaryImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    built = build(builder, tmp_path)
    temporary.close()
    assert list((tmp_path / "tmp").iterdir()) == []
    del built


def test_the_same_inputs_are_built_once(tmp_path: Path, builder: DockerBuilder, docker: FakeDocker) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "Dockerfile").write_text("FROM scratch\nCOPY . /app\n")
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(build, builder, tmp_path, context=name) for name in ("web", "copy")]
        images = [future.result() for future in futures]
    assert images[0] is images[1]
    assert len(docker.asked("buildx", "build")) == 1


def test_a_stop_is_heard(tmp_path: Path, builder: DockerBuilder, docker: FakeDocker) -> None:
    stop = threading.Event()
    with pytest.raises(InterruptedRunError):
        builder.build(BLOCK, tmp_path, lambda *_: stop.set(), stop.is_set)


def test_a_builder_by_name_needs_buildx(tmp_path: Path, builder: DockerBuilder, docker: FakeDocker) -> None:
    builder.builder = "far"
    docker.answer()
    with pytest.raises(
        ReconcilerError, match="the builder far needs docker buildx; install the buildx plugin"
    ):
        build(builder, tmp_path)


def test_without_docker_a_build_says_so(tmp_path: Path, builder: DockerBuilder, docker: FakeDocker) -> None:
    docker.answer()
    message = (
        r"Docker cannot be reached at unix://.*/no\.sock \(No such file or directory\); start it, or name"
    )
    with pytest.raises(UnavailableError, match=message):
        build(builder, tmp_path)
    with pytest.raises(UnavailableError, match=message):
        DockerImages(builder.temporary, docker.environ).open("app:1")


def test_what_this_tool_writes_never_enters_a_context(tmp_path: Path, builder: DockerBuilder) -> None:
    builder.own_folders = [tmp_path / "state"]
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    before = builder.inputs({}, tmp_path).hash
    for folder in ("state", ".reconciler/local"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "default.json").write_text("{}")
    assert builder.inputs({}, tmp_path).hash == before
