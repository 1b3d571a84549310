"""What must not happen by accident: mass destruction, and blocked hazards that no flag allows (interface 3 "Hazards")."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.frozen import frozen
from reconciler.model.plan import Plan, PlannedChange

MASS_DESTROY = "MASS_DESTROY"


@frozen
class Allowance:
    """What the user allowed on the command line: `--allow HAZARD[:ADDRESS]` and `--allow-destroy N`."""

    hazards: frozenset[tuple[str, str]] = frozenset()  # (code, address or "")
    destroy: int | None = None

    def covers(self, code: str, address: str) -> bool:
        """Whether a blocked hazard of a resource is allowed; PROTECTED needs the address."""
        if (code, address) in self.hazards:
            return True
        return code != "PROTECTED" and (code, "") in self.hazards


def counts_as_mass_destroy(deleted: int, remembered: int, manifest_is_empty: bool) -> bool:
    """More than ten, or more than 30 % when that is at least three, or all that an empty manifest leaves."""
    if deleted == 0:
        return False
    if deleted > 10:
        return True
    if deleted >= 3 and deleted * 10 > remembered * 3:
        return True
    return manifest_is_empty and deleted >= remembered


def not_allowed(plan: Plan, allowance: Allowance) -> tuple[str, ...]:
    """The flags of `allow_needed` that the user has not given."""
    return tuple(flag for flag in plan.allow_needed if not _is_given(flag, allowance))


def _is_given(flag: str, allowance: Allowance) -> bool:
    name, _, what = flag.partition(" ")
    if name == "--allow-destroy":
        return allowance.destroy == int(what)
    code, _, address = what.partition(":")
    return allowance.covers(code, address)


def allow_needed(changes: Iterable[PlannedChange], mass_destroyed: int) -> tuple[str, ...]:
    """Complete flags, ready to be typed: `--allow DELETES_DATA:worker.edge`, `--allow-destroy 12`."""
    flags = [
        f"--allow {hazard.code}:{change.address}"
        for change in changes
        for hazard in change.hazards
        if hazard.severity == "blocked" and hazard.code != MASS_DESTROY
    ]
    if mass_destroyed:
        flags.append(f"--allow-destroy {mass_destroyed}")
    return tuple(flags)
