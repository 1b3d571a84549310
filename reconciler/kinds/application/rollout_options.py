"""How a rollout goes: `rollout_*` and `rollout` of a block, and the steps they come to (interface 1.4, reference 2.2). Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from reconciler.frozen import frozen
from reconciler.kinds.shared.durations import seconds
from reconciler.model.value import Path, Value

BAD_STEPS = "A120"
PAUSE_NEEDS_MANUAL = "A121"

Report = Callable[[Path, str, str, str], None]

PERCENTAGES = (5, 10, 20, 25, 50, 100)
_TIMEOUT = "60m"
_GOOD_FOR = "60s"
_SMALLEST_STEP = 10


def read(block: Mapping[str, Value], report: Report) -> Mapping[str, Value]:
    """The options of a block, complete, as plain JSON."""
    if _KEYS.isdisjoint(block):
        return DEFAULTS
    return _read(block, report)


def _read(block: Mapping[str, Value], report: Report) -> dict[str, Value]:
    options = block.get("rollout", {})
    gate = options.get("gate")
    kind = block.get("rollout_kind", "full_auto")
    on_failure = options.get("on_failure", "continue")
    if on_failure == "pause" and kind != "full_manual":
        fix = "say `rollout_kind: full_manual`, or `on_failure: revert`"
        report(("rollout", "on_failure"), PAUSE_NEEDS_MANUAL, "only a manual rollout can pause", fix)
    _check_steps(block.get("rollout_step_percentage"), block.get("max_instances"), report)
    return {
        "rollout_step_percentage": block.get("rollout_step_percentage"),
        "rollout_kind": kind,
        "rollout": {
            "wait": options.get("wait", True),
            "timeout": _seconds(options.get("timeout", _TIMEOUT)),
            "on_failure": on_failure,
            "gate": {
                "max_failed": (gate or {}).get("max_failed", 0),
                "for": _seconds((gate or {}).get("for", _GOOD_FOR)),
                "drives": gate is not None,
            },
        },
    }


def _seconds(value: Value) -> Value:
    try:
        return seconds(value) if isinstance(value, str) else value
    except ValueError:  # the schema has said so already
        return value


def _check_steps(written: Value, most: Value, report: Report) -> None:
    path = ("rollout_step_percentage",)
    if isinstance(written, bool) or not isinstance(written, int | list | tuple):
        return
    if isinstance(written, int):
        if written not in PERCENTAGES:
            fix = f"one of {', '.join(map(str, PERCENTAGES))}, or a list that ends in 100"
            report(path, BAD_STEPS, f"{written} is no step percentage", fix)
        return
    steps = list(written)
    if not all(isinstance(step, int) for step in steps):
        return
    rising = all(low < high for low, high in pairwise(steps))
    if not steps or not rising or steps[0] < _SMALLEST_STEP or steps[-1] != 100:
        fix = "write cumulative percentages from 10 on, the last one 100, as in [10, 50, 100]"
        report(path, BAD_STEPS, f"{steps} does not rise from {_SMALLEST_STEP} or more to 100", fix)
    elif isinstance(most, int) and len(steps) > max(most, 1):
        fix = "leave steps out, or raise `max_instances`"
        report(path, BAD_STEPS, f"{len(steps)} steps are more than max_instances, {most}", fix)


_KEYS = frozenset({"rollout", "rollout_kind", "rollout_step_percentage"})
DEFAULTS: Mapping[str, Value] = _read({}, lambda *_: None)
"""What holds where a block says nothing: most say nothing, and there may be thousands."""


@frozen
class Steps:
    """How far each step of a rollout goes, in cumulative percent; `size` where they are all alike."""

    percentages: tuple[int, ...]
    size: int = 0

    def fields(self) -> dict[str, Any]:
        """The part of a rollout's body that says so, as wrangler words it."""
        if self.size:
            return {"step_percentage": self.size}
        count = len(self.percentages)
        return {
            "steps": [
                {
                    "step_size": {"percentage": percentage},
                    "description": f"Step {number} of {count} - rollout at {percentage}% of instances",
                }
                for number, percentage in enumerate(self.percentages, 1)
            ]
        }

    def reached(self, instances: int) -> list[dict[str, int]]:
        """Each step with the instances it will have reached; a step takes at least one."""
        return [
            {
                "step": number,
                "percentage": percentage,
                "instances": min(instances, max(1, math.ceil(instances * percentage / 100))),
            }
            for number, percentage in enumerate(self.percentages, 1)
        ]


def steps_of(settings: Mapping[str, Value], max_instances: Value) -> Steps:
    """The steps that were asked for, else wrangler's: one for a single instance, else 10 % first."""
    written = settings.get("rollout_step_percentage")
    if isinstance(written, list | tuple):
        return Steps(tuple(int(step) for step in written))
    if isinstance(written, int):
        return Steps(tuple(range(written, 101, written)), written)
    if isinstance(max_instances, int | float) and max_instances < 2:
        return Steps((100,), 100)
    return Steps((10, 100))
