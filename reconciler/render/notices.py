"""What stands beside the changes, in words: drift with its verb, outputs, findings. The same in every format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.model.plan import Plan, PlannedDiagnostic, PlannedDrift
from reconciler.render.amounts import moment
from reconciler.render.harmless import harmless
from reconciler.render.values import SENSITIVE, Wording
from reconciler.render.verdict import few

DriftGroup = tuple[list[PlannedDrift], str, str, str]
"""Equal drift of several resources: what is live and was applied, what will be done about it, who changed it when."""


def drift_groups(plan: Plan, wording: Wording) -> list[DriftGroup]:
    """What somebody else changed, the same of many told once."""
    becomes = {
        (change.address, one.path): one.after
        for change in (plan.changes if plan.drift else ())
        for one in change.attributes
        if not one.unknown and not one.sensitive
    }
    groups: dict[tuple[str, str, str], list[PlannedDrift]] = {}
    for one in plan.drift:
        key = one.path, live_text(one, wording), _verdict(one, becomes, wording)
        groups.setdefault(key, []).append(one)
    return [
        (members, live, verdict, changed_text(members, wording))
        for (_, live, verdict), members in groups.items()
    ]


def live_text(one: PlannedDrift, wording: Wording) -> str:
    """What is there, and what was applied."""
    if not one.path:
        return "was deleted by somebody else"
    if one.sensitive:
        return f"{SENSITIVE} was changed outside"
    live, recorded = wording.pair(one.live, one.recorded, one.path)
    return f"live {live}, last applied {recorded}"


def changed_text(members: Sequence[PlannedDrift], wording: Wording) -> str:
    """When it was changed and by whom, as far as the service tells; of several the last time, and everybody."""
    at = max(one.changed_at for one in members)
    people = sorted({harmless(one.changed_by) for one in members} - {""})
    parts = [f"changed {harmless(moment(at))}"] if at else []
    parts += [f"by {few(people)}"] if people else []
    told = " ".join(parts)
    return wording.cut(told, len(told))


def _verdict(one: PlannedDrift, becomes: Mapping[tuple[str, str], object], wording: Wording) -> str:
    if not one.path:
        return "will be made again"
    key = one.address, one.path
    goal = wording.shown(becomes[key], one.path) if key in becomes else "what the manifest says"
    verdicts = {
        "revert": f"will be set to {goal}",
        "keep": "will be kept: ignore_changes",
        "accept": "will be kept: it is what the manifest wants",
    }
    note = f"; {wording.cut(harmless(one.note), len(one.note))}" if one.note else ""
    return f"{verdicts.get(one.verdict, harmless(one.verdict))}{note}"


def output_sides(plan: Plan, wording: Wording) -> Iterator[tuple[str, str, str]]:
    """Every output that changes, with its two sides; "" where there is none."""
    for name in sorted(plan.changed_outputs):
        output = plan.outputs[name]
        if output.sensitive:
            yield harmless(name), "", "(sensitive, changed)"
        elif output.unknown:
            before = "" if output.before is None else wording.shown(output.before)
            yield harmless(name), before, f"(known after {harmless(output.known_after or 'apply')})"
        elif output.before is None or output.after is None:
            before, after = (
                "" if one is None else wording.shown(one) for one in (output.before, output.after)
            )
            yield harmless(name), before, after
        else:
            yield harmless(name), *wording.pair(output.before, output.after)


def finding_groups(findings: Iterable[PlannedDiagnostic]) -> list[list[PlannedDiagnostic]]:
    """Findings that say the same of several resources together, errors first."""
    groups: dict[tuple[bool, str, str, str], list[PlannedDiagnostic]] = {}
    for one in findings:
        groups.setdefault((one.severity != "error", one.code, one.summary, one.detail), []).append(one)
    return [members for _, members in sorted(groups.items(), key=lambda item: item[0][0])]
