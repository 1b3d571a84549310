"""What is remembered and what is there, for people: a line per resource, or everything about one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from reconciler.frozen import frozen
from reconciler.model.value import Value
from reconciler.render.harmless import harmless
from reconciler.render.table import WIDTH, table
from reconciler.render.values import Wording

_WORDING = Wording()
Age = Callable[[str], str]


@frozen
class Held:
    """One resource: what is remembered, and what is there. `outputs` are the live ones, the remembered ones where it is gone."""

    address: str
    name: str
    id: str
    there: bool
    applied_at: str
    applied_by: str
    under_way: tuple[str, ...]
    guards: tuple[str, ...]
    outputs: Mapping[str, Value]

    @property
    def runs(self) -> str:
        """What it is at: the image that runs, the digest it came to, the version in force."""
        image, version = self.outputs.get("image") or self.outputs.get("digest"), self.outputs.get("version")
        parts = (
            "" if version in (None, "") else f"version {version}",
            _WORDING.shown(image).removeprefix("sha256:") if image else "",
        )
        return ", ".join(filter(None, parts))

    @property
    def standing(self) -> str:
        """Whether it is there, and what is still under way."""
        return ", ".join(
            (() if self.there else ("GONE",)) + tuple(f"{one} under way" for one in self.under_way)
        )


@frozen
class Locked:
    """Who holds the lock; `told` says it in words."""

    user: str
    host: str
    pid: int
    command: str
    since: str
    told: str


@frozen
class Open:
    """A step that began and never ended."""

    address: str
    operation: str
    began_at: str


@frozen
class Status:
    """The standing of a project in an environment."""

    project: str
    environment: str | None
    serial: int
    resources: tuple[Held, ...]
    pending: tuple[Open, ...]
    lock: Locked | None


def status_text(status: Status, age: Age, width: int = WIDTH) -> str:
    """A table of all resources, then what is open and who holds the lock."""
    rows = [
        (one.address, one.standing or "there", one.runs, age(one.applied_at), one.applied_by)
        for one in status.resources
    ]
    body = table(("RESOURCE", "IS", "AT", "SINCE", "BY"), rows, width) if rows else "nothing is applied\n"
    return f"{_heading(status)}\n\n{body}{''.join(_notes(status, age))}"


def resource_text(status: Status, age: Age) -> str:
    """All about each of the resources, a value per line: whole, so that it may be copied."""
    blocks = [_block(one, age) for one in status.resources]
    return "\n".join((f"{_heading(status)}\n", *blocks)) + "".join(_notes(status, age))


def _heading(status: Status) -> str:
    where = f"{status.project}/{status.environment}" if status.environment else status.project
    return harmless(f"{where}, state #{status.serial}")


def _block(one: Held, age: Age) -> str:
    since = f"{one.applied_at} ({age(one.applied_at)}) by {one.applied_by}" if one.applied_at else ""
    told: Sequence[tuple[str, Value]] = (
        ("is", one.standing or "there"),
        ("name", one.name),
        ("id", one.id),
        ("applied", since),
        ("guarded by", ", ".join(one.guards)),
        *sorted((key, value) for key, value in one.outputs.items() if key not in ("name", "id")),
    )
    lines = [(key, value if isinstance(value, str) else _WORDING.shown(value)) for key, value in told]
    room = max(len(key) for key, text in lines if text)
    return (
        harmless(one.address)
        + "\n"
        + "".join(f"  {harmless(key):{room}}  {harmless(text)}\n" for key, text in lines if text)
    )


def _notes(status: Status, age: Age) -> Iterator[str]:
    if status.pending or status.lock:
        yield "\n"
    for step in status.pending:
        yield (
            harmless(
                f"{step.address}: {step.operation} began {age(step.began_at)} ago ({step.began_at}), never ended; "
                "the next apply goes on with it"
            )
            + "\n"
        )
    if status.lock:
        yield harmless(f"locked by {status.lock.told}") + "\n"
