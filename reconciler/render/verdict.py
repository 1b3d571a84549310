"""What a plan comes to: counts, the worst that happens, what is dangerous and why. The same words in every format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.frozen import frozen
from reconciler.model.change import Action
from reconciler.model.plan import Plan, PlannedChange, PlannedHazard, PlannedSource
from reconciler.render.amounts import duration
from reconciler.render.details import rollout_of
from reconciler.render.harmless import harmless

_ALWAYS_COUNTED = (Action.DELETE, Action.REPLACE, Action.UPDATE, Action.CREATE)
_COUNTED = (
    *_ALWAYS_COUNTED,
    Action.ADOPT,
    Action.RUN,
    Action.RESUME,
    Action.MOVE,
    Action.FORGET,
    Action.REFUSED,
)
_HARMLESS = (99, "")
_RARELY_DANGEROUS = frozenset({"UNPINNED_IMAGE"})
_CROWD = 20
_LONGEST_NAME = 140
"""Two names of 63 signs and more fit; anything longer came from elsewhere."""
NO_RISK = "none, nothing that runs is stopped or replaced"


@frozen
class Risk:
    """The worst that happens to some resources, in one word."""

    word: str
    addresses: tuple[str, ...]


@frozen
class Danger:
    """Changes that are dangerous in the same way, and what caused it; `exact`: to the letter, else with values of their own."""

    changes: tuple[PlannedChange, ...]
    exact: bool = True

    @property
    def first(self) -> PlannedChange:
        """The one that speaks for all."""
        return self.changes[0]

    @property
    def hazards(self) -> tuple[PlannedHazard, ...]:
        """Its hazards, those that block first."""
        return tuple(sorted(self.first.hazards, key=lambda one: (one.severity != "blocked", one.code)))

    @property
    def reason(self) -> str:
        """Why, as the first one says it."""
        return self.first.reason if self.exact else f"{self.first.reason}; the others likewise"

    @property
    def toll(self) -> str:
        """What its rollout costs those who are served; "" where it starts none, or the others start another."""
        rollout = rollout_of(self.first) if self.exact else None
        return rollout.toll() if rollout else ""

    @property
    def source(self) -> PlannedSource:
        """Where its cause stands: the attribute that forces a replacement, else what differs, else the resource."""
        attributes = self.first.attributes
        causes = [one for one in attributes if one.forces_replacement] or attributes[:1]
        return causes[0].source if causes and causes[0].source.line else self.first.source


def where(plan: Plan) -> str:
    """Project and environment."""
    name = f"{plan.project}/{plan.environment}" if plan.environment else plan.project
    return harmless(name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…")


def total(plan: Plan) -> int:
    """How many resources the plan speaks of."""
    return sum(plan.summary.values())


def counted(plan: Plan) -> tuple[tuple[str, int], ...]:
    """Actions with their numbers; deletes, replacements, updates and creates also where there is none."""
    numbers = ((action, plan.summary.get(action, 0)) for action in _COUNTED)
    return tuple((str(action), number) for action, number in numbers if number or action in _ALWAYS_COUNTED)


def headline(plan: Plan) -> str:
    """The counts with their denominator in one breath."""
    if plan.is_empty:
        return "no changes"
    counts = ", ".join(f"{number} {action}" for action, number in counted(plan))
    return f"{counts} of {total(plan)}"


def aside(plan: Plan) -> str:
    """What does not change, and what somebody else changed; first, where it is not the manifest that is wanted."""
    to = plan.inputs.options.get("to")
    parts = [] if to is None else [f"back to state #{to}"]
    parts.append(f"{plan.summary.get('no_op', 0)} unchanged")
    if plan.drift:
        parts.append(f"{len({one.address for one in plan.drift})} drifted")
    warnings = sum(one.severity == "warning" for one in plan.diagnostics)
    errors = sum(one.severity == "error" for one in plan.diagnostics)
    parts += [plural(errors, "error")] if errors else []
    parts += [plural(warnings, "warning")] if warnings else []
    return ", ".join(parts)


def risks(plan: Plan) -> tuple[Risk, ...]:
    """What may hurt, worst first: blocked hazards, deletions, replacements, restarts, the rest."""
    found: dict[tuple[int, str], list[str]] = {}
    for change in plan.changes:
        if risk := _risk(change):
            found.setdefault(risk, []).append(change.address)
    return tuple(Risk(word, tuple(addresses)) for (_, word), addresses in sorted(found.items()))


def _risk(change: PlannedChange) -> tuple[int, str] | None:
    blocked = [one.code for one in change.hazards if one.severity == "blocked"]
    if blocked:
        return 0, f"BLOCKED ({', '.join(map(harmless, blocked))}) {change.action.upper()}"
    if change.action == Action.REFUSED:
        return 4, "REFUSED"
    if change.action in (Action.DELETE, Action.REPLACE):
        return (1 if change.action == Action.DELETE else 2), change.action.upper()
    if change.effect == "downtime":
        return 3, "DOWNTIME"
    if change.effect == "rollout":
        return 5, "RESTART"
    shown = [one.code for one in change.hazards if one.code not in _RARELY_DANGEROUS]
    return (6, harmless(shown[0])) if shown else None


def dangers(plan: Plan) -> tuple[Danger, ...]:
    """What has to be looked at before all else, worst first; equal dangers are one."""
    groups: dict[object, list[PlannedChange]] = {}
    for change in plan.changes:
        if risk := _risk(change):
            key = risk, change.kind, change.action, change.effect, change.reason, change.hazards
            groups.setdefault(key, []).append(change)
    ranked = sorted(groups.items(), key=lambda item: item[0][0])  # type: ignore[index]
    return tuple(Danger(tuple(changes)) for _, changes in ranked)


def crowded(found: tuple[Danger, ...]) -> tuple[Danger, ...]:
    """Where there are more dangers than anybody reads, those are one that differ in their values only."""
    if len(found) <= _CROWD:
        return found
    groups: dict[object, list[Danger]] = {}
    for danger in found:
        first = danger.first
        codes = tuple(one.code for one in danger.hazards)
        groups.setdefault((first.kind, first.action, first.effect, codes), []).append(danger)
    return tuple(
        Danger(tuple(change for one in alike for change in one.changes), exact=len(alike) == 1)
        for alike in groups.values()
    )


def by_risk(plan: Plan) -> list[PlannedChange]:
    """The changes, the most dangerous first, else in the order of execution."""
    return sorted(plan.changes, key=lambda change: _risk(change) or _HARMLESS)


def requests(plan: Plan) -> str:
    """What the apply will ask of the API, as far as it can be told; "" where it cannot."""
    writes, reads = plan.requests.get("writes", 0), plan.requests.get("reads", 0)
    if not writes + reads or plan.is_empty:
        return ""
    asked = " and ".join(plural(count, one) for count, one in ((reads, "read"), (writes, "write")) if count)
    return f"about {asked}{_of_quota(plan, reads + writes)}"


def _of_quota(plan: Plan, count: int) -> str:
    """What a token may ask in a while, and how long it takes where that is not enough."""
    quota, window = plan.requests.get("quota", 0), plan.requests.get("window_seconds", 0)
    if not quota:
        return ""
    longer = f", so at least {duration((count - quota) / quota * window)}" if count > quota else ""
    return f" of {quota:,} per {duration(window)}{longer}"


def permissions(plan: Plan) -> str:
    """What the apply needs the token to be allowed; "" where none is needed, or none is asked for."""
    if plan.is_empty or plan.target == "local" or not plan.permissions:
        return ""
    *most, last = plan.permissions
    return f"{', '.join(most)} and {last}" if most else last


def waves_of(plan: Plan) -> dict[str, int]:
    """When each address is dealt with."""
    return {change.address: change.wave for change in plan.changes}


def verb_of(change: PlannedChange) -> str:
    """What is done in words: the action, what it does to what runs, and the two steps of a replacement."""
    effect = f", {change.effect}" if change.effect not in ("none", "hot") else ""
    if change.action == Action.REPLACE and len(change.steps) > 1:
        first, last = change.steps[0], change.steps[-1]
        if first.wave != last.wave:
            order = f"{first.operation} in wave {first.wave}, {last.operation} in wave {last.wave}"
        else:
            order = f"{first.operation}, then {last.operation}"
        return f"replace ({order}){effect}"
    return f"{change.action}{effect}"


def few(names: Sequence[str], most: int = 3) -> str:
    """Some names, and how many more there are."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most:,} more"


def plural(count: int, noun: str) -> str:
    """A number with its noun."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def addresses(changes: Iterable[PlannedChange]) -> list[str]:
    """The addresses of some changes, harmless."""
    return [harmless(one.address) for one in changes]
