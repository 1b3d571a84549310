"""The instances of an application for people: how many in which state, and which version each of them runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from reconciler.frozen import frozen
from reconciler.render.happenings import Happening, happenings_text
from reconciler.render.harmless import harmless
from reconciler.render.table import WIDTH, counted, indented, table
from reconciler.render.values import Wording

STATES = (
    "failed",
    "unhealthy",
    "unknown",
    "stopping",
    "provisioning",
    "running",
    "stopped",
    "inactive",
)
"""What needs a person comes first."""
_WORDING = Wording()


@frozen
class Instance:
    """One instance; `version` is None where the account is only shown images."""

    id: str
    name: str
    state: str
    version: int | None
    as_intended: bool
    image: str
    location: str
    since: str
    durable_object: str = ""


@frozen
class Fleet:
    """All instances of an application, and what they are meant to run; `applied_version` is what the last apply left."""

    address: str
    name: str
    id: str
    intended_version: int | None
    applied_version: int | None
    rollout_under_way: bool
    by_state: dict[str, int]
    stragglers: int
    instances: tuple[Instance, ...]


@frozen
class CloseUp:
    """One instance looked at closely: its size, how its container ended, and what happened where it runs."""

    address: str
    instance: Instance
    vcpu: float | None
    memory_mib: int | None
    disk_mb: int | None
    exit_code: int | None
    events: tuple[Happening, ...]


def fleet_of(
    address: str,
    name: str,
    identity: str,
    *,
    intended: int | None,
    applied: int | None,
    under_way: bool,
    instances: list[Instance],
) -> Fleet:
    """Instances in the order in which they are shown, and counted."""
    ordered = sorted(instances, key=lambda one: (_rank(one.state), one.as_intended, one.name, one.id))
    by_state = Counter(one.state for one in ordered)
    late = sum(not one.as_intended for one in ordered)
    return Fleet(address, name, identity, intended, applied, under_way, dict(by_state), late, tuple(ordered))


def _rank(state: str) -> int:
    return STATES.index(state) if state in STATES else STATES.index("unknown")


def fleet_text(fleet: Fleet, age: Callable[[str], str], width: int = WIDTH) -> str:
    """The fleet's standing, then a line for each instance."""
    lines = [_headline(fleet), *_remarks(fleet)]
    text = "".join(f"{harmless(line)}\n" for line in lines)
    if not fleet.instances:
        return text
    rows = [
        (one.state, _version(one), one.name or one.id, one.location, age(one.since))
        for one in fleet.instances
    ]
    return f"{text}\n{table(('STATE', 'VERSION', 'INSTANCE', 'LOCATION', 'SINCE'), rows, width)}"


def close_up_text(found: CloseUp, age: Callable[[str], str], width: int = WIDTH) -> str:
    """One instance for people, with its events."""
    one = found.instance
    facts = {
        "state": one.state if found.exit_code is None else f"{one.state}, exit code {found.exit_code}",
        "version": _version(one),
        "image": _WORDING.shown(one.image) if one.image else "",
        "size": _size(found),
        "location": one.location,
        "since": f"{one.since} ({age(one.since)})" if one.since else "",
        "instance": one.id,
        "object": one.durable_object,
    }
    head = harmless(f"{found.address}  {one.name or one.id}")
    lines = [f"  {key:<9} {harmless(value)}\n" for key, value in facts.items() if value]
    events = happenings_text(found.events, width - 2)
    return f"{head}\n{''.join(lines)}{indented(events)}"


def _size(found: CloseUp) -> str:
    if None in (found.vcpu, found.memory_mib, found.disk_mb):
        return ""
    return f"{found.vcpu:g} vCPU, {found.memory_mib} MiB of memory, {found.disk_mb} MB of disk"


def _headline(fleet: Fleet) -> str:
    states = ", ".join(f"{number} {state}" for state, number in fleet.by_state.items()) or "no instances"
    meant = f"  version {fleet.intended_version}" if fleet.intended_version is not None else ""
    return f"{fleet.address}  {fleet.name}{meant}  {states}"


def _remarks(fleet: Fleet) -> list[str]:
    remarks = []
    applied, intended = fleet.applied_version, fleet.intended_version
    if applied is not None and intended is not None and applied != intended:
        remarks.append(f"the last apply left version {applied}; version {intended} is in force now")
    if fleet.stragglers:
        verb = "runs" if fleet.stragglers == 1 else "run"
        late = f"{counted(fleet.stragglers, 'instance')} {verb} something else than is intended"
        key = fleet.address.partition(".")[2]
        why = (
            f"a rollout is under way: `rollout status {key}`"
            if fleet.rollout_under_way
            else f"no rollout is under way: `restart {key}` brings them there"
        )
        remarks.append(f"{late}; {why}")
    return remarks


def _version(one: Instance) -> str:
    number = str(one.version) if one.version is not None else "-" if one.state == "inactive" else "?"
    return number if one.as_intended else f"{number} (not intended)"
