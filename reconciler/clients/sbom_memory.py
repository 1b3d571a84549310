"""Lists of packages that were seen once, kept in the user's cache folder by the digest that they are about.

A digest never changes, so what is remembered stays right. A cache that cannot be read or written is no error.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from reconciler.clients.image_reference import is_digest
from reconciler.frozen import frozen

if TYPE_CHECKING:
    from reconciler.clients.sbom_document import Sbom

_FORGOTTEN_AFTER = 90 * 24 * 3600.0


@frozen
class SbomMemory:
    """The lists of one user; without a folder nothing is remembered."""

    folder: Path | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> SbomMemory:
        """Where this user's are kept."""
        from reconciler.clients.stat_cache import cache_folder

        contexts = cache_folder(environ)
        return cls(contexts.with_name("sboms") if contexts else None)

    def recall(self, digest: str) -> Sbom | None:
        """What is in an image, where that was seen before."""
        from reconciler.clients.sbom_document import Sbom
        from reconciler.clients.sbom_packages import Package

        path = self._path(digest)
        if path is None:
            return None
        try:
            with path.open("rb") as file:
                if os.fstat(file.fileno()).st_uid != os.geteuid():
                    return None
                document = json.loads(file.read())
            return Sbom(document["tool"], frozenset(Package(*one) for one in document["packages"]))
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None

    def keep(self, digest: str, sbom: Sbom) -> None:
        """Remembers what is in an image."""
        path = self._path(digest)
        if path is None:
            return
        packages = [[one.type, one.name, one.version] for one in sorted(sbom.packages)]
        with suppress(OSError):
            _write(path, json.dumps({"tool": sbom.tool, "packages": packages}, separators=(",", ":")))

    def _path(self, digest: str) -> Path | None:
        if self.folder is None or not is_digest(digest):
            return None
        return self.folder / f"{digest.replace(':', '-', 1)}.json"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=stat.S_IRWXU)
    written = path.with_name(f".{path.name}.{uuid4().hex}")
    descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        written.replace(path)
    except OSError:
        written.unlink(missing_ok=True)
        raise
    _forget_old(path.parent)


def _forget_old(folder: Path) -> None:
    for path in folder.iterdir():
        if path.stat().st_mtime < time.time() - _FORGOTTEN_AFTER:
            path.unlink(missing_ok=True)
