"""Lists of packages that were seen once, kept in the user's cache folder by the digest that they are about."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.clients.digest_memory import DigestMemory
from reconciler.clients.user_cache import cache_folder
from reconciler.frozen import frozen

if TYPE_CHECKING:
    from reconciler.clients.sbom_document import Sbom


@frozen
class SbomMemory:
    """The lists of one user; without a folder nothing is remembered."""

    folder: Path | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> SbomMemory:
        """Where this user's are kept."""
        return cls(cache_folder(environ, "sboms"))

    def recall(self, digest: str) -> Sbom | None:
        """What is in an image, where that was seen before."""
        from reconciler.clients.sbom_document import Sbom
        from reconciler.clients.sbom_packages import Package

        document = DigestMemory(self.folder).recall(digest)
        try:
            return Sbom(document["tool"], frozenset(Package(*one) for one in document["packages"]))
        except (TypeError, KeyError):
            return None

    def keep(self, digest: str, sbom: Sbom) -> None:
        """Remembers what is in an image."""
        packages = [[one.type, one.name, one.version] for one in sorted(sbom.packages)]
        DigestMemory(self.folder).keep(digest, {"tool": sbom.tool, "packages": packages})
