"""The order of steps, and the wave each is shown in. What only ought to be first gives way where it would close a loop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.errors import PlanError
from reconciler.model.change import Step, StepKey

Steps = Mapping[StepKey, Step]
_GOING = ("delete", "resume")


def in_waves(steps: Steps) -> dict[StepKey, Step]:
    """The steps in order, each with its wave. Raises PlanError where they cannot be ordered."""
    for give_way in (_as_it_is, _without_preferences, _gone_first, _gone_in_any_order):
        steps = give_way(steps)
        ordered = _ordered(steps)
        if len(ordered) == len(steps):
            return _numbered(steps, ordered)
    loop = ", ".join(f"{key.operation} {key.address}" for key in sorted(_loops(steps)))
    raise PlanError(
        f"these steps wait for each other: {loop}",
        fix="apply them in two runs, the first with `--target ADDRESS`",
    )


def _as_it_is(steps: Steps) -> Steps:
    return steps


def _without_preferences(steps: Steps) -> Steps:
    """Nothing blocks but what must be there."""
    stuck = steps.keys() - set(_ordered(steps))
    return {key: replace(step, after=()) if key in stuck else step for key, step in steps.items()}


def _gone_first(steps: Steps) -> Steps:
    """What goes waits only for what goes too: its successor needs its place, or its user needs what comes into its place.

    The user refers to nothing for so long; the other way is no order at all.
    """
    loops = _loops(steps)
    coming = {key for key in loops if key.operation not in _GOING}
    return {
        key: replace(step, requires=tuple(one for one in step.requires if one not in coming))
        if key in loops - coming
        else step
        for key, step in steps.items()
    }


def _gone_in_any_order(steps: Steps) -> Steps:
    """A memory that contradicts itself keeps nobody from deleting: the service says what it still needs."""
    loops = _loops(steps)
    return {
        key: replace(step, requires=tuple(one for one in step.requires if one not in loops))
        if key in loops and key.operation in _GOING
        else step
        for key, step in steps.items()
    }


def _loops(steps: Steps) -> set[StepKey]:
    """The steps that wait, over others, for themselves, and those between two such."""
    waits = {key: {*step.requires, *step.after} for key, step in steps.items()}
    stuck = steps.keys() - set(_topological(waits))
    backwards: dict[StepKey, set[StepKey]] = {key: set() for key in stuck}
    for key in stuck:
        for other in waits[key] & stuck:
            backwards[other].add(key)
    return stuck - set(_topological(backwards))


def _ordered(steps: Steps) -> list[StepKey]:
    return _topological({key: (*step.requires, *step.after) for key, step in steps.items()})


def _topological(waits: Mapping[StepKey, Iterable[StepKey]]) -> list[StepKey]:
    """Each after what it waits for; what waits for itself is left out."""
    remaining: dict[StepKey, int] = {}
    waited_by: dict[StepKey, list[StepKey]] = {}
    for key, others in waits.items():
        remaining[key] = 0
        for other in others:
            remaining[key] += 1
            waited_by.setdefault(other, []).append(key)
    order = [key for key, count in remaining.items() if not count]
    for key in order:  # grows while it is walked
        for waiting in waited_by.get(key, ()):
            remaining[waiting] -= 1
            if not remaining[waiting]:
                order.append(waiting)
    return order


def _numbered(steps: Steps, ordered: list[StepKey]) -> dict[StepKey, Step]:
    waves: dict[StepKey, int] = {}
    for key in ordered:
        step = steps[key]
        waves[key] = 1 + max((waves[one] for one in (*step.requires, *step.after)), default=0)
    return {key: replace(steps[key], wave=waves[key]) for key in ordered}
