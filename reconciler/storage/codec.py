"""States, events and plans to JSON and back: strict, the same bytes for the same value, never a secret.

A state's first field is a checksum of every byte after it, so that no flipped bit and no lost end goes unnoticed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, get_args

import msgspec

from reconciler.errors import StateError
from reconciler.frozen import frozen
from reconciler.model.event import Event
from reconciler.model.plan import Plan
from reconciler.model.state import State
from reconciler.storage.wire import REPORT_IT, event_mirror, mirror

STATE_FORMAT = "1.0"

UNSEALED = "0" * 64
_PREFIX = b'{"checksum":"'
_BODY_AT = len(_PREFIX) + 64
HEAD_BYTES = 512
_HEAD = re.compile(
    rb'\{"checksum":"(?P<checksum>[0-9a-f]{64})","format_version":"(?P<format>[^"]*)","written_at":"(?P<written_at>[^"]*)",'
    rb'"folded":"[^"]*","lineage":"(?P<lineage>[^"]*)","serial":(?P<serial>\d+),'
)
_STAMPS = ("checksum", "format_version", "written_at", "folded")


def _as_dict(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} cannot be stored")


_encoder = msgspec.json.Encoder(order="deterministic", enc_hook=_as_dict)
_sorted_encoder = msgspec.json.Encoder(order="sorted")


class MalformedError(ValueError):
    """Bytes that are not what they should be; the text says where, never with a value. `fix`: what helps, if it is known here."""

    def __init__(self, text: str, fix: str = "") -> None:
        super().__init__(text)
        self.fix = fix


@frozen
class Version:
    """One version of the state as it stands in a file. `folded` is the id of the journal that went into it."""

    state: State
    checksum: str
    written_at: str = ""
    folded: str = ""


@frozen
class Head:
    """What the first bytes of a state file tell, unverified."""

    checksum: str
    format_version: str
    lineage: str
    serial: int
    written_at: str


@cache
def state_document() -> type[msgspec.Struct]:
    """The Struct of a whole state file: its stamps, then the state's own fields, each of them written out."""
    return msgspec.defstruct(
        "StateFile",
        [*((stamp, str) for stamp in _STAMPS), *mirror(State).fields],
        forbid_unknown_fields=True,
        namespace={"__doc__": State.__doc__},
    )


def encode_version(state: State, *, written_at: str = "", folded: str = "") -> tuple[bytes, Version]:
    """A state as the bytes of its file, and the version that they are."""
    if wrong := _misplaced(state):
        raise StateError(f"the state cannot be stored: {wrong}", fix=REPORT_IT)
    stamps = (UNSEALED, STATE_FORMAT, written_at, folded)
    with _encoding():
        data = _encoder.encode(state_document()(*stamps, *mirror(State).values(state))) + b"\n"
    sealed, checksum = with_checksum(data)
    head = head_of(sealed[:HEAD_BYTES])
    if head is None or head.lineage != state.lineage:
        raise StateError(f"the state cannot be stored: {state.lineage!r} is no lineage")
    return sealed, Version(state, checksum, written_at, folded)


def decode_version(data: bytes) -> Version:
    """The state in a file's bytes; every one of them counts. Raises MalformedError."""
    if not is_sealed(data):
        raise MalformedError(_why_unsealed(data))
    return decode_unsealed(data)


def decode_unsealed(data: bytes) -> Version:
    """The state in a document whose checksum was not looked at, or taken out by whoever edited it."""
    newer_than_known(data)
    with _decoding():
        document = msgspec.json.decode(_with_stamps(data), type=state_document())
        values = msgspec.structs.astuple(document)
        checksum, _, written_at, folded = values[: len(_STAMPS)]
        state = mirror(State).revive(values[len(_STAMPS) :])
    if wrong := _misplaced(state):
        raise MalformedError(wrong)
    return Version(state, checksum, written_at, folded)


def with_checksum(data: bytes) -> tuple[bytes, str]:
    """A document whose first field is `checksum`, UNSEALED as yet, with the checksum of all that follows; and that."""
    checksum = hashlib.sha256(data[_BODY_AT:]).hexdigest()
    return b"".join((_PREFIX, checksum.encode(), data[_BODY_AT:])), checksum


def is_sealed(data: bytes) -> bool:
    """Whether the checksum at the front is that of all that follows."""
    digest = hashlib.sha256(data[_BODY_AT:]).hexdigest().encode()
    return data[:_BODY_AT] == _PREFIX + digest


def head_of(data: bytes) -> Head | None:
    """What the first bytes of a state file tell; None where they are no such thing."""
    found = _HEAD.match(data)
    if found is None:
        return None
    text = {name: value.decode(errors="replace") for name, value in found.groupdict().items()}
    return Head(text["checksum"], text["format"], text["lineage"], int(text["serial"]), text["written_at"])


def has_checksum(data: bytes) -> bool:
    """Whether a document claims to be as it was written."""
    try:
        return bool(msgspec.json.decode(data, type=_Checksum).checksum)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return True


def newer_than_known(data: bytes) -> None:
    """Raises MalformedError for a document of a later format than this version of the tool writes."""
    if is_newer(data):
        raise MalformedError(
            f"it has format {format_of(data)}, written by a newer version of reconciler; this one knows {STATE_FORMAT}",
            "update reconciler, or restore a version that this one knows",
        )


def is_newer(data: bytes) -> bool:
    """Whether a document is of a later format than this version of the tool writes."""
    if (head := head_of(data[:HEAD_BYTES])) and head.format_version == STATE_FORMAT:
        return False
    written = format_of(data)
    return written is not None and _version(written) > _version(STATE_FORMAT)


def format_of(data: bytes) -> str | None:
    """The `format_version` of any JSON document, None where it has none."""
    try:
        return msgspec.json.decode(data, type=_Format).format_version
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None


class _Checksum(msgspec.Struct):
    checksum: str = ""


class _Format(msgspec.Struct):
    format_version: str


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdecimal() else 0 for part in text.split("."))


def major(text: str) -> int:
    """The part of a format version that changes when older readers would go wrong."""
    return _version(text)[0]


def encode_event(event: Event) -> bytes:
    """One event as one line of JSON."""
    kind: Any = type(event)
    with _encoding():
        return _encoder.encode(event_mirror(kind).store(event))


def decode_event(data: bytes) -> Event:
    """The event in one line of JSON. Raises MalformedError."""
    with _decoding():
        decoder, mirrors = _events()
        stored = decoder.decode(data)
        event: Event = mirrors[type(stored)].load(stored)
    return event


@cache
def _events() -> tuple[msgspec.json.Decoder[Any], dict[type, Any]]:
    mirrors = {event_mirror(it).struct: event_mirror(it) for it in get_args(Event)}
    structs: Any = tuple(mirrors)
    return msgspec.json.Decoder(_union(structs)), mirrors


def _union(structs: tuple[Any, ...]) -> Any:
    union = structs[0]
    for struct in structs[1:]:
        union = union | struct
    return union


def encode_plan(plan: Plan, *, canonical: bool = False) -> bytes:
    """A plan as JSON, its fields in the order of the contract; `canonical`: all keys sorted, for hashing."""
    encoder = _sorted_encoder if canonical else _encoder
    with _encoding():
        return encoder.encode(mirror(Plan, sparse=False).store(plan))


def decode_plan(data: bytes) -> Plan:
    """The plan in a JSON document. Raises MalformedError."""
    with _decoding():
        return msgspec.json.decode(data, type=Plan)


@contextmanager
def _encoding() -> Iterator[None]:
    try:
        yield
    except (msgspec.MsgspecError, TypeError, OverflowError, UnicodeError, RecursionError) as error:
        kind = type(error).__name__
        raise StateError(
            f"a value cannot be stored as JSON ({kind})", fix="use texts in UTF-8 and ordinary numbers"
        ) from None


@contextmanager
def _decoding() -> Iterator[None]:
    try:
        yield
    except MalformedError:
        raise
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise MalformedError(str(error) or type(error).__name__) from None


def _why_unsealed(data: bytes) -> str:
    if not data.strip():
        return "it is empty"
    newer_than_known(data)
    try:
        msgspec.json.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return "it is cut short or overwritten"
    return "its checksum does not match its content"


def _with_stamps(data: bytes) -> bytes:
    """A document with the stamps that an editor may have left out."""
    if data.startswith(_PREFIX):
        return data
    document = msgspec.json.decode(data)
    if not isinstance(document, dict):
        raise MalformedError("it is no JSON object")
    return _encoder.encode({"checksum": "", "written_at": "", "folded": "", **document})


def _misplaced(state: State) -> str:
    for address, prior in state.resources.items():
        if prior.address != address:
            return f"{address} is recorded as {prior.address}"
    return ""
