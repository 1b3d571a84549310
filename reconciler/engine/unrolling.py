"""How a rollout would go: what each step replaces, how much serves meanwhile at worst, how long it takes. Pure.

How long an image takes to stop and start is nowhere written: it is assumed, and the plan says so (reference 2.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.model.value import Value

STOP_SECONDS = 10
START_SECONDS = 20
LONGEST_STOP_SECONDS = 900
ASSUMED = (
    f"an instance stops in {STOP_SECONDS} s and starts in {START_SECONDS} s; one that is busy is spared for the grace"
    f" period, and has {LONGEST_STOP_SECONDS // 60} min to stop"
)


def with_forecast(details: Mapping[str, Value]) -> dict[str, Value]:
    """What a kind says of a change; a rollout in it, played through."""
    rollout = details.get("rollout")
    if not isinstance(rollout, Mapping) or not rollout.get("steps"):
        return dict(details)
    return {**details, "rollout": _played(rollout)}


def _played(rollout: Mapping[str, Value]) -> dict[str, Value]:
    steps = list(_steps(rollout["steps"], rollout["instances"], rollout.get("grace_seconds") or 0))
    return {
        **rollout,
        "steps": steps,
        "worst_capacity": min(step["capacity"] for step in steps),
        "seconds": steps[-1]["ends_after"],
        "longest_seconds": sum(step["longest_seconds"] for step in steps),
        "assumes": ASSUMED,
    }


def _steps(
    steps: Sequence[Mapping[str, Value]], instances: int, grace_seconds: float
) -> Iterator[dict[str, Value]]:
    """Each step as the kind tells it, with what it does: all that it replaces may be away at once."""
    reached = 0
    time: float = 0
    for step in steps:
        replaced = step["instances"] - reached
        seconds = grace_seconds + STOP_SECONDS + START_SECONDS if replaced else 0
        longest = grace_seconds + LONGEST_STOP_SECONDS + START_SECONDS if replaced else 0
        yield {
            **step,
            "replaced": replaced,
            "capacity": instances - replaced,
            "seconds": seconds,
            "longest_seconds": longest,
            "starts_after": time,
            "ends_after": time + seconds,
        }
        reached, time = step["instances"], time + seconds
