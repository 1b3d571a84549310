"""The files of a build context: found, judged by the ignore rules, and hashed by several threads.

The same on every machine: sorted by the bytes of their paths, without owners and times; of modes, only whether a
file can be executed. What they are for is for others.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from reconciler.clients.dockerignore import IgnoreRules, Matched
from reconciler.clients.regular_file import reason
from reconciler.clients.stat_cache import Mark, StatCache, mark_of
from reconciler.errors import ReconcilerError

_PIECE = 256 * 1024
_AT_ONCE = 64
_MOST_THREADS = 8


class Sort(StrEnum):
    """What an entry of a context is."""

    FILE = "file"
    PROGRAM = "program"
    LINK = "link"
    FOLDER = "folder"


class ContextEntry(NamedTuple):
    """One thing that a build sees; `content` is a file's SHA-256, a link's target, of a folder nothing."""

    path: str
    sort: Sort
    content: str
    size: int = 0

    @property
    def is_file(self) -> bool:
        """Whether it has bytes of its own."""
        return self.sort in (Sort.FILE, Sort.PROGRAM)


class _Found(NamedTuple):
    path: str
    sort: Sort
    target: str = ""
    mark: Mark = (0, 0, 0, 0)


def read_files(
    root: Path, rules: IgnoreRules, cache: StatCache, unseen: Iterable[str] = ()
) -> tuple[ContextEntry, ...]:
    """Looks at everything that the rules leave in; paths in `unseen` are as if they were not there."""
    looked_at = time.time_ns()
    found = _Walk(root, rules, frozenset(unseen)).run()
    known = {each.path: cache.find(each.path, each.mark) for each in found if each.mark[3]}
    unknown = [each for each in found if known.get(each.path) == ""]
    known.update(zip((each.path for each in unknown), _hash_all(root, unknown), strict=True))
    cache.keep(((each.path, each.mark, known[each.path]) for each in found if each.mark[3]), looked_at)
    entries = [
        ContextEntry(each.path, each.sort, known.get(each.path, each.target), each.mark[0]) for each in found
    ]
    return tuple(sorted(entries, key=lambda entry: os.fsencode(entry.path)))


def open_file(root: Path, path: str) -> int:
    """Opens a file of the context for reading; never follows a link in its place, never waits for a pipe."""
    return os.open(f"{root}/{path}", os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)


@dataclass(slots=True)
class _Walk:
    """One walk through a context; folders that are left out are entered only if something in them may come back."""

    root: Path
    rules: IgnoreRules
    unseen: frozenset[str]
    found: list[_Found] = field(default_factory=list)
    held_back: set[str] = field(default_factory=set)

    def run(self) -> list[_Found]:
        waiting = [("", self.rules.at_top)]
        while waiting:
            folder, above = waiting.pop()
            try:
                with os.scandir(f"{self.root}/{folder}") as entries:
                    waiting.extend(self._look_into(entries, folder, above))
            except OSError as error:
                if folder not in self.held_back:
                    raise _unreadable(self.root, folder, error) from None
        return self.found

    def _look_into(
        self, entries: Iterable[os.DirEntry[str]], folder: str, above: Matched
    ) -> list[tuple[str, Matched]]:
        """Takes what is in a folder, and gives the folders to be entered."""
        inner = []
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if path in self.unseen:
                continue
            is_left_out, matched = self.rules.look(path, above)
            if not entry.is_dir(follow_symlinks=False):
                if not is_left_out:
                    self._take(self._described(path, entry))
            elif not is_left_out:
                self._take(_Found(path, Sort.FOLDER))
                inner.append((path, matched))
            elif self.rules.may_return(path):
                self.held_back.add(path)
                inner.append((path, matched))
        return inner

    def _take(self, found: _Found) -> None:
        """Keeps an entry, and with it the folders above, which come back as soon as something in them does."""
        self.found.append(found)
        folder = found.path.rpartition("/")[0]
        while folder in self.held_back:
            self.held_back.remove(folder)
            self.found.append(_Found(folder, Sort.FOLDER))
            folder = folder.rpartition("/")[0]

    def _described(self, path: str, entry: os.DirEntry[str]) -> _Found:
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISREG(status.st_mode):
            sort = Sort.PROGRAM if status.st_mode & stat.S_IXUSR else Sort.FILE
            return _Found(path, sort, mark=mark_of(status))
        if stat.S_ISLNK(status.st_mode):
            target = os.readlink(entry.path)  # noqa: PTH115 - a Path would tidy the target up
            return _Found(path, Sort.LINK, target)
        raise ReconcilerError(
            f"{self.root}/{path} is {_kind(status.st_mode)}, which no build can be given",
            fix="leave it out by .dockerignore",
        )


def _kind(mode: int) -> str:
    kinds = {stat.S_IFSOCK: "a socket", stat.S_IFIFO: "a pipe"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _hash_all(root: Path, files: Sequence[_Found]) -> list[str]:
    """The SHA-256 of every file; Python's lock is free while a file is read or hashed."""
    chunks = [files[start : start + _AT_ONCE] for start in range(0, len(files), _AT_ONCE)]
    if len(chunks) < 2:
        return _hash_some(root, files)
    threads = min(_MOST_THREADS, len(os.sched_getaffinity(0)), len(chunks))
    with ThreadPoolExecutor(threads, thread_name_prefix="context") as pool:
        hashed = pool.map(lambda chunk: _hash_some(root, chunk), chunks)
        return [each for chunk in hashed for each in chunk]


def _hash_some(root: Path, files: Sequence[_Found]) -> list[str]:
    buffer = bytearray(_PIECE)
    return [_hash_one(root, found, buffer) for found in files]


def _hash_one(root: Path, found: _Found, buffer: bytearray) -> str:
    view, hashed = memoryview(buffer), sha256()
    try:
        descriptor = open_file(root, found.path)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(None, "is no file any more")
            while size := os.readv(descriptor, [buffer]):
                hashed.update(view[:size])
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _unreadable(root, found.path, error) from None
    return hashed.hexdigest()


def _unreadable(root: Path, path: str, error: OSError) -> ReconcilerError:
    name = f"{root}/{path}" if path else str(root)
    return ReconcilerError(
        f"{name} {reason(error)}", fix="correct it, or leave it out by .dockerignore" if path else ""
    )
