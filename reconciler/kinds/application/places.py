"""Where an application may run: `constraints` in canonical form, and what is known to contradict itself (reference 2.1.4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.kinds.application.forms import DEFAULT_TIERS
from reconciler.model.handler import BindContext
from reconciler.model.value import Value

BAD_REGION = "A110"
REGION_ALONE = "A111"
OUTSIDE_JURISDICTION = "A112"
TIERS_TWICE = "A113"

REGIONS = ("AFR", "APAC", "EEUR", "ENAM", "ME", "OC", "SAM", "WEUR", "WNAM")
JURISDICTIONS = {"eu": {"EEUR", "WEUR"}, "us": {"ENAM", "WNAM"}, "fedramp": {"ENAM", "WNAM"}}
_SCARCE = {"AFR", "ME", "OC"}
_SETS: dict[str, Callable[[str], str]] = {"regions": str.upper, "cities": str.lower, "pops": str}


def wanted_constraints(written: Value, context: BindContext) -> Value:
    """The constraints of a block as sorted sets in the service's case, with the default tiers."""
    if not isinstance(written, Mapping):
        return written
    canonical: dict[str, Value] = {"tiers": _tiers(written, context)}
    for key, case in _SETS.items():
        value = written.get(key)
        if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
            value = sorted({case(one) for one in value})
        if value is not None and value != []:
            canonical[key] = value
    jurisdiction = written.get("jurisdiction")
    if jurisdiction is not None:
        canonical["jurisdiction"] = jurisdiction.lower() if isinstance(jurisdiction, str) else jurisdiction
    _check(canonical, context)
    return canonical


def _tiers(written: Mapping[str, Any], context: BindContext) -> Value:
    tier, tiers = written.get("tier"), written.get("tiers")
    if tier is not None and tiers is not None:
        fix = "keep `tiers`; `tier` is its old form"
        context.report(("constraints", "tier"), TIERS_TWICE, "`tier` and `tiers` exclude each other", fix)
    if isinstance(tiers, list | tuple):
        is_plain = all(isinstance(one, int) for one in tiers)
        return sorted(set(tiers)) if is_plain else list(tiers)
    if tiers is not None:
        return tiers
    if tier is None:
        return list(DEFAULT_TIERS)
    return [] if tier == -1 else [tier]


def _check(canonical: Mapping[str, Value], context: BindContext) -> None:
    regions = canonical.get("regions")
    if not isinstance(regions, list) or not all(isinstance(region, str) for region in regions):
        return
    for region in regions:
        if region not in REGIONS:
            import difflib  # only a mistyped region waits for it

            near = difflib.get_close_matches(region, REGIONS, n=1)
            fix = f"did you mean {near[0]}?" if near else f"there are {', '.join(REGIONS)}"
            context.report(("constraints", "regions"), BAD_REGION, f'there is no region "{region}"', fix)
    if regions and set(regions) <= _SCARCE:
        summary = f"{', '.join(regions)} has limited capacity and cannot be used alone"
        context.report(("constraints", "regions"), REGION_ALONE, summary, "add a region beside it")
    jurisdiction = canonical.get("jurisdiction")
    outside = set(regions) - JURISDICTIONS.get(str(jurisdiction), set(regions))
    if outside:
        summary = f"{', '.join(sorted(outside))} is outside the jurisdiction {jurisdiction}"
        allowed = ", ".join(sorted(JURISDICTIONS[str(jurisdiction)]))
        context.report(("constraints", "regions"), OUTSIDE_JURISDICTION, summary, f"it holds {allowed}")
