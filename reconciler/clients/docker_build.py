"""Builds an image into an archive with whatever Docker offers: buildx, a client with BuildKit, or the daemon's own builder.

What is sent is the context as it was hashed. Who wants the image, and where it goes, is for others.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from reconciler.clients.build_context import BuildContext
from reconciler.clients.child_process import run
from reconciler.clients.context_stream import dockerfile_name, stream_context
from reconciler.clients.docker_daemon import DaemonBuild, DockerDaemon, connected
from reconciler.clients.docker_program import Buildx, DockerProgram
from reconciler.errors import ProviderError, ReconcilerError

_KEPT_LINES = 30
_STEP = re.compile(
    r"^(?:#\d+ \[(?:[^\]]* )?(\d+)/(\d+)\]|(?:\[\d+/\d+\] )?S(?:tep|TEP) (\d+)/(\d+) ?:) *(.*)"
)
_OUTPUT = re.compile(r"^#\d+ (?:\d+\.\d+ )?")
_NOISE = re.compile(r"^#\d+ sha256:\w+$")
_REGISTRY_CACHE = re.compile(r"^(?!.*\btype=(?!registry))(?:.*,)?ref=([^,]+)")

Progress = Callable[[int, int, str], None]
Stop = Callable[[], bool]


class BuildFailedError(ProviderError):
    """The builder gave up; `lines` are the last that it said."""

    def __init__(self, dockerfile: Path, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        told = [line for line in self.lines if not line.startswith("---")]
        super().__init__(
            f"the build of {dockerfile} failed: {told[-1] if told else 'the builder did not say why'}",
            details={"output": list(self.lines)},
            fix="correct the Dockerfile or what it needs, and run again",
        )


@dataclass(slots=True)
class DockerBuild:
    """One build; `builder` names a builder of buildx, `version` is what goes into the version file."""

    context: BuildContext
    environ: Mapping[str, str]
    progress: Progress
    stop: Stop
    builder: str = ""
    version: bytes = b""
    _lines: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT_LINES))

    def write(self, archive: Path) -> None:
        """Builds, and writes the image as an archive: an OCI layout, or what `docker save` writes."""
        program, buildx = self._program()
        if program and buildx and not buildx.is_in_daemon:
            self._run([*self._buildx(program, buildx), "--output", f"type=oci,dest={archive}"])
            return
        with connected(self.environ) as daemon, self._named(daemon) as name:
            self._into(daemon, name, program, buildx)
            self.progress(0, 0, "reading the image out of Docker")
            daemon.save(name, archive, self.stop)

    def keep_in_docker(self, name: str) -> None:
        """Builds, and leaves the image in Docker under that name."""
        program, buildx = self._program()
        with connected(self.environ) as daemon:
            self._into(daemon, name, program, buildx)

    def _program(self) -> tuple[DockerProgram | None, Buildx | None]:
        """What can be started, and the plugin with the builder that is wanted."""
        program = DockerProgram.find(self.environ)
        buildx = program.buildx(self.builder) if program else None
        if self.builder and buildx is None:
            raise ReconcilerError(
                f"the builder {self.builder} needs docker buildx", fix="install the buildx plugin"
            )
        return program, buildx

    def _into(
        self, daemon: DockerDaemon, name: str, program: DockerProgram | None, buildx: Buildx | None
    ) -> None:
        """Builds with whatever there is, so that the result is in this daemon."""
        if program and buildx and (not buildx.is_in_daemon or daemon.has_buildkit()):
            self._run([*self._buildx(program, buildx), "--load", "--tag", name])
        elif program and daemon.has_buildkit() and program.has_buildkit():
            self._run([*self._docker_build(program), "--tag", name])
        else:
            self._in_daemon(daemon, name)

    @contextmanager
    def _named(self, daemon: DockerDaemon) -> Iterator[str]:
        """A name of our own for as long as the image is needed: taking it off again harms nobody else's image."""
        name = f"reconciler.local/build:{uuid4().hex}"
        try:
            yield name
        finally:
            daemon.untag(name)

    def _buildx(self, program: DockerProgram, buildx: Buildx) -> list[str]:
        recipe = self.context.recipe
        return [
            *(program.path, "buildx", "build"),
            *(("--builder", self.builder) if self.builder else ()),
            *(("--provenance=false",) if buildx.has_provenance else ()),
            *_each("--cache-from", recipe.cache_from),
            *_each("--cache-to", recipe.cache_to),
            *self._common(),
        ]

    def _docker_build(self, program: DockerProgram) -> list[str]:
        return [program.path, "build", *_each("--cache-from", self._cache_images()), *self._common()]

    def _common(self) -> list[str]:
        recipe = self.context.recipe
        return [
            *("--file", dockerfile_name(self.context), "--platform", recipe.platform, "--progress", "plain"),
            *(("--target", recipe.target) if recipe.target else ()),
            *_each("--build-arg", [f"{name}={value}" for name, value in sorted(recipe.args.items())]),
        ]

    def _run(self, words: Sequence[str]) -> None:
        environ = {**self.environ, "DOCKER_BUILDKIT": "1", "BUILDKIT_COLORS": "", "NO_COLOR": "1"}
        recipe = self.context.recipe
        code = run(
            [*words, "-"],
            environ,
            cwd=recipe.base_dir,
            feed=self._feed(),
            heard=self._hear,
            stop=self.stop,
        )
        if code != 0:
            raise BuildFailedError(recipe.dockerfile, self._lines)

    def _in_daemon(self, daemon: DockerDaemon, name: str) -> None:
        recipe = self.context.recipe
        order = DaemonBuild(
            name,
            dockerfile_name(self.context),
            recipe.args,
            recipe.target,
            recipe.platform,
            self._cache_images(),
        )
        if not daemon.build(order, self._feed(), self._hear, self.stop):
            raise BuildFailedError(recipe.dockerfile, self._lines)

    def _cache_images(self) -> list[str]:
        """What a builder without buildx can read a cache from: images, and nothing else; and it writes none."""
        recipe = self.context.recipe
        if recipe.cache_to:
            self._hear("cache_to needs docker buildx; nothing is written there")
        images = [_cache_image(text) for text in recipe.cache_from]
        if not all(images):
            self._hear("cache_from without docker buildx reads images only; the others are left out")
        return [image for image in images if image]

    def _feed(self) -> Iterator[bytes]:
        total = sum(entry.size for entry in self.context.entries)
        what = "sending the build context"
        return stream_context(
            self.context, self.version, lambda sent: self.progress(min(sent, total), total, what)
        )

    def _hear(self, line: str) -> None:
        if _NOISE.match(line):
            return
        self._lines.append(line)
        step = _STEP.match(line)
        if step is None:
            self.progress(0, 0, _OUTPUT.sub("", line))
            return
        number, of, what = int(step[1] or step[3]), int(step[2] or step[4]), step[5]
        self.progress(number, of, f"{number}/{of} {what}")


def _each(option: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def _cache_image(text: str) -> str:
    """The image in a `cache_from`, written plainly or as `type=registry,ref=...`; empty for another kind of cache."""
    if "=" not in text:
        return text
    found = _REGISTRY_CACHE.match(text)
    return found[1] if found else ""
