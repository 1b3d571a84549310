"""The one document of an environment that ever changes: which version is in force, who writes, and in which epoch.

Everything else is written once under a name of its own. Whoever replaces the head replaces the very one that was read.
"""

from __future__ import annotations

import msgspec

from reconciler.storage.codec import UNSEALED, MalformedError, is_sealed, newer_than_known, with_checksum
from reconciler.storage.lock import Holder
from reconciler.storage.state_file import VersionNote

HEAD_FORMAT = "1.0"
HEAD_NAME = "head.json"
VERSIONS = "versions/"
JOURNAL = "journal/"
LISTS = "inputs/"


class Lease(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The right to write, for so many seconds after it was last renewed.

    `held_for` is how long it had been held then, by the holder's own steady clock; `place` and `started` tell on the same
    machine whether the process is alive; `ticket` is its name for a place that has a lock of its own.
    """

    holder: Holder
    seconds: float
    ticket: str
    held_for: float = 0.0
    place: str = ""
    started: int = 0


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The head. `versions`: newest first, the first is in force. `folded`: journal segments before that one count no more.

    `beat` rises with every write, so that no two heads are alike. `lost`: there were versions, but no head that named them.
    """

    checksum: str = UNSEALED
    format_version: str = HEAD_FORMAT
    project: str = ""
    environment: str | None = None
    epoch: int = 0
    beat: int = 0
    lease: Lease | None = None
    last_ticket: str = ""
    versions: tuple[VersionNote, ...] = ()
    folded: tuple[int, int] = (0, 0)
    probed: str = ""
    lost: bool = False
    moved_to: str = ""

    @property
    def current(self) -> VersionNote | None:
        """The version in force; None before the first."""
        return self.versions[0] if self.versions else None


def encode_head(head: Head) -> bytes:
    """A head as bytes."""
    return with_checksum(msgspec.json.encode(msgspec.structs.replace(head, checksum=UNSEALED)) + b"\n")[0]


def decode_head(data: bytes) -> Head:
    """The head in a document. Raises MalformedError."""
    newer_than_known(data)
    if not is_sealed(data):
        raise MalformedError("its checksum does not match its content" if data.strip() else "it is empty")
    try:
        return msgspec.json.decode(data, type=Head)
    except (msgspec.MsgspecError, ValueError) as error:
        raise MalformedError(str(error)) from None


def version_name(serial: int, checksum: str) -> str:
    """Where a version lies: never written twice, since another content has another checksum."""
    return f"{VERSIONS}{serial}-{checksum[:16]}.json"


def serial_of(name: str) -> int:
    """The serial in a version's name; -1 for another name."""
    text = name.removeprefix(VERSIONS).partition("-")[0]
    return int(text) if text.isdecimal() else -1


def segment_name(epoch: int, number: int) -> str:
    """Where a segment of the journal lies. The epoch in it is the fence: what a stale holder writes counts no more."""
    return f"{JOURNAL}{epoch}/{number}"


def segment_of(name: str) -> tuple[int, int] | None:
    """Epoch and number of a segment's name; None for another name."""
    epoch, _, number = name.removeprefix(JOURNAL).partition("/")
    if epoch.isdecimal() and number.isdecimal():
        return int(epoch), int(number)
    return None
