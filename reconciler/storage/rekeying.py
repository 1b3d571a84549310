"""Writes everything that is kept again under the present key: after a key was chosen, changed, or given up.

It can be cut off anywhere: each document is whole under the one key or the other, and running it again goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reconciler.storage.codec import HEAD_BYTES, MalformedError, head_of
from reconciler.storage.disk import Disk, cannot_write, read_whole, write_whole
from reconciler.storage.envelope import Envelope, about_version
from reconciler.storage.kept_lists import about_list
from reconciler.storage.state_file import StatePaths


def rekey(paths: StatePaths, envelope: Envelope, disk: Disk) -> tuple[str, ...]:
    """The files of an environment. Gives what could not be opened, and stays as it was."""
    left = []
    for path, about in _files(paths):
        try:
            stored = rewrapped(read_whole(path) or b"", about, envelope)
            write_whole(disk, path, stored)
        except MalformedError:
            left.append(str(path))
        except OSError as error:
            raise cannot_write(path, error) from None
    return tuple(left)


def _files(paths: StatePaths) -> Iterator[tuple[Path, str]]:
    """The present version last: it is the one that must not be lost."""
    for path in paths.inputs.glob("*.json"):
        yield path, about_list(path.stem)
    for path in paths.history.glob("*.json"):
        yield path, f"version {path.stem}"
    yield paths.state, "version"


def rewrapped(stored: bytes, about: str, envelope: Envelope) -> bytes:
    """A document under the present key. Raises MalformedError for one that cannot be opened."""
    document = envelope.lenient().unwrap(stored, about)
    if about.startswith("version"):
        head = head_of(document[:HEAD_BYTES])
        if head is None:
            raise MalformedError("it is no state")
        about = about_version(head.serial, head.lineage)
    return envelope.wrap(document, about)
