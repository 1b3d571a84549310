"""The hashes of files that have not changed since they were last read, so that a large context is known at once.

Kept in the user's cache folder. A cache that cannot be read or written is no error: everything is read then.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

_VERSION = 1
_YOUNG = 2_000_000_000
_FORGOTTEN_AFTER = 30 * 24 * 3600.0

Mark = tuple[int, int, int, int]
"""Size, time of change of content and of anything, inode: what is other for a file that changed."""


def mark_of(status: os.stat_result) -> Mark:
    """What a file is recognised by."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def cache_folder(environ: Mapping[str, str]) -> Path | None:
    """Where the hashes of contexts are kept; None where the user has no cache folder."""
    base = environ.get("XDG_CACHE_HOME") or (f"{environ['HOME']}/.cache" if environ.get("HOME") else "")
    return Path(base) / "reconciler" / "contexts" if base else None


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
                _write(self.path, seen)
        self.known = seen


def _is_settled(mark: Mark, looked_at: int) -> bool:
    return max(mark[1], mark[2]) < looked_at - _YOUNG


def _read(path: Path) -> dict[str, tuple[Mark, str]]:
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_uid != os.geteuid():
            return {}
        document: Any = json.loads(file.read())
    if document["version"] != _VERSION:
        return {}
    return {
        path: ((size, modified, changed, inode), found)
        for path, (size, modified, changed, inode, found) in document["files"].items()
    }


def _write(path: Path, files: Mapping[str, tuple[Mark, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=stat.S_IRWXU)
    document = {"version": _VERSION, "files": {name: (*mark, found) for name, (mark, found) in files.items()}}
    written = path.with_name(f"{path.name}.{uuid4().hex}")
    descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(json.dumps(document, separators=(",", ":")))
        written.replace(path)
    except OSError:
        written.unlink(missing_ok=True)
        raise
    _forget_old(path.parent)


def _forget_old(folder: Path) -> None:
    """Contexts that nobody has looked at for a month need no memory."""
    for path in folder.iterdir():
        if path.stat().st_mtime < time.time() - _FORGOTTEN_AFTER:
            path.unlink(missing_ok=True)
