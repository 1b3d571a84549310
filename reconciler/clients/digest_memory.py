"""What was found out once about a digest, kept in the user's cache folder: a digest never changes, so it stays right.

A cache that cannot be read or written is no error: it is found out again then.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from reconciler.clients.image_reference import is_digest
from reconciler.clients.user_cache import cache_folder, read_document, write_document
from reconciler.frozen import frozen

_FORGOTTEN_AFTER = 90 * 24 * 3600.0


@frozen
class DigestMemory:
    """Documents of one user by digest, as JSON; without a folder nothing is remembered."""

    folder: Path | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str], name: str) -> DigestMemory:
        """Where this user's documents of that name are kept."""
        return cls(cache_folder(environ, name))

    def recall(self, digest: str) -> Any:
        """What is known of a digest; None where that is nothing, or cannot be read."""
        path = self._path(digest)
        if path is None:
            return None
        try:
            return read_document(path)
        except (OSError, ValueError, RecursionError):
            return None

    def keep(self, digest: str, document: Any) -> None:
        """Remembers it."""
        path = self._path(digest)
        if path is None:
            return
        with suppress(OSError):
            write_document(path, document, _FORGOTTEN_AFTER)

    def _path(self, digest: str) -> Path | None:
        if self.folder is None or not is_digest(digest):
            return None
        return self.folder / f"{digest.replace(':', '-', 1)}.json"
