"""An explanation as JSON for programs: same inputs, same bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.render.explain.grounds import Explanation, Ground, Origin
from reconciler.render.machine import render_json


def explanation_json(explanations: Iterable[Explanation]) -> str:
    """The explanations of one or several resources as one document."""
    return render_json({"explanations": [_explanation(one) for one in explanations]})


def _explanation(one: Explanation) -> dict[str, Any]:
    change = one.change
    return {
        "address": change.address,
        "action": change.action,
        "effect": change.effect,
        "reason": change.reason,
        "wave": change.wave,
        "source": change.source,
        "moved_from": change.moved_from,
        "because": [_ground(ground) for ground in one.grounds],
        "effect_because_of": one.causes_of_effect,
        "hazards": change.hazards,
        "notes": change.notes,
        "drift": one.drift,
        "diagnostics": one.diagnostics,
        "reach": change.reach,
        "waits_for": one.waits_for,
        "would_not_happen_if": {"all_of": one.otherwise.together, "any_of": one.otherwise.alone},
    }


def _ground(ground: Ground) -> dict[str, Any]:
    return {
        "kind": ground.kind,
        "why": ground.why,
        "attribute": ground.attribute,
        "drift": ground.drift,
        "origins": [_origin(origin) for origin in ground.origins],
    }


def _origin(origin: Origin) -> dict[str, Any]:
    return {
        "address": origin.address,
        "action": origin.action,
        "reason": origin.reason,
        "source": origin.source,
        "because": [_ground(ground) for ground in origin.grounds],
    }
