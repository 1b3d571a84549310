"""One environment's state on disk and the versions before it: read with suspicion, written whole or not at all.

Beside `<name>.json` stand `<name>.history/<serial>.json`, `<name>.inputs/`, `<name>.journal` and `<name>.lock`. What makes
a state trustworthy together with these is decided in `store`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import field
from pathlib import Path

import msgspec

from reconciler.errors import DamagedStateError, StateError
from reconciler.frozen import frozen
from reconciler.storage.codec import (
    HEAD_BYTES,
    Head,
    MalformedError,
    Version,
    decode_version,
    head_of,
)
from reconciler.storage.disk import Disk, cannot_write, read_whole, sweep_temporaries, write_whole
from reconciler.storage.envelope import Envelope, Plain, about_version

KEPT_VERSIONS = 50


@frozen
class StatePaths:
    """Where everything about one environment lies, and in which envelope."""

    folder: Path
    name: str
    envelope: Envelope = field(default_factory=Plain, compare=False, repr=False)

    @classmethod
    def of(cls, folder: Path, environment: str | None, envelope: Envelope | None = None) -> StatePaths:
        """The paths of an environment; without environments the name is `default` (interface 2)."""
        return cls(folder, environment or "default", envelope or Plain())

    @property
    def state(self) -> Path:
        """The state itself."""
        return self.folder / f"{self.name}.json"

    @property
    def journal(self) -> Path:
        """What happened since it was written."""
        return self.folder / f"{self.name}.journal"

    @property
    def lock(self) -> Path:
        """Who may write."""
        return self.folder / f"{self.name}.lock"

    @property
    def moved(self) -> Path:
        """Where the state went, if it was moved."""
        return self.folder / f"{self.name}.moved"

    @property
    def history(self) -> Path:
        """The folder of versions."""
        return self.folder / f"{self.name}.history"

    @property
    def inputs(self) -> Path:
        """The folder of lists of files that builds were made from."""
        return self.folder / f"{self.name}.inputs"


@frozen
class VersionNote:
    """One line of `state history`."""

    serial: int
    written_at: str
    resources: int
    checksum: str
    lineage: str


class StateFile:
    """The file of the present version."""

    def __init__(self, path: Path, disk: Disk, envelope: Envelope) -> None:
        self.path = path
        self._disk = disk
        self._envelope = envelope

    def read(self) -> bytes | None:
        """Its bytes, in their envelope; None where there is no file."""
        return _read(self.path)

    def head(self) -> Head | None:
        """What its first bytes tell, unverified; None where there is no file, or no state in it."""
        return _head(self.path, self._envelope)

    def write(self, data: bytes) -> None:
        """Puts a new version in the old one's place."""
        try:
            self._disk.make_folder(self.path.parent)
            sweep_temporaries(self._disk, self.path)
            write_whole(self._disk, self.path, data)
        except OSError as error:
            raise cannot_write(self.path, error) from None


class History:
    """Copies of the last versions, named by their serials. Copies, not links: they outlive damage to the file itself."""

    def __init__(self, folder: Path, disk: Disk, envelope: Envelope) -> None:
        self.folder = folder
        self._disk = disk
        self._envelope = envelope

    @classmethod
    def at(cls, paths: StatePaths) -> History:
        """The history of an environment, to be read."""
        return cls(paths.history, Disk(), paths.envelope)

    def serials(self) -> list[int]:
        """The serials kept, lowest first."""
        try:
            names = [path.stem for path in self.folder.iterdir() if path.suffix == ".json"]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise unreadable(self.folder, error.strerror or "cannot be read") from None
        return sorted(int(name) for name in names if name.isdecimal())

    def newest(self) -> int:
        """The highest serial kept; -1 where there is none."""
        return max(self.serials(), default=-1)

    def head(self, serial: int) -> Head | None:
        """What the first bytes of a version tell, unverified."""
        return _head(self._path(serial), self._envelope)

    def read(self, serial: int) -> Version:
        """A version, verified; StateError where it is not kept."""
        data = _read(self._path(serial))
        if data is None:
            raise StateError(f"there is no version with serial {serial}", fix=self._offer())
        try:
            version = decode_version(self._envelope.unwrap(data, about_version(serial)))
        except MalformedError as error:
            raise unreadable(self._path(serial), error) from None
        if version.state.serial != serial:
            raise unreadable(self._path(serial), f"it holds serial {version.state.serial}")
        return version

    def documents(self) -> Iterator[bytes]:
        """The bytes of every version, newest first, out of their envelopes."""
        for serial in reversed(self.serials()):
            yield self._document(serial)

    def keep(self, serial: int, data: bytes) -> None:
        """Keeps a copy, and drops the oldest beyond what is kept. It fails silently: the version itself is safe by now."""
        with contextlib.suppress(OSError, StateError):
            self._disk.make_folder(self.folder)
            sweep_temporaries(self._disk, self._path(serial))
            write_whole(self._disk, self._path(serial), data)
            for old in self.serials()[:-KEPT_VERSIONS]:
                self._disk.unlink(self._path(old))

    def notes(self) -> tuple[VersionNote, ...]:
        """Every readable version, newest first."""
        notes = map(_note, self.documents())
        return tuple(note for note in notes if note is not None)

    def _document(self, serial: int) -> bytes:
        """A version's bytes, empty where they cannot be opened; StateError where only a key is missing."""
        try:
            return self._envelope.unwrap(_read(self._path(serial)) or b"", about_version(serial))
        except MalformedError as error:
            if error.fix:
                raise unreadable(self._path(serial), error) from None
            return b""

    def _path(self, serial: int) -> Path:
        return self.folder / f"{serial}.json"

    def _offer(self) -> str:
        kept = ", ".join(map(str, self.serials()))
        return f"kept are {kept}" if kept else "no version is kept"


def unreadable(
    path: Path, why: str | MalformedError, fix: str = "look at what stands there, and at who may read it"
) -> DamagedStateError:
    """What is said of a file that cannot be trusted."""
    fix = (why.fix if isinstance(why, MalformedError) else "") or fix
    return DamagedStateError(f"{path} cannot be used: {why}", fix=fix)


def _read(path: Path, limit: int | None = None) -> bytes | None:
    try:
        return read_whole(path, limit)
    except OSError as error:
        raise unreadable(path, error.strerror or "it cannot be read") from None


def _head(path: Path, envelope: Envelope) -> Head | None:
    limit = HEAD_BYTES if isinstance(envelope, Plain) else None
    try:
        return head_of(envelope.unwrap(_read(path, limit) or b"", "version")[:HEAD_BYTES])
    except MalformedError:
        return None


class _Counted(msgspec.Struct):
    resources: dict[str, msgspec.Raw] = {}


def _note(data: bytes) -> VersionNote | None:
    head = head_of(data[:HEAD_BYTES])
    if head is None:
        return None
    try:
        count = len(msgspec.json.decode(data, type=_Counted).resources)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return VersionNote(head.serial, head.written_at, count, head.checksum, head.lineage)
