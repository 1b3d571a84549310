"""The steps of a rollout: what they are, how far they got, and which may come next (reference 2.2). Pure."""

from __future__ import annotations

from math import ceil
from typing import Any

from reconciler.emulator.clock import iso
from reconciler.emulator.world import Object

UNDER_WAY = ("pending", "progressing")


def complaints(body: Object) -> dict[str, str]:
    """What is wrong with the steps that a rolling rollout asks for, by field."""
    if ("steps" in body) == ("step_percentage" in body):
        return {"steps": "exactly one of steps and step_percentage is required"}
    if "percentage" in body:
        return {"percentage": "only for the strategy new_instances"}
    shares = [item["step_size"]["percentage"] for item in body.get("steps", [])]
    if "steps" in body and (not shares or shares != sorted(set(shares)) or shares[-1] != 100):
        return {"steps": "percentages must ascend and end with 100"}
    return {}


def steps_of(body: Object) -> list[Object]:
    """The steps of a rolling rollout, from its list or its step percentage; shares are cumulative."""
    if "steps" in body:
        wishes = [(item["step_size"]["percentage"], item["description"]) for item in body["steps"]]
    else:
        share = body["step_percentage"]
        wishes = [(at, f"rollout at {at}% of instances") for at in range(share, 101, share)]
    return [step(number, share, text) for number, (share, text) in enumerate(wishes, 1)]


def step(number: int, share: int, text: str) -> Object:
    """A step that has not begun."""
    return {"id": number, "step_size": {"percentage": share}, "description": text, "status": "pending"}


def progress(rollout: Object, updated: int, total: int) -> dict[str, Any]:
    """How far a rollout is, in both views of the API."""
    done = sum(item["status"] == "completed" for item in rollout["steps"])
    share = round(100 * updated / total) if total else 0
    return {
        "total_steps": len(rollout["steps"]),
        "current_step": done,
        "updated_instances": updated,
        "total_instances": total,
        "version_distribution": {
            "current_version_instances": total - updated,
            "current_version_percentage": 100 - share,
            "target_version_instances": updated,
            "target_version_percentage": share,
        },
    }


def held_share(rollout: Object) -> int:
    """The percentage of instances that steps have moved so far; one that is going back still holds its own."""
    held = [item for item in rollout["steps"] if item["status"] in ("completed", "reverting")]
    return int(held[-1]["step_size"]["percentage"]) if held else 0


def instances_in(percentage: int, total: int) -> int:
    """How many instances a percentage is; a share that targets any targets at least one (reference 2.2)."""
    return ceil(total * percentage / 100)


def with_step(rollout: Object, index: int, **facts: str) -> Object:
    """The rollout with other facts about one step."""
    changed = list(rollout["steps"])
    changed[index] = {**changed[index], **facts}
    return {**rollout, "steps": changed}


def first(rollout: Object, *statuses: str) -> int | None:
    """The first step with one of these statuses."""
    found = [index for index, item in enumerate(rollout["steps"]) if item["status"] in statuses]
    return found[0] if found else None


def begun(rollout: Object, now: float) -> Object:
    """The rollout with its next step under way."""
    index = first(rollout, "pending", "reverted")
    assert index is not None
    started = {"started_at": rollout.get("started_at", iso(now)), "status": "progressing"}
    return {**with_step(rollout, index, status="progressing", started_at=iso(now)), **started}


def objection(rollout: Object, action: str) -> str:
    """Why an action cannot be taken now, or nothing."""
    if rollout["status"] not in UNDER_WAY:
        return f"the rollout has ended: {rollout['status']}"
    if action == "revert":
        return ""
    if rollout["kind"] != "full_manual":
        return "only a full_manual rollout is moved step by step"
    if first(rollout, "progressing", "reverting") is not None:
        return "the current step is not finished"
    if action == "previous" and first(rollout, "completed") is None:
        return "no step is completed"
    return ""
