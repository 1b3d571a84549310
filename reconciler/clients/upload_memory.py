"""Uploads that were begun and not ended, so that the next run goes on with them instead of sending the same bytes again.

Kept in the user's cache folder, a small file per blob that whoever uploads holds locked: two runs never write into one
upload. A memory that cannot be read or written is no error: everything is sent then.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from reconciler.clients.user_cache import forget_older
from reconciler.frozen import frozen

_LARGEST = 8192
_FORGOTTEN_AFTER = 24 * 3600.0


@dataclass(slots=True)
class RememberedUpload:
    """One upload: `url` is where an earlier run stopped, empty if there is none."""

    url: str = ""
    keep: Callable[[str], None] = lambda _url: None


@frozen
class UploadMemory:
    """Remembers uploads in a folder, for a day; in none without a folder."""

    folder: Path | None = None

    @contextmanager
    def of(self, blob: str) -> Iterator[RememberedUpload]:
        """The upload of a blob, to be gone on with; forgotten once the block has ended well."""
        path = self._path(blob)
        descriptor = _locked(path) if path else None
        if path is None or descriptor is None:
            yield RememberedUpload()
            return
        try:
            yield RememberedUpload(_read(descriptor), lambda url: _write(descriptor, url))
            path.unlink(missing_ok=True)
        finally:
            os.close(descriptor)

    def _path(self, blob: str) -> Path | None:
        return self.folder / sha256(blob.encode()).hexdigest()[:32] if self.folder else None


def _locked(path: Path) -> int | None:
    """Opens a file that nobody else holds; None where that cannot be done."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=stat.S_IRWXU)
        forget_older(path.parent, _FORGOTTEN_AFTER)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _read(descriptor: int) -> str:
    """What was written whole; a line that a kill has cut off is none."""
    status = os.fstat(descriptor)
    if status.st_uid != os.geteuid() or status.st_mtime < time.time() - _FORGOTTEN_AFTER:
        return ""
    line, end, _ = os.pread(descriptor, _LARGEST, 0).partition(b"\n")
    text = line.decode("ascii", "replace")
    return text if end and text.isprintable() else ""


def _write(descriptor: int, url: str) -> None:
    line = f"{url}\n".encode("ascii", "replace") if url else b""
    with suppress(OSError):
        # Written before what is longer is cut off: whoever is killed between the two leaves an address all the same.
        os.pwrite(descriptor, line, 0)
        os.ftruncate(descriptor, len(line))
