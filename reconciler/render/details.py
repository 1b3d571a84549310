"""What a kind adds for the reader of a change: rollout steps, changed files and packages, sizes.

A shape that is not known here is told plainly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from reconciler.frozen import frozen
from reconciler.model.plan import PlannedChange
from reconciler.render.amounts import duration, moment, size_text
from reconciler.render.harmless import harmless
from reconciler.render.values import Wording

_NUMBERS = (int, float)
_HASHES, _SHORT_COMMIT, _HEXADECIMAL = (40, 64), 12, set("0123456789abcdef")
_SIGNS = {"added": "+", "changed": "~", "removed": "-"}


@frozen
class Fact:
    """Something about a change: a title, what there is to say in a line, and members where there are several."""

    title: str
    text: str = ""
    items: tuple[str, ...] = ()


@frozen
class RolloutStep:
    """How far a step of a rollout goes; `capacity`: how many instances serve meanwhile at worst, None: not said.

    `seconds` is how long this step takes, `starts_after` and `ends_after` count from the beginning; None: not said.
    """

    number: int
    percentage: float
    instances: int
    capacity: int | None = None
    seconds: float | None = None
    starts_after: float | None = None
    ends_after: float | None = None


@frozen
class Rollout:
    """How instances are replaced."""

    kind: str
    instances: int
    steps: tuple[RolloutStep, ...]
    grace_seconds: float = 0
    longest_seconds: float = 0  # if busy instances take all the time they may
    assumes: str = ""

    @property
    def worst_capacity(self) -> int | None:
        """How many instances serve at the worst moment, where the plan says so."""
        return min((one.capacity for one in self.steps if one.capacity is not None), default=None)

    @property
    def seconds(self) -> float:
        """How long it should take; 0 where the plan does not say."""
        return max((one.ends_after or 0 for one in self.steps), default=0)

    @property
    def is_drawn(self) -> bool:
        """Whether there is anything to be seen of it."""
        return bool(self.steps and self.instances)

    @property
    def is_manual(self) -> bool:
        """Whether somebody asks for each step, whenever that is."""
        return self.kind == "full_manual"

    def headline(self) -> str:
        """It in a line."""
        parts = [harmless(self.kind)]
        parts += [f"{self.instances} instances"] if self.instances != 1 else ["1 instance"]
        parts += [f"grace {self.grace_seconds:g} s"] if self.grace_seconds else []
        return ", ".join([*parts, self.toll()] if self.toll() else parts)

    def toll(self) -> str:
        """What it costs those who are served: how many instances are away at worst, and for how long."""
        parts = []
        if self.worst_capacity is not None and self.instances:
            parts.append(f"capacity never below {share(self.worst_capacity, self.instances)}")
        parts += [self._time()] if self.seconds else []
        return ", ".join(parts)

    def _time(self) -> str:
        if self.is_manual:
            return "each step when it is asked for"
        longest = f" to {duration(self.longest_seconds)}" if self.longest_seconds else ""
        return f"about {duration(self.seconds)}{longest}"


def share(some: int, of: int) -> str:
    """`7 of 14 (50 %)`."""
    return f"{some} of {of} ({100 * some // of} %)" if of else f"{some}"


def rollout_of(change: PlannedChange) -> Rollout | None:
    """The rollout that a change starts, None where it starts none."""
    told = change.details.get("rollout")
    if not _is_rollout(told):
        return None
    steps = tuple(
        _step(number, one) for number, one in enumerate(told["steps"], 1) if isinstance(one, Mapping)
    )
    return Rollout(
        str(told.get("kind", "rollout")),
        int(_number(told.get("instances")) or 0),
        steps,
        _number(told.get("grace_seconds")) or 0,
        _number(told.get("longest_seconds")) or 0,
        str(told.get("assumes", "")),
    )


def _is_rollout(told: Any) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(told, Mapping) and isinstance(told.get("steps"), list | tuple)


def _step(number: int, told: Mapping[str, Any]) -> RolloutStep:
    capacity = _number(told.get("capacity"))
    return RolloutStep(
        int(_number(told.get("step")) or number),
        _number(told.get("percentage")) or 0,
        int(_number(told.get("instances")) or 0),
        None if capacity is None else int(capacity),
        _number(told.get("seconds")),
        _number(told.get("starts_after")),
        _number(told.get("ends_after")),
    )


def _number(value: Any) -> float | None:
    return value if type(value) in _NUMBERS else None


def facts_of(change: PlannedChange, wording: Wording) -> Iterator[Fact]:
    """Everything else that a kind says of a change; what an attribute says already is left out."""
    told = {
        key: value
        for key, value in sorted(change.details.items())
        if value is not None and not (key == "rollout" and _is_rollout(value))
    }
    if not told:
        return
    said = {wording.shown(one.after) for one in change.attributes if isinstance(one.after, str | int)}
    simple: list[str] = []
    for key, value in told.items():
        title = harmless(key)
        if isinstance(value, Mapping) and value.keys() <= {*_SIGNS, "more"}:
            yield _difference(title, value, wording)
        elif isinstance(value, Mapping) and key == "labels":
            yield Fact(title, ", ".join(_labels(value)))
        elif isinstance(value, Mapping):
            yield Fact(_worded(title), "; ".join(_told(value, wording)))
        elif isinstance(value, list | tuple):
            yield Fact(_worded(title), items=tuple(_item(one, wording) for one in value))
        elif (text := _scalar(key, value, change, wording)) and wording.shown(value) not in said:
            simple.append(f"{_worded(title)} {text}")
    if simple:
        yield Fact("", ", ".join(simple))


def _labels(value: Mapping[str, Any]) -> Iterator[str]:
    """What an image says of how it was built: `version 1.9.0, commit 4e02ab1c07d9, built 2026-11-20 10:00 UTC`."""
    for key, inner in sorted(value.items(), reverse=True):
        if key == "built_at":
            yield f"built {harmless(moment(str(inner)))}"
        else:
            yield f"{harmless(_worded(key))} {harmless(_abbreviated(str(inner)))}"


def _abbreviated(text: str) -> str:
    """The beginning of a commit's hash; other texts as they are."""
    return text[:_SHORT_COMMIT] if len(text) in _HASHES and set(text) <= _HEXADECIMAL else text


def _scalar(key: str, value: Any, change: PlannedChange, wording: Wording) -> str:
    if key.endswith("_is_estimate"):
        return ""
    if key == "size" and isinstance(value, int | float):
        guess = " (estimate)" if change.details.get("size_is_estimate") else ""
        return f"{size_text(value)}{guess}"
    return harmless(wording.short(value)) if isinstance(value, str) else wording.shown(value, key)


def _worded(title: str) -> str:
    return title.replace("_", " ")


def _difference(title: str, value: Mapping[str, Any], wording: Wording) -> Fact:
    """`{added, changed, removed}` of files, modules or packages; `more` counts by the same keys what is not listed."""
    counts, items = [], []
    for key, sign in _SIGNS.items():
        members, more = value.get(key) or (), (value.get("more") or {}).get(key, 0)
        counts += [f"{sign}{len(members) + more}"] if members else []
        items += [f"{sign} {_item(one, wording)}" for one in members]
        items += [f"{sign} … {more:,} more"] if more else []
    return Fact(_worded(title), " ".join(counts), tuple(items))


def _item(value: Any, wording: Wording) -> str:
    """A member of a list: a text, or an object by its name and what became of it."""
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, Mapping):
        name = next((harmless(str(value[key])) for key in ("name", "path") if key in value), "")
        if "before" in value or "after" in value:
            return (
                f"{name} {wording.shown(value.get('before'))} → {wording.shown(value.get('after'))}".strip()
            )
        if name and "version" in value:
            return f"{name} {harmless(str(value['version']))}"
        return ", ".join(_told(value, wording))
    return wording.shown(value)


def _told(value: Mapping[str, Any], wording: Wording) -> Iterator[str]:
    for key, inner in sorted(value.items()):
        members = inner if isinstance(inner, list | tuple) else (inner,)
        yield f"{harmless(str(key))} {', '.join(_item(one, wording) for one in members)}"
