"""A large image from one registry into another: the tool against `skopeo copy` and `docker pull; tag; push`.

Needs docker-registry and skopeo; Docker is left out where no daemon answers.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from bench.child import Run, run
from bench.large_image import NAME, TAG, put_large_image
from bench.local_registry import PROGRAM, LocalRegistry
from bench.project import BenchError, Project
from bench.stand_in import ROOT, stand_in
from bench.tables import Row, Table, interleaved

_SKOPEO = (
    "skopeo",
    "--insecure-policy",
    "copy",
    "--quiet",
    "--src-tls-verify=false",
    "--dest-tls-verify=false",
)
_NOTE = (
    "1 GiB in ten layers between two docker-registry processes on this machine. Before each copy the target is emptied,"
    " and what is still to be written is written to disk."
)


@dataclass(frozen=True, slots=True)
class Course:
    """Where the image is, where it goes, and who takes it there."""

    source: LocalRegistry
    target: LocalRegistry
    digest: str
    project: Project
    ours: list[Run] = field(default_factory=list)
    skopeo: list[Run] = field(default_factory=list)
    docker: list[Run] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The image where it comes from."""
        return f"{self.source.host}/{NAME}:{TAG}"

    def copy_with_ours(self) -> None:
        """`reconciler images copy`."""
        self.target.empty()
        ended = self.project.run("images", "copy", self.name, f"{NAME}:{TAG}", "--json")
        if f'"{self.digest}"' not in ended.out:
            raise BenchError(f"another digest than {self.digest} came of the copy:\n{ended.out}")
        self.ours.append(ended)

    def copy_with_skopeo(self) -> None:
        """`skopeo copy`."""
        self.target.empty()
        self.skopeo.append(_run(*_SKOPEO, f"docker://{self.name}", f"docker://{self._there}"))

    def copy_with_docker(self) -> None:
        """`docker pull`, `docker tag`, `docker push`; Docker forgets the image first."""
        self.target.empty()
        _forget(self.name, self._there)
        script = f"docker pull -q {self.name} && docker tag {self.name} {self._there} && docker push -q {self._there}"
        self.docker.append(_run("sh", "-c", script))
        _forget(self.name, self._there)

    @property
    def _there(self) -> str:
        return f"{self.target.host}/{NAME}:{TAG}"


def measure(rounds: int) -> Table | None:
    """The table of copies; None where the programs that it takes are not installed."""
    if not all(map(shutil.which, (PROGRAM, "skopeo"))):
        return None
    folder = ROOT / ".bench"
    with ExitStack() as stack:
        world = stack.enter_context(stand_in())
        source = stack.enter_context(LocalRegistry(folder / "source"))
        target = stack.enter_context(LocalRegistry(folder / "target"))
        digest = put_large_image(source, folder)
        settings = {**world.environment(), "CLOUDFLARE_CONTAINER_REGISTRY": target.host}
        course = Course(source, target, digest, Project(folder / "copying", settings))
        course.project.write("version: 1\nproject: bench\n")
        interleaved(_cases(course), rounds)
    shutil.rmtree(target.folder)
    return _table(course)


def _cases(course: Course) -> Sequence[Callable[[], None]]:
    cases = [course.copy_with_ours, course.copy_with_skopeo]
    return [*cases, course.copy_with_docker] if _has_docker() else cases


def _has_docker() -> bool:
    return (
        bool(shutil.which("docker"))
        and not subprocess.run(["docker", "info"], capture_output=True).returncode
    )


def _run(*command: str) -> Run:
    ended = run(command, cwd=ROOT, env=os.environ)
    if ended.code:
        raise BenchError(f"{command[0]} ended with {ended.code}:\n{ended.err[-2000:]}")
    return ended


def _forget(*names: str) -> None:
    subprocess.run(["docker", "rmi", *names], capture_output=True, check=False)


def _table(course: Course) -> Table:
    ours, skopeo, docker = (
        [run.wall for run in runs] for runs in (course.ours, course.skopeo, course.docker)
    )
    rows = [
        Row("reconciler images copy: time", ours, "s"),
        Row("reconciler images copy: CPU", [run.cpu for run in course.ours], "s"),
        Row("reconciler images copy: memory", [run.rss_mib for run in course.ours], "MiB", 100),
        Row("skopeo copy: time", skopeo, "s"),
        Row("skopeo copy: CPU", [run.cpu for run in course.skopeo], "s"),
        Row("ours against skopeo: time", _against(ours, skopeo), "x", 1.0),
    ]
    if docker:
        rows += [
            Row("docker pull; tag; push: time", docker, "s"),
            Row("ours against docker: time", _against(ours, docker), "x", 1 / 3),
        ]
    return Table("Copying a large image", rows, [_NOTE])


def _against(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    return [mine / other for mine, other in zip(ours, theirs, strict=True)]
