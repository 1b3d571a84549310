"""The system calls that storage makes, in one place, and files that appear whole or not at all.

Tests hand in a `Disk` that fails, or whose process ends, at the n-th call. What a file means is left to its module.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

from reconciler.errors import StateError

_WHAT_TO_DO = {
    errno.ENOSPC: "make room on the disk and run again",
    errno.EDQUOT: "make room in your quota and run again",
    errno.EROFS: "the file system is read-only; point `state: {path: ...}` at a folder that can be written",
    errno.EACCES: "give yourself the right to write there and run again",
    errno.EPERM: "give yourself the right to write there and run again",
}


class Disk:
    """The operating system's calls. Files are 0600 and folders 0700, whatever the umask (interface 7)."""

    def create(self, path: Path) -> int:
        """Opens an empty file for writing; a link standing in its place is not followed."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        os.fchmod(descriptor, 0o600)
        return descriptor

    def reopen(self, path: Path) -> int:
        """Opens a file that is already there for writing at its end."""
        return os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        """Writes all of the data at a place in the file."""
        rest = memoryview(data)
        while rest:
            written = os.pwrite(descriptor, rest, offset)
            rest, offset = rest[written:], offset + written

    def fsync(self, descriptor: int) -> None:
        """Returns once the file's content is durable."""
        os.fsync(descriptor)

    def close(self, descriptor: int) -> None:
        """Gives a descriptor back."""
        os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        """Puts a file in another's place in one instant."""
        source.replace(target)

    def unlink(self, path: Path) -> None:
        """Removes a file; one that is gone already is fine."""
        path.unlink(missing_ok=True)

    def make_folder(self, path: Path) -> None:
        """Makes a folder and those above it; one that was there keeps its mode."""
        if path.is_dir():
            return
        if path.parent != path:
            self.make_folder(path.parent)
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
            path.chmod(0o700)

    def sync_folder(self, path: Path) -> None:
        """Returns once the names in a folder are durable."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno != errno.EINVAL:  # some network file systems cannot, and need not
                raise
        finally:
            os.close(descriptor)


def write_whole(disk: Disk, path: Path, data: bytes) -> None:
    """Replaces a file's content in one instant: after a crash it is the old one or the new one, never a part."""
    temporary = path.with_name(f"{temporary_prefix(path.name)}{os.getpid()}.tmp")
    try:
        _write_durably(disk, temporary, data)
        disk.rename(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            disk.unlink(temporary)
        raise
    disk.sync_folder(path.parent)


def _write_durably(disk: Disk, path: Path, data: bytes) -> None:
    descriptor = disk.create(path)
    try:
        disk.write(descriptor, data, 0)
        disk.fsync(descriptor)
    finally:
        disk.close(descriptor)


def temporary_prefix(name: str) -> str:
    """How the names of a file's unfinished copies begin, so that those of a killed process can be swept."""
    return f".{name}."


def sweep_temporaries(disk: Disk, path: Path) -> None:
    """Removes what killed processes left of a file's unfinished copies; only under the lock."""
    prefix = temporary_prefix(path.name)
    for leftover in path.parent.glob(f"{prefix}*.tmp"):
        with contextlib.suppress(OSError):
            disk.unlink(leftover)


def read_whole(path: Path, limit: int | None = None) -> bytes | None:
    """The content of a regular file, None where there is none; a device, pipe or folder is an OSError.

    With a limit no more than one byte above it is read.
    """
    try:
        with open(path, "rb", opener=_open_regular) as file:
            return file.read(-1 if limit is None else limit + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _open_regular(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe must not keep us waiting
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no regular file")
    return descriptor


class UnwritableError(StateError):
    """The disk refuses."""


def cannot_write(path: Path | str, error: OSError) -> UnwritableError:
    """What is said when the disk refuses."""
    reason = error.strerror or "the disk refused"
    what_to_do = _WHAT_TO_DO.get(error.errno or 0, "look at the folder and its disk, and run again")
    return UnwritableError(f"{path} cannot be written: {reason}", fix=what_to_do)
