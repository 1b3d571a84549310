"""The write-ahead journal: what happened since the state was last written, one checked line per event.

A line is `<length> <check> <JSON>`, both numbers in eight hex digits; the check is the CRC-32 of the JSON, begun with that of the
line before, so that a line lost, doubled or moved shows like a flipped bit. A killed process leaves at most a last line
without its end: that one is cut. Whether a journal belongs to a state is said by its first line and decided in `store`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import msgspec

from reconciler.errors import StateError
from reconciler.frozen import frozen
from reconciler.model.event import Event, StepProgressed
from reconciler.storage.codec import MalformedError, decode_event, encode_event
from reconciler.storage.disk import Disk, cannot_write, write_whole
from reconciler.storage.envelope import Envelope, Plain

JOURNAL_FORMAT = "1.0"

_FRAME = re.compile(rb"([0-9a-f]{8}) ([0-9a-f]{8}) ")
_FRAME_BYTES = 18
_HARMFUL = re.compile(r"[^\x20-\x7f]+")


class JournalHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first line: which journal this is, and which very version of the state its events go on from."""

    format_version: str
    journal: str
    run: str
    lineage: str
    base_serial: int
    base_checksum: str
    began_at: str


@frozen
class JournalContent:
    """What a journal says; `torn` bytes at its end were cut."""

    header: JournalHeader
    events: tuple[Event, ...] = ()
    torn: int = 0


class NotDurableError(StateError):
    """The disk refused events of a run under way; `events` are those that are not safe, `record` says them as text.

    Appending again, even nothing, tries them once more.
    """

    def __init__(self, message: str, *, events: tuple[Event, ...], record: str, fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.events = events
        self.record = record


class Journal:
    """A journal that is being written. One batch is one write, and one fsync where it must be durable."""

    def __init__(
        self, path: Path, header: JournalHeader, disk: Disk, envelope: Envelope | None = None
    ) -> None:
        self.path = path
        self.header = header
        self.is_empty = True
        self._disk = disk
        self._unsafe: list[Event] = []
        self._lines = _Lines(header, envelope or Plain())
        first = self._lines.first()
        self._safe_bytes = len(first)
        self._tail = b""  # what follows the safe bytes, kept until it is safe too
        self._written = 0  # how much of the tail has been handed to the disk
        try:
            write_whole(disk, path, first)
            self._descriptor = disk.reopen(path)
        except OSError as error:
            raise cannot_write(path, error) from None

    def append(self, events: Iterable[Event], *, durable: bool = True) -> None:
        """Writes events behind the others; returns once they, and all before them, are durable if that is asked for."""
        kept = [event for event in events if not isinstance(event, StepProgressed)]
        self._unsafe += kept
        self._tail += self._lines.of(kept)
        self.is_empty = self.is_empty and not kept
        try:
            self._write(durable=durable)
        except OSError as error:
            # After a failed fsync the system may call lost pages clean, so everything unsafe is written again.
            self._written = 0
            raise self._not_durable(error) from None

    def close(self) -> None:
        """Ends the writing; the file stays."""
        self._disk.close(self._descriptor)

    def _write(self, *, durable: bool) -> None:
        rest = self._tail[self._written :]
        if rest:
            self._disk.write(self._descriptor, rest, self._safe_bytes + self._written)
            self._written = len(self._tail)
        if durable and self._tail:
            self._disk.fsync(self._descriptor)
            self._safe_bytes += len(self._tail)
            self._tail, self._written, self._unsafe = b"", 0, []

    def _not_durable(self, error: OSError) -> NotDurableError:
        said = cannot_write(self.path, error)
        unsafe = tuple(self._unsafe)
        record = recovery_record(self.header, unsafe, self._lines.envelope)
        return NotDurableError(said.message, events=unsafe, record=record, fix=said.fix)


@dataclass(slots=True)
class _Lines:
    """Events as lines, each in the envelope by itself and tied to the one before."""

    header: JournalHeader
    envelope: Envelope
    _check: int = 0
    _count: int = 0

    def first(self) -> bytes:
        """The first line."""
        return self._framed(msgspec.json.encode(self.header), f"journal of {self.header.lineage}")

    def of(self, events: Iterable[Event]) -> bytes:
        """The next lines."""
        return b"".join([self._line(event) for event in events])

    def _line(self, event: Event) -> bytes:
        self._count += 1
        return self._framed(encode_event(event), _about_line(self._count, self.header))

    def _framed(self, payload: bytes, about: str) -> bytes:
        payload = self.envelope.wrap(payload, about)
        self._check = crc32(payload, self._check)
        return b"%08x %08x %b\n" % (len(payload), self._check, payload)


def _about_line(number: int, header: JournalHeader) -> str:
    return f"line {number} of journal {header.journal}"


def whole_journal(header: JournalHeader, events: Sequence[Event], envelope: Envelope | None = None) -> bytes:
    """A journal of its own that holds these events."""
    lines = _Lines(header, envelope or Plain())
    return lines.first() + lines.of(events)


def recovery_record(header: JournalHeader, events: Sequence[Event], envelope: Envelope | None = None) -> str:
    """Events that reached no disk, as a journal of their own; `state push` takes it.

    It is shown on terminals, so what could do harm there stands in JSON's escapes.
    """
    return whole_journal(header, events, _Escaping(envelope or Plain())).decode()


class _Escaping:
    """An envelope around JSON of harmless ASCII."""

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope

    def wrap(self, document: bytes, about: str) -> bytes:
        escaped = _HARMFUL.sub(lambda found: json.dumps(found[0])[1:-1], document.decode())
        return self._envelope.wrap(escaped.replace("\x7f", "\\u007f").encode(), about)

    def unwrap(self, stored: bytes, about: str) -> bytes:
        return self._envelope.unwrap(stored, about)

    def lenient(self) -> Envelope:
        return self


def is_journal(data: bytes) -> bool:
    """Whether a document is a journal rather than a state."""
    return _FRAME.match(data) is not None


def parse_journal(data: bytes, envelope: Envelope | None = None) -> JournalContent:
    """What a journal says. Raises MalformedError for anything but a journal, or one that was cut at its end."""
    envelope = envelope or Plain()
    payloads, torn = _payloads(data)
    if not payloads:
        raise MalformedError("its first line is missing" if data else "it is empty")
    header = _header(envelope.unwrap(payloads[0], "journal"))
    lines = enumerate(payloads[1:], start=1)
    events = [decode_event(envelope.unwrap(line, _about_line(number, header))) for number, line in lines]
    return JournalContent(header, tuple(events), torn)


def _header(payload: bytes) -> JournalHeader:
    try:
        header = msgspec.json.decode(payload, type=JournalHeader)
    except (msgspec.MsgspecError, ValueError) as error:
        raise MalformedError(f"its first line is not understood: {error}") from None
    if header.format_version != JOURNAL_FORMAT:
        raise MalformedError(f"it has format {header.format_version}, this version knows {JOURNAL_FORMAT}")
    return header


def _payloads(data: bytes) -> tuple[list[bytes], int]:
    *lines, rest = data.split(b"\n")
    payloads, check = [], 0
    for number, line in enumerate(lines, start=1):
        found = _FRAME.match(line)
        payload = line[_FRAME_BYTES:]
        check = crc32(payload, check)
        if found is None or (int(found[1], 16), int(found[2], 16)) != (len(payload), check):
            raise MalformedError(f"line {number} is damaged")
        payloads.append(payload)
    if _is_whole(rest):
        raise MalformedError(f"line {len(lines) + 1} is damaged")
    return payloads, len(rest)


def _is_whole(rest: bytes) -> bool:
    """Whether a line without end is as long as it says: then it was not cut, its end was overwritten."""
    found = _FRAME.match(rest)
    return found is not None and len(rest) > _FRAME_BYTES + int(found[1], 16)
