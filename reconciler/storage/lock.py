"""One writer at a time, by a lock of the kernel that ends with its holder; the file only says who that is.

A file that nobody holds is no lock. It has no lease: it cannot outlive the process, and cannot be taken from a living one.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import getpass
import os
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from reconciler.errors import LockHeldError, StateError
from reconciler.frozen import frozen
from reconciler.storage.disk import cannot_write, read_whole

_ATTEMPTS = 5
_PAUSE = 0.02  # somebody who merely asks who holds the lock has it for an instant


@frozen
class Holder:
    """Who holds a lock; `guards_state`: there was a state to guard."""

    user: str
    host: str
    pid: int
    command: str
    since: str
    guards_state: bool = False

    def describe(self, now: datetime) -> str:
        """`alice on build-7, process 4711, "apply", since 2026-11-20T10:00:00Z (3 min ago)`."""
        return (
            f'{self.user} on {self.host}, process {self.pid}, "{self.command}", '
            f"since {self.since}{_age(self.since, now)}"
        )


def this_process(command: str, now: datetime, *, guards_state: bool = False) -> Holder:
    """The holder that this process is."""
    return Holder(user_name(), socket.gethostname(), os.getpid(), command, timestamp(now), guards_state)


def user_name() -> str:
    """Who runs this; the number where the number has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def timestamp(moment: datetime) -> str:
    """A moment as every file writes it: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class LocalLock:
    """The lock on one file."""

    def __init__(
        self,
        path: Path,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.path = path
        self._now = now
        self._sleep = sleep
        self._descriptor: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether this very object holds it."""
        return self._descriptor is not None

    def acquire(self, holder: Holder) -> None:
        """Takes the lock or raises LockHeldError, which names the holder."""
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._sleep(_PAUSE)
            if self._take():
                return self._sign_first(holder)
        raise self._held()

    def sign(self, holder: Holder) -> None:
        """Writes down who holds it."""
        if self._descriptor is None:
            raise RuntimeError("only the holder signs a lock")
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, msgspec.json.encode(holder) + b"\n", 0)
        except OSError as error:
            raise cannot_write(self.path, error) from None

    def release(self, *, leave_file: bool = False) -> None:
        """Gives the lock back. The file goes too, unless it is the last sign of a state that was lost."""
        if self._descriptor is None:
            return
        if not leave_file and _is_at(self._descriptor, self.path):
            with contextlib.suppress(OSError):
                self.path.unlink()  # while it is held: whoever opened it before sees that it is no longer there
        os.close(self._descriptor)
        self._descriptor = None

    def _sign_first(self, holder: Holder) -> None:
        try:
            self.sign(holder)
        except StateError:
            self.release()
            raise

    def _take(self) -> bool:
        descriptor = self._open()
        try:
            taken = _locks(descriptor, fcntl.LOCK_EX) and _is_at(descriptor, self.path)
        except OSError as error:
            os.close(descriptor)
            raise cannot_write(self.path, error) from None
        if taken:
            self._descriptor = descriptor
        else:
            os.close(descriptor)
        return taken

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(self.path, flags, 0o600)
            os.fchmod(descriptor, 0o600)
        except OSError as error:
            raise cannot_write(self.path, error) from None
        return descriptor

    def _held(self) -> LockHeldError:
        holder = left_by(self.path)
        who = holder.describe(self._now()) if holder else "another process"
        return LockHeldError(
            f"{self.path} is held by {who}",
            fix="wait for it to end; a killed process frees the lock by itself",
        )


def read_holder(path: Path) -> Holder | None:
    """Who holds the lock at this moment; None where nobody does."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        free = _locks(descriptor, fcntl.LOCK_SH)
    except OSError:  # this file system has no locks
        return None
    finally:
        os.close(descriptor)
    if free:
        return None
    return left_by(path) or Holder("somebody", "this machine", 0, "", "")


def left_by(path: Path) -> Holder | None:
    """Who wrote the lock's file, whether or not it is held still."""
    try:
        return msgspec.json.decode(read_whole(path, limit=1 << 16) or b"", type=Holder)
    except (OSError, msgspec.MsgspecError, ValueError):
        return None


def _locks(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _age(since: str, now: datetime) -> str:
    try:
        seconds = (now - datetime.fromisoformat(since)).total_seconds()
    except (ValueError, TypeError):
        return ""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f" ({seconds // size:.0f} {unit} ago)"
    return f" ({max(seconds, 0):.0f} s ago)"
