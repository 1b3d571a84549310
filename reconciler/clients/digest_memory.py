"""What was found out once about a digest, kept in the user's cache folder: a digest never changes, so it stays right.

A cache that cannot be read or written is no error: it is found out again then.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from reconciler.clients.image_reference import is_digest
from reconciler.frozen import frozen

_FORGOTTEN_AFTER = 90 * 24 * 3600.0


@frozen
class DigestMemory:
    """Documents of one user by digest, as JSON; without a folder nothing is remembered."""

    folder: Path | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str], name: str) -> DigestMemory:
        """Where this user's documents of that name are kept."""
        from reconciler.clients.stat_cache import cache_folder

        contexts = cache_folder(environ)
        return cls(contexts.with_name(name) if contexts else None)

    def recall(self, digest: str) -> Any:
        """What is known of a digest; None where that is nothing, or cannot be read."""
        path = self._path(digest)
        if path is None:
            return None
        try:
            with path.open("rb") as file:
                if os.fstat(file.fileno()).st_uid != os.geteuid():
                    return None
                return json.loads(file.read())
        except (OSError, ValueError, RecursionError):
            return None

    def keep(self, digest: str, document: Any) -> None:
        """Remembers it."""
        path = self._path(digest)
        if path is None:
            return
        with suppress(OSError):
            _write(path, json.dumps(document, separators=(",", ":")))

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
