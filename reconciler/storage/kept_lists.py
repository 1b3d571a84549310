"""Lists of what went into a hash (the files of a build), kept beside the state: too large for it, and not needed by it.

Named by the hash, so that versions share them. What they list is for others to know.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from reconciler.errors import StateError
from reconciler.storage.disk import Disk, read_whole, write_whole
from reconciler.storage.envelope import Envelope, Plain

_NAME = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


class KeptLists:
    """The folder of one environment's lists: `<64 hex digits>.json`."""

    def __init__(self, folder: Path, disk: Disk, envelope: Envelope | None = None) -> None:
        self.folder = folder
        self._disk = disk
        self._envelope = envelope or Plain()

    def keep(self, name: str, document: bytes) -> None:
        """Keeps a document under a hash. It fails silently: the state does not need it."""
        path = self._path(name)
        if self.recall(name) == document:
            return
        with contextlib.suppress(OSError):
            self._disk.make_folder(self.folder)
            write_whole(self._disk, path, self._envelope.wrap(document, about_list(list_name(name))))

    def recall(self, name: str) -> bytes | None:
        """The document kept under a hash; None where there is none that can be read."""
        with contextlib.suppress(OSError, ValueError):
            stored = read_whole(self._path(name))
            return None if stored is None else self._envelope.unwrap(stored, about_list(list_name(name)))
        return None

    def names(self) -> list[str]:
        """The hashes that something is kept under."""
        return sorted(path.stem for path in self.folder.glob("*.json"))

    def drop_unneeded(self, versions: Iterable[bytes]) -> None:
        """Removes the documents whose hash stands in no version, and what killed processes left; only under the lock.

        Should a version be unreadable, all of them stay.
        """
        with contextlib.suppress(OSError, StateError):
            unneeded = {path.stem: path for path in self.folder.glob("*.json")}
            for version in versions:
                for name in [name for name in unneeded if name.encode() in version]:
                    del unneeded[name]
                if not unneeded:
                    break
            for path in (*unneeded.values(), *self.folder.glob(".*.tmp")):
                self._disk.unlink(path)

    def _path(self, name: str) -> Path:
        return self.folder / f"{list_name(name)}.json"


def list_name(name: str) -> str:
    """The hex digits of the hash that a list is kept under. Raises ValueError for anything else."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise ValueError(f"{name!r} is no hash to keep something under")
    return found[1]


def about_list(name: str) -> str:
    """What an envelope is told that a list is."""
    return f"list {name}"


def encode_list(kept: Mapping[str, str]) -> bytes:
    """A list as a document: the same bytes for the same list."""
    return json.dumps(dict(kept), sort_keys=True, separators=(",", ":")).encode()


def decode_list(document: bytes | None) -> dict[str, str] | None:
    """The list in a document; None where there is no document, or something else in it."""
    try:
        kept = json.loads(document or b"null")
    except (ValueError, RecursionError):
        return None
    if not isinstance(kept, dict) or not all(isinstance(value, str) for value in kept.values()):
        return None
    return kept
