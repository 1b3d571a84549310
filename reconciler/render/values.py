"""How single values look: digests short, references without their registry, sizes with their meaning, texts quoted.

A text stands without quotes only where nothing else could look like it: `"1"` is a text, `1` a number, `(none)` no value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from reconciler.frozen import frozen
from reconciler.model.plan import Plan
from reconciler.render.harmless import harmless

NOTHING = "(none)"
SENSITIVE = "(sensitive)"
SHORTEST_DIGEST = 12

_HEX = re.compile(r"(?<![0-9a-f])([0-9a-f]{64})(?![0-9a-f])")
_ACCOUNT = re.compile(r"^[\w.-]+(?::\d+)?/[0-9a-f]{32}/(?=[^/])")
_BARE = re.compile(r"[\w./@~][\w./:@+~=,%&?#*-]*")
_NUMBERS = (int, float)
_SIZE_KEYS = {"vcpu", "memory_mib", "disk_mb"}
_QUOTED = json.JSONEncoder(ensure_ascii=False).encode
_TYPED = frozenset(("true", "false", "null", "yes", "no", "on", "off", "~"))

# What a type stands for: reference 5.1.
INSTANCE_TYPES = {
    "lite": "1/16 vCPU, 256 MiB, 2 GB",
    "basic": "1/4 vCPU, 1 GiB, 4 GB",
    "standard-1": "1/2 vCPU, 4 GiB, 8 GB",
    "standard-2": "1 vCPU, 6 GiB, 12 GB",
    "standard-3": "2 vCPU, 8 GiB, 16 GB",
    "standard-4": "4 vCPU, 12 GiB, 20 GB",
}


@frozen
class Wording:
    """How the values of one plan are worded.

    `digits`: how many of a digest tell it from every other. `longest`: signs of a value before it is cut, 0: never.
    `whole`: digests and references as they are.
    """

    digits: int = SHORTEST_DIGEST
    longest: int = 0
    whole: bool = False

    def shown(self, value: Any, path: str = "") -> str:
        """A value as a plan prints it; `path` says what it means."""
        if value is None:
            return NOTHING
        if isinstance(value, str):
            return self._text(value, path)
        if isinstance(value, bool):
            return "true" if value else "false"
        if type(value) in _NUMBERS:
            return _number(value, path)
        if not self.whole and path == "instance_type" and (size := _size_text(value)):
            return size
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
        return self.cut(harmless(self.short(text)), len(text))

    def pair(self, before: Any, after: Any, path: str = "") -> tuple[str, str]:
        """Two values that differ, worded so that they differ."""
        short = self.shown(before, path), self.shown(after, path)
        if short[0] != short[1]:
            return short
        return _WHOLE.shown(before, path), _WHOLE.shown(after, path)

    def short(self, text: str) -> str:
        """A text with its digests shortened."""
        if self.whole or len(text) < 64:
            return text
        return _HEX.sub(lambda found: found[1][: self.digits], text)

    def cut(self, text: str, length: int) -> str:
        """A text that is not longer than it may be; says how long it really is."""
        if not self.longest or len(text) <= self.longest:
            return text
        return f"{text[: self.longest]}… ({length:,} characters)"

    def _text(self, value: str, path: str) -> str:
        text = self.short(value)
        if not self.whole and "/" in text:
            text = _ACCOUNT.sub("", text)
        if path.split(".", 1)[0] == "instance_type" and value in INSTANCE_TYPES:
            return f"{text} ({INSTANCE_TYPES[value]})"
        shown = text if is_bare(text) else _QUOTED(text)
        return self.cut(harmless(shown), len(value))


def _size_text(value: Any) -> str:
    """A size of one's own, explained as the named ones are; "" for anything else."""
    if not isinstance(value, Mapping) or value.keys() != _SIZE_KEYS:
        return ""
    vcpu, memory, disk = (value[key] for key in ("vcpu", "memory_mib", "disk_mb"))
    if not all(type(one) in (int, float) for one in (vcpu, memory, disk)):
        return ""
    return f"{vcpu:g} vCPU, {memory / 1024:g} GiB, {disk / 1000:g} GB"


_WHOLE = Wording(whole=True)


def shown(value: Any, path: str = "") -> str:
    """A value with nothing left out, where no plan is at hand: it may be copied from here."""
    return _WHOLE.shown(value, path)


def is_bare(text: str) -> bool:
    """Whether a text can stand without quotes: nothing but a text looks like it."""
    return bool(_BARE.fullmatch(text)) and text.lower() not in _TYPED and not _is_number(text)


def _is_number(text: str) -> bool:
    if text[0] not in "0123456789.inIN":  # quick, since hardly any text could be one
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(value: float, path: str) -> str:
    text = str(value) if type(value) is int else json.dumps(value)
    name = path.rpartition(".")[2]
    if name.endswith("_mib") and value >= 1024:
        return f"{text} ({value / 1024:g} GiB)"
    if name.endswith("_mb") and value >= 1000:
        return f"{text} ({value / 1000:g} GB)"
    if name.endswith(("_seconds", "_period")) and value:
        return f"{text} s"
    return text


def wording_of(plan: Plan, *, longest: int = 0, whole: bool = False) -> Wording:
    """The wording in which no two digests of a plan look alike."""
    return Wording(digits_apart(_digests(plan)), longest, whole)


def digits_apart(digests: Iterable[str]) -> int:
    """How many digits tell these digests apart, at least twelve."""
    ordered = sorted(set(digests))
    shared = max((_shared(*two) for two in pairwise(ordered)), default=0)
    return max(SHORTEST_DIGEST, shared + 1)


def _shared(one: str, other: str) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))


def _digests(plan: Plan) -> Iterator[str]:
    for change in plan.changes:
        for attribute in change.attributes:
            for value in (attribute.before, attribute.after):
                if isinstance(value, str):
                    if len(value) >= 64:
                        yield from _HEX.findall(value)
                elif isinstance(value, list | tuple | dict):
                    for text in _texts(value):
                        yield from _HEX.findall(text)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if len(value) >= 64:
            yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
