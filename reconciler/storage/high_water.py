"""The highest serial this user has seen of each lineage, kept outside the state's own folder.

An old state put back together with its history looks perfect from within; only a memory elsewhere can tell. Where there is
none (another machine, a fresh CI runner) such a replay cannot be noticed.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from reconciler.storage.disk import Disk, read_whole, write_whole

_SAFE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")

_MARK = re.compile(rb"(\d{1,18})\n")


def default_marks_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where marks lie by default: the user's cache folder."""
    cache = environ.get("XDG_CACHE_HOME", "")
    base = Path(cache) if cache.startswith("/") else Path(environ.get("HOME") or Path.home()) / ".cache"
    return base / "reconciler" / "serials"


class HighWaterMarks:
    """One small file per lineage. Without a folder nothing is remembered; a mark that fails stops nobody."""

    def __init__(self, folder: Path | None, disk: Disk) -> None:
        self._folder = folder
        self._disk = disk

    def of(self, lineage: str) -> int:
        """The highest serial seen; -1 where none is known."""
        path = self._path(lineage)
        if path is None:
            return -1
        with contextlib.suppress(OSError):
            mark = _MARK.fullmatch(read_whole(path, limit=32) or b"")
            return int(mark[1]) if mark else -1
        return -1

    def raise_to(self, lineage: str, serial: int) -> None:
        """Remembers a serial unless a higher one is remembered."""
        path = self._path(lineage)
        if path is None or self.of(lineage) >= serial:
            return
        with contextlib.suppress(OSError):
            self._disk.make_folder(path.parent)
            write_whole(self._disk, path, b"%d\n" % serial)

    def _path(self, lineage: str) -> Path | None:
        if self._folder is None or not _SAFE_NAME.fullmatch(lineage):
            return None
        return self._folder / lineage
