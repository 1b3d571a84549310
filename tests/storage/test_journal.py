from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import given, settings

from reconciler.model.event import Event, StepProgressed
from reconciler.storage.codec import MalformedError, encode_version
from reconciler.storage.disk import Disk
from reconciler.storage.journal import (
    JOURNAL_FORMAT,
    Journal,
    JournalHeader,
    NotDurableError,
    is_journal,
    parse_journal,
    recovery_record,
)
from tests.storage import samples

HEADER = JournalHeader(JOURNAL_FORMAT, "j1", "run-1", "lineage-1", 41, "c" * 64, samples.AT)
EVENTS = tuple(event for event in samples.one_of_each() if not isinstance(event, StepProgressed))


class Counting(Disk):
    """Counts, and refuses a write or fsync as often as asked."""

    def __init__(self) -> None:
        self.writes = self.fsyncs = self.refuse_writes = self.refuse_fsyncs = 0

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        self.writes += 1
        if self.refuse_writes:
            self.refuse_writes -= 1
            super().write(descriptor, data[: len(data) // 2], offset)
            raise OSError(errno.ENOSPC, "No space left on device")
        super().write(descriptor, data, offset)

    def fsync(self, descriptor: int) -> None:
        self.fsyncs += 1
        if self.refuse_fsyncs:
            self.refuse_fsyncs -= 1
            raise OSError(errno.EIO, "Input/output error")
        super().fsync(descriptor)


def written(path: Path) -> tuple[Event, ...]:
    return parse_journal(path.read_bytes()).events


def test_a_journal_says_what_was_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", HEADER, Disk())
    journal.append(EVENTS[:4])
    journal.append(EVENTS[4:])
    journal.close()
    content = parse_journal((tmp_path / "j").read_bytes())
    assert (content.header, content.events, content.torn) == (HEADER, EVENTS, 0)
    assert (tmp_path / "j").stat().st_mode & 0o777 == 0o600


def test_a_batch_is_one_write_and_one_fsync(tmp_path: Path) -> None:
    disk = Counting()
    journal = Journal(tmp_path / "j", HEADER, disk)
    before = (disk.writes, disk.fsyncs)
    journal.append(EVENTS)
    assert (disk.writes, disk.fsyncs) == (before[0] + 1, before[1] + 1)
    journal.close()


def test_what_need_not_be_durable_rides_along(tmp_path: Path) -> None:
    disk = Counting()
    journal = Journal(tmp_path / "j", HEADER, disk)
    before = disk.fsyncs
    journal.append(EVENTS[:2], durable=False)
    assert disk.fsyncs == before
    assert written(tmp_path / "j") == EVENTS[:2]  # a kill loses nothing, only a power cut does
    journal.append(EVENTS[2:3])
    assert disk.fsyncs == before + 1
    journal.close()


def test_progress_is_never_written(tmp_path: Path) -> None:
    disk = Counting()
    journal = Journal(tmp_path / "j", HEADER, disk)
    before = (disk.writes, disk.fsyncs)
    journal.append([StepProgressed(samples.API, "op-1", 1, 2, "")])
    assert journal.is_empty
    assert (disk.writes, disk.fsyncs) == before
    journal.close()


@pytest.mark.parametrize("refusal", ["refuse_writes", "refuse_fsyncs"])
def test_what_the_disk_refused_is_handed_back_and_tried_again(tmp_path: Path, refusal: str) -> None:
    disk = Counting()
    journal = Journal(tmp_path / "j", HEADER, disk)
    journal.append(EVENTS[:1])
    journal.append(EVENTS[1:2], durable=False)
    setattr(disk, refusal, 2)
    for more in (EVENTS[2:3], ()):
        with pytest.raises(NotDurableError) as refused:
            journal.append(more)
        assert refused.value.events == EVENTS[1:3]
        assert parse_journal(refused.value.record.encode()).events == EVENTS[1:3]
    assert written(tmp_path / "j")[:1] == EVENTS[:1]
    journal.append(EVENTS[3:])
    journal.close()
    assert written(tmp_path / "j") == EVENTS


def whole() -> bytes:
    return recovery_record(HEADER, EVENTS).encode()


def test_a_cut_anywhere_is_a_prefix_or_an_error() -> None:
    data = whole()
    first_line = data.index(b"\n") + 1
    for end in range(len(data)):
        if end < first_line:
            with pytest.raises(MalformedError):
                parse_journal(data[:end])
            continue
        content = parse_journal(data[:end])
        complete = data[:end].count(b"\n") - 1
        assert content.events == EVENTS[:complete]
        assert content.torn == end - data.rindex(b"\n", 0, end) - 1


def test_no_flipped_bit_of_a_journal_goes_unnoticed() -> None:
    data = recovery_record(HEADER, EVENTS[:3]).encode()
    for at in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[at] ^= 1 << bit
            with pytest.raises(MalformedError):
                parse_journal(bytes(flipped))


@pytest.mark.parametrize("spoil", ["lose", "double", "swap", "foreign"])
def test_lines_out_of_place_are_noticed(spoil: str) -> None:
    lines = whole().splitlines(keepends=True)
    other = recovery_record(HEADER, EVENTS[5:]).encode().splitlines(keepends=True)
    spoilt = {
        "lose": lines[:3] + lines[4:],
        "double": [*lines[:4], lines[3], *lines[4:]],
        "swap": [*lines[:3], lines[4], lines[3], *lines[5:]],
        "foreign": lines[:3] + other[1:],
    }[spoil]
    with pytest.raises(MalformedError, match=r"line \d+ is damaged"):
        parse_journal(b"".join(spoilt))


@pytest.mark.parametrize("data", [b"", b"\n", b"{}\n", b"00000002 12345678 {}\n", b"\x00" * 100])
def test_what_is_no_journal_is_an_error(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_journal(data)


def test_a_later_format_is_refused() -> None:
    later = JournalHeader("2.0", "j1", "r", "l", 1, "c", samples.AT)
    with pytest.raises(MalformedError, match=r"format 2\.0"):
        parse_journal(recovery_record(later, ()).encode())


def test_a_journal_and_a_state_are_told_apart() -> None:
    assert is_journal(whole())
    assert not is_journal(encode_version(samples.state())[0])


@settings(max_examples=25)
@given(samples.runs)
def test_any_run_cut_anywhere_is_a_prefix(run: tuple[tuple[Event, ...], ...]) -> None:
    events = tuple(event for part in run for event in part)
    data = recovery_record(HEADER, events).encode()
    first_line = data.index(b"\n") + 1
    for end in range(first_line, len(data) + 1, 7):
        found = parse_journal(data[:end]).events
        assert found == events[: len(found)]


def test_a_record_says_what_a_journal_says() -> None:
    nasty = samples.begun(1, facts={"name": "\x1b\u202e\x7f\x9b🔑\\u007f \x7f"})
    assert parse_journal(recovery_record(HEADER, [nasty]).encode()).events == (nasty,)
