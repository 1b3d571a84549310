"""The hashes of files that have not changed since they were last read, so that a large context is known at once.

Kept in the user's cache folder. A cache that cannot be read or written is no error: everything is read then.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from reconciler.clients.user_cache import read_document, write_document

_VERSION = 1
_YOUNG = 2_000_000_000
_FORGOTTEN_AFTER = 30 * 24 * 3600.0

Mark = tuple[int, int, int, int]
"""Size, time of change of content and of anything, inode: what is other for a file that changed."""


def mark_of(status: os.stat_result) -> Mark:
    """What a file is recognised by."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


@dataclass(slots=True)
class StatCache:
    """What is known of the files of one context."""

    path: Path | None
    known: dict[str, tuple[Mark, str]] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path | None, context: str) -> StatCache:
        """Reads what is known; `context` says which files and which rules are meant."""
        if folder is None:
            return cls(None)
        path = folder / f"{sha256(context.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}.json"
        try:
            return cls(path, _read(path))
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return cls(path)

    def find(self, path: str, mark: Mark) -> str:
        """The hash of a file; empty if it is not known, or is another file by now."""
        known = self.known.get(path)
        return known[1] if known and known[0] == mark else ""

    def keep(self, files: Iterable[tuple[str, Mark, str]], looked_at: int) -> None:
        """Writes down what was seen in a look begun at `looked_at` (ns).

        A file that had changed within the last two seconds may change again without showing another time: it is
        not remembered.
        """
        seen = {path: (mark, found) for path, mark, found in files if _is_settled(mark, looked_at)}
        if self.path is None:
            return
        with suppress(OSError):
            if seen == self.known:
                os.utime(self.path)
            else:
                written = {name: (*mark, found) for name, (mark, found) in seen.items()}
                write_document(self.path, {"version": _VERSION, "files": written}, _FORGOTTEN_AFTER)
        self.known = seen


def _is_settled(mark: Mark, looked_at: int) -> bool:
    return max(mark[1], mark[2]) < looked_at - _YOUNG


def _read(path: Path) -> dict[str, tuple[Mark, str]]:
    document = read_document(path)
    if document is None or document["version"] != _VERSION:
        return {}
    return {
        name: ((size, modified, changed, inode), found)
        for name, (size, modified, changed, inode, found) in document["files"].items()
    }
