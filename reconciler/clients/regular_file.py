"""Reads files that somebody named in a manifest: regular ones only, never without end.

Devices and pipes are refused before a byte is read, since opening one may block for ever.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path


def read_regular(path: Path, limit: int) -> bytes:
    """Gives the bytes of a regular file of at most `limit` bytes; OSError says in plain words why not."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise OSError(None, f"is {_kind(mode)}, not a regular file", str(path))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(limit + 1)
    finally:
        os.close(descriptor)
    if len(content) > limit:
        raise OSError(None, f"is larger than {limit // 1024} KiB", str(path))
    return content


def reason(error: OSError) -> str:
    """Says in a few words what an OSError is about, without the path."""
    if isinstance(error, FileNotFoundError):
        return "does not exist"
    if isinstance(error, PermissionError):
        return "may not be read"
    text = error.strerror or "cannot be read"
    return text[0].lower() + text[1:]


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    if stat.S_ISFIFO(mode):
        return "a pipe"
    return "a device"
