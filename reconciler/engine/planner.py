"""Changes plus steps to the Plan: the document that is shown, saved and reviewed. Pure."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import field
from typing import Any

from reconciler.engine.changes import Decided
from reconciler.engine.cost import cost_of
from reconciler.engine.diff import Drifted, recorded
from reconciler.engine.graph import Edges
from reconciler.engine.guards import allow_needed, counts_as_mass_destroy
from reconciler.engine.prices import price_table
from reconciler.engine.reach import Reaches
from reconciler.engine.replacing import belongs_to, shown
from reconciler.engine.resolve import resolve
from reconciler.engine.spending import requests_of
from reconciler.engine.unrolling import with_forecast
from reconciler.frozen import frozen
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Action, AttributeChange, Change, Step, StepKey
from reconciler.model.diagnostic import Diagnostic, Source
from reconciler.model.handler import Handler, Judgement
from reconciler.model.kind import Kind
from reconciler.model.manifest import Manifest
from reconciler.model.plan import (
    FORMAT_VERSION,
    ManifestStamp,
    PendingStep,
    Plan,
    PlannedAttribute,
    PlannedChange,
    PlannedDiagnostic,
    PlannedDrift,
    PlannedHazard,
    PlannedOutput,
    PlannedSource,
    PlannedStep,
    RecordedInputs,
    StateStamp,
)
from reconciler.model.state import State
from reconciler.model.value import (
    Path,
    Pointer,
    Secret,
    Template,
    TextOf,
    Unknown,
    Value,
    at_path,
    is_plain,
    path_text,
    pointers,
    unknowns,
)

_PLAIN = frozenset({str, int, float, bool, type(None)})
_IN_PLACE = (Action.UPDATE, Action.ADOPT)
_SENT = ("create", "update", "adopt", "delete", "run")
_RISK = {Action.DELETE: 0, Action.REPLACE: 1, Action.UPDATE: 2, Action.ADOPT: 3, Action.CREATE: 4}


@frozen
class Frame:
    """What a plan says about itself besides its changes."""

    manifest: Manifest
    state: State
    tool_version: str
    created_at: str
    expires_at: str
    inputs: RecordedInputs = RecordedInputs()
    diagnostics: Sequence[Diagnostic] = ()
    is_destroy: bool = False
    with_idle: bool = False  # `--all`: no_ops are listed too
    waits_for: Edges = field(default_factory=dict)  # of the manifest


def compose_plan(
    decided: Decided,
    steps: Mapping[StepKey, Step],
    handlers: Mapping[str, Handler],
    frame: Frame,
) -> Plan:
    """The plan as a document, its changes in the order in which they would be applied."""
    by_address: dict[ResourceAddress, list[Step]] = {}
    for step in steps.values():
        by_address.setdefault(belongs_to(step.key.address, decided.changes), []).append(step)
    counted = list(shown(decided.changes))
    listed = [change for change in counted if frame.with_idle or change.action is not Action.NO_OP]
    reaches = Reaches(decided.changes, frame.waits_for)
    planned = sorted(
        (
            _planned(
                change,
                by_address.get(change.address, []),
                decided.judgements.get(change.address),
                handlers[change.address.kind].kind,
                reaches,
            )
            for change in listed
        ),
        key=_order,
    )
    changes = tuple(one for _, one in planned)
    sent = _sent(decided, steps)
    looked_at = [handlers[kind].kind for kind in {address.kind for address in decided.changes}]
    state = frame.state
    return Plan(
        format_version=FORMAT_VERSION,
        tool_version=frame.tool_version,
        project=frame.manifest.project,
        environment=frame.manifest.environment,
        target=state.target,
        account_id=state.account_id,
        created_at=frame.created_at,
        expires_at=frame.expires_at,
        manifest=ManifestStamp(frame.manifest.path, frame.manifest.sha256),
        state=StateStamp(state.lineage, state.serial),
        changes=changes,
        drift=tuple(_planned_drift(address, one, decided) for address, one in decided.drift),
        outputs=_outputs(frame.manifest, state, decided),
        diagnostics=tuple(
            planned_diagnostic(one)
            for one in (*frame.manifest.warnings, *frame.diagnostics, *decided.diagnostics)
        ),
        summary=_summary(counted),
        allow_needed=allow_needed(changes, _mass_destroyed(decided, handlers, frame)),
        pending=pending_steps(state),
        inputs=frame.inputs,
        requests=requests_of(changes, [judged for _, judged in sent], looked_at),
        permissions=_permissions(sent, handlers),
        cost=cost_of((one for one in counted if not handlers[one.address.kind].kind.runs), price_table()),
    )


def _order(entry: tuple[int, PlannedChange]) -> tuple[int, int, str]:
    risk, change = entry
    return change.wave, risk, change.address


def _planned(
    change: Change, steps: list[Step], judged: Judgement | None, kind: Kind, reaches: Reaches
) -> tuple[int, PlannedChange]:
    source = change.desired.source if change.desired else Source()
    wave = steps[-1].wave if steps else 0
    return _RISK.get(change.action, 5), PlannedChange(
        address=str(change.address),
        kind=change.address.kind,
        name=change.name,
        action=str(change.action),
        effect=str(change.effect),
        reason=change.reason,
        wave=wave,
        requires=_required(steps[-1:]),
        steps=tuple(PlannedStep(one.key.operation, one.wave, _required([one]), one.seconds) for one in steps),
        hazards=tuple(PlannedHazard(one.code, one.severity, one.message) for one in change.hazards),
        source=_source(source),
        attributes=tuple(_attribute(one, kind, change) for one in change.attributes),
        moved_from=str(change.moved_from) if change.moved_from else None,
        notes=change.notes,
        live=live_fingerprint(change),
        details=with_forecast(judged.details) if judged else {},
        reach=reaches.of(change),
    )


def _required(steps: Iterable[Step]) -> tuple[str, ...]:
    named = (str(key.address) for step in steps for key in step.requires if key.address != step.key.address)
    return tuple(dict.fromkeys(named))


def _attribute(change: AttributeChange, kind: Kind, of: Change) -> PlannedAttribute:
    unknown = next(unknowns(change.after), None)
    sensitive = change.sensitive
    written = at_path(of.desired.attributes, change.path) if of.desired else None
    told = _told(written)
    return PlannedAttribute(
        path=_shown_path(change.path, kind),
        before=None if sensitive else _plain(change.before),
        after=None if sensitive or unknown else _plain(change.after),
        unknown=unknown is not None,
        known_after=str(unknown.until) if unknown and unknown.until else None,
        expression=_expression(written, told) or (unknown.expression if unknown else "") or None,
        sensitive=sensitive,
        forces_replacement=change.forces_replacement,
        source=_source(change.source),
        note=change.note,
        how=_how(change),
        effect=_effect(change, kind) if of.action in _IN_PLACE else "",
        refers_to=tuple(dict.fromkeys(str(one.address) for one in told)),
    )


def _how(change: AttributeChange) -> str:
    if change.before is None:
        return "added"
    if change.after is None:
        return "removed"
    return "kept" if change.state_only and change.before == change.after else "changed"


def _told(written: Value) -> Sequence[Pointer]:
    """What a value is made of; most are plain, and there may be a hundred thousand of them."""
    if type(written) in _PLAIN:
        return ()
    return [one for one in pointers(written) if not isinstance(one, TextOf)]


def _effect(change: AttributeChange, kind: Kind) -> str:
    row = None if change.state_only else kind.attribute(change.path)
    return str(row.effect) if row else ""


def _expression(written: Value, told: Sequence[Pointer]) -> str:
    """What the manifest says where a value comes from another resource."""
    if isinstance(written, Template):
        return written.expression
    return told[0].expression if len(told) == 1 else ""


def _shown_path(path: Path, kind: Kind) -> str:
    row = kind.attribute(path[:1])
    return path_text((row.shown, *path[1:]) if row and row.shown else path)


def _plain(value: Value) -> Any:
    return value if is_plain(value) else _masked(value)


def _masked(value: Value) -> Any:
    if isinstance(value, Mapping):
        return {key: _masked(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(inner) for inner in value]
    return str(value) if isinstance(value, Secret) else None if isinstance(value, Unknown) else value


def _source(source: Source) -> PlannedSource:
    return PlannedSource(source.file, source.line, source.column)


def live_fingerprint(change: Change) -> str:
    """What was seen of a resource, as a hash of identity and managed paths; foreign keys and health may move."""
    if change.observed is None:
        return ""
    managed = set(change.wanted) | set(change.prior.attributes if change.prior else ())
    seen = {key: value for key, value in change.observed.attributes.items() if key in managed}
    text = json.dumps([change.observed.identity, recorded(seen)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _planned_drift(address: ResourceAddress, one: Drifted, decided: Decided) -> PlannedDrift:
    change = decided.changes.get(address)
    desired = change.desired if change else None
    source = desired.source_of(one.path) if desired else Source()
    seen = change.observed if change else None
    return PlannedDrift(
        str(address),
        path_text(one.path),
        _plain(one.recorded),
        _plain(one.live),
        one.verdict,
        _source(source),
        changed_at=seen.changed_at if seen else "",
        changed_by=seen.changed_by if seen else "",
    )


def planned_diagnostic(one: Diagnostic) -> PlannedDiagnostic:
    """A finding in the form of the plan's JSON."""
    return PlannedDiagnostic(
        str(one.severity), one.code, one.summary, one.detail, one.address, _source(one.source)
    )


def _outputs(manifest: Manifest, state: State, decided: Decided) -> dict[str, PlannedOutput]:
    outputs: dict[str, PlannedOutput] = {}
    for name, output in manifest.outputs.items():
        after = resolve(output.value, decided.scope)
        unknown = next(unknowns(after), None)
        outputs[name] = PlannedOutput(
            before=state.outputs.get(name),
            after=None if unknown else _plain(after),
            unknown=unknown is not None,
            known_after=str(unknown.until) if unknown and unknown.until else None,
        )
    for name, value in state.outputs.items():
        outputs.setdefault(name, PlannedOutput(before=value))
    return outputs


def _summary(changes: Iterable[Change]) -> dict[str, int]:
    counts = {str(action): 0 for action in Action}
    for change in changes:
        counts[change.action] += 1
    return counts


def _mass_destroyed(decided: Decided, handlers: Mapping[str, Handler], frame: Frame) -> int:
    if frame.is_destroy:
        return 0
    deleted = sum(
        change.action is Action.DELETE and not change.address.replaced for change in decided.changes.values()
    )
    counted = sum(
        handlers[address.kind].kind.deletable and not address.replaced for address in frame.state.resources
    )
    is_mass = counts_as_mass_destroy(deleted, counted, frame.manifest.declares_nothing)
    return deleted if is_mass else 0


def pending_steps(state: State) -> tuple[PendingStep, ...]:
    """What began in an earlier run and never ended."""
    return tuple(
        PendingStep(str(one.begun.address), one.begun.verb, one.begun.at, one.begun.run)
        for one in state.intents.values()
    )


def _sent(decided: Decided, steps: Iterable[StepKey]) -> list[tuple[ResourceAddress, Judgement]]:
    """Each step that sends something, with what its kind says of the change."""
    return [
        (key.address, judged)
        for key in steps
        if key.operation in _SENT and (judged := decided.judgements.get(key.address))
        if judged.sends and not decided.changes[key.address].in_memory_only
    ]


def _permissions(
    sent: Iterable[tuple[ResourceAddress, Judgement]], handlers: Mapping[str, Handler]
) -> tuple[str, ...]:
    """What the token of an apply needs."""
    needed: set[str] = set()
    for address, judged in sent:
        needed |= {*handlers[address.kind].kind.permissions, *judged.permissions}
    return tuple(sorted(needed))


@frozen
class Blueprint:
    """A plan together with what is needed to carry it out: the changes with their values, and the steps."""

    plan: Plan
    decided: Decided
    steps: Mapping[StepKey, Step]
    manifest: Manifest
    waits_for: Mapping[ResourceAddress, frozenset[ResourceAddress]] = field(default_factory=dict)
    uses: Mapping[ResourceAddress, frozenset[ResourceAddress]] = field(default_factory=dict)
    kept: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # beside the state, by hash
    seen_at: float = field(default_factory=time.monotonic)  # when the world was looked at


def to_come(blueprint: Blueprint) -> Set[ResourceAddress]:
    """What is wanted and has steps in this plan, or is left out of it."""
    planned = {key.address for key in blueprint.steps}
    return {
        address
        for address in blueprint.manifest.resources
        if address in planned or address not in blueprint.decided.changes
    }
