"""Temporary folders that are gone in the end, even after a kill: who makes one removes those whose makers are dead.

A maker holds its folder locked for as long as it lives, which tells the living from the dead also across containers.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "reconciler-image-"
_GRACE_SECONDS = 60.0


def make_folder() -> tuple[Path, int]:
    """Makes a folder, and gives the descriptor that holds it; OSError where none can be made."""
    remove_abandoned()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return folder, descriptor


def remove_folder(folder: Path, descriptor: int) -> None:
    """Removes a folder, and lets go of it."""
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        os.close(descriptor)


def remove_abandoned() -> None:
    """Removes what dead runs of this user have left; a folder that is a moment old may not be locked yet."""
    youngest = time.time() - _GRACE_SECONDS
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError), _held(folder) as descriptor:
            status = os.fstat(descriptor)
            if status.st_uid == os.geteuid() and status.st_mtime < youngest:
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _held(folder: Path) -> Iterator[int]:
    """Holds a folder; OSError where somebody else does."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield descriptor
    finally:
        os.close(descriptor)
