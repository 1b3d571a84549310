"""The `docker` program of this machine: where it is, and which ways of building it has.

Honours `WRANGLER_DOCKER_BIN` as wrangler does (reference 1.2). Starts nothing that changes anything.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import field

from reconciler.clients.child_process import ask
from reconciler.errors import ReconcilerError
from reconciler.frozen import frozen

_BUILDKIT_SINCE = (18, 9)
_BUILDX_ONLY_SINCE = (23, 0)
_PROVENANCE_SINCE = (0, 10)
_DRIVER = re.compile(r"^Driver:\s*(\S+)", re.MULTILINE)
_VERSION = re.compile(r"v?(\d+)\.(\d+)")


@frozen
class Buildx:
    """The buildx plugin and the builder it would use; without its own, it builds inside the daemon."""

    version: tuple[int, int]
    driver: str

    @property
    def is_in_daemon(self) -> bool:
        """Whether results land in the daemon and nowhere else."""
        return self.driver == "docker"

    @property
    def has_provenance(self) -> bool:
        """Whether it would add an attestation, which makes an index out of an image, unless told not to."""
        return self.version >= _PROVENANCE_SINCE


@frozen
class DockerProgram:
    """A `docker` that can be started."""

    path: str
    environ: Mapping[str, str] = field(repr=False)

    @classmethod
    def find(cls, environ: Mapping[str, str]) -> DockerProgram | None:
        """Looks for the program; None where there is none, ReconcilerError where the one that is named is not there."""
        named = environ.get("WRANGLER_DOCKER_BIN", "")
        path = shutil.which(named or "docker", path=environ.get("PATH"))
        if path is None and named:
            raise ReconcilerError(
                f"WRANGLER_DOCKER_BIN is {named}, which cannot be started", fix="correct or unset it"
            )
        return cls(path, environ) if path else None

    def host(self) -> str:
        """Where the daemon of the chosen context is; empty if that cannot be said."""
        return (
            ask([self.path, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"], self.environ)
            or ""
        )

    def buildx(self, builder: str = "") -> Buildx | None:
        """The plugin with the named builder or the chosen one; None where it is not installed."""
        version = _VERSION.search(ask([self.path, "buildx", "version"], self.environ) or "")
        if version is None:
            return None
        named = [builder] if builder else []
        driver = _DRIVER.search(ask([self.path, "buildx", "inspect", *named], self.environ) or "")
        if driver is None and builder:
            raise ReconcilerError(
                f"docker buildx knows no builder {builder}", fix="look at `docker buildx ls`, or make it"
            )
        return Buildx((int(version[1]), int(version[2])), driver[1] if driver else "docker")

    def has_buildkit(self) -> bool:
        """Whether `docker build` itself can speak to BuildKit: later versions leave that to the plugin."""
        words = [self.path, "version", "--format", "{{.Client.Version}}"]
        version = _VERSION.search(ask(words, self.environ) or "")
        return (
            version is not None and _BUILDKIT_SINCE <= (int(version[1]), int(version[2])) < _BUILDX_ONLY_SINCE
        )
