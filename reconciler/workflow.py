"""Tells the story: a manifest, a state and the world become a plan; a plan becomes a changed world and a new state.

Each function is a paragraph of calls; what a kind does stands in its own file, what a room does in that room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from functools import partial
from typing import Any

from reconciler.engine.believing import seen_for_certain
from reconciler.engine.carry import Clock
from reconciler.engine.changes import Facts, Options, decide
from reconciler.engine.executor import Run, execute
from reconciler.engine.graph import Graph, build_graph
from reconciler.engine.guards import Allowance, not_allowed
from reconciler.engine.planner import Blueprint, Frame, compose_plan, to_come
from reconciler.engine.recall import lasting, recall, with_recorded_uses
from reconciler.engine.recover import Again, given_up, recover
from reconciler.engine.refresh import from_memory, name_resources, observe, prepare
from reconciler.engine.replacing import with_replaced
from reconciler.engine.resolve import resolve
from reconciler.engine.scrubbing import scrubbed
from reconciler.engine.selection import select, with_moves
from reconciler.engine.steps import build_steps
from reconciler.errors import HazardNotAllowedError, ManifestError
from reconciler.frozen import frozen
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Action
from reconciler.model.diagnostic import Diagnostic, Severity, Source
from reconciler.model.event import Event, OutputsChanged, StepProgressed
from reconciler.model.handler import Gate, Handler, PrepareContext, Sighting
from reconciler.model.manifest import Manifest
from reconciler.model.plan import Plan, PlannedDiagnostic, RecordedInputs
from reconciler.model.resource import Desired
from reconciler.model.state import State
from reconciler.model.stop import StopSignal
from reconciler.model.value import Secret, is_plain, pointers
from reconciler.storage.kept_lists import decode_list, encode_list
from reconciler.storage.notebook import Notebook
from reconciler.storage.store import Store

TOMBSTONE_SECONDS = 86_400.0


@frozen
class House:
    """Everything that a command works with: handlers by kind, the service's time, the wish to stop, who works."""

    handlers: Mapping[str, Handler]
    clock: Clock
    stop: StopSignal
    by: str
    tool_version: str
    new_id: Callable[[], str]
    in_days: Callable[[str, float], str]  # a time so many days after another
    parallelism: int = 10
    recall: Callable[[str], bytes | None] = lambda _name: None  # what earlier applies kept beside the state
    scrub: Callable[[str], str] = str  # takes the secrets of this run out of a text


@frozen
class Wish:
    """How a plan is to be made."""

    options: Options = field(default_factory=Options)
    fetch_secrets: bool = True
    must_fetch: bool = False
    with_idle: bool = False
    expires_in_days: float = 7.0
    recorded: RecordedInputs = field(default_factory=RecordedInputs)
    thorough: bool = False
    then: State | None = None  # what is wanted is what this earlier state remembers, not the manifest


def make_plan(manifest: Manifest, state: State, house: House, wish: Wish) -> Blueprint:
    """Compares what is wanted, remembered and there, and works out what has to be done in which order.

    Raises ManifestError for what only looking at this machine could find, and GraphError for loops.
    """
    options = wish.options
    if options.destroy:
        manifest = replace(manifest, resources={}, outputs={}, moved=())
    if wish.then is not None:
        manifest = recall(wish.then, state, manifest, house.handlers)
        state = lasting(state, house.handlers)
        options = replace(options, to=wish.then.serial)
    state, moved = _moved(state, manifest)
    named = name_resources(manifest.resources, state.resources, house.handlers)
    build_graph(named)  # a loop is told before any secret is fetched, and anything built or hashed
    readied = prepare(named, house.handlers, _at_hand(state, house, wish), wish.recorded.prepared)
    _stop_on_errors(readied.diagnostics)
    manifest = replace(manifest, resources=readied.resources)
    graph = with_recorded_uses(build_graph(readied.resources), readied.resources)
    sightings = _seen(readied.resources, state, graph, house, wish)
    published = frozenset(one.address for it in manifest.outputs.values() for one in pointers(it.value))
    decided = decide(
        Facts(readied.resources, state, sightings, house.handlers, graph, options, moved, published)
    )
    seen = [one for sighting in sightings.values() for one in sighting.diagnostics]
    decided = select(decided, graph.waits_for, options)
    decided = replace(decided, changes=with_replaced(decided.changes, house.handlers))
    steps = build_steps(decided.changes, graph.waits_for, house.handlers)
    created_at = house.clock.now()
    plan = compose_plan(
        decided,
        steps,
        house.handlers,
        Frame(
            manifest,
            state,
            house.tool_version,
            created_at,
            house.in_days(created_at, wish.expires_in_days),
            inputs=_recorded(manifest, state, readied.recorded, wish),
            diagnostics=(*readied.diagnostics, *seen, *_preflight(decided.changes, house)),
            is_destroy=options.destroy,
            with_idle=wish.with_idle,
            waits_for=graph.waits_for,
        ),
    )
    return Blueprint(plan, decided, steps, manifest, graph.waits_for, graph.uses, readied.kept)


def _at_hand(state: State, house: House, wish: Wish) -> PrepareContext:
    """What a kind may use to get its resources ready."""
    return PrepareContext(
        state.resources,
        fetch_secrets=wish.fetch_secrets,
        must_fetch=wish.must_fetch,
        state_lineage=state.lineage,
        key_id=state.fingerprint_key_id,
        recall=lambda name: decode_list(house.recall(name)),
    )


def _seen(
    resources: Mapping[ResourceAddress, Desired], state: State, graph: Graph, house: House, wish: Wish
) -> dict[str, Sighting]:
    """What is there, or what is remembered of it where nobody wants it looked at."""
    if wish.options.no_refresh:
        return from_memory(state.resources, house.handlers)
    look = partial(
        observe, resources, state.resources, house.handlers, graph.waits_for, thorough=wish.thorough
    )
    return seen_for_certain(look, state, house.handlers, house.clock)


def _moved(state: State, manifest: Manifest) -> tuple[State, dict[ResourceAddress, ResourceAddress]]:
    """The state as `moved` tells it: what was known under one address is known under another."""
    wanted = {move.target: move.origin for move in manifest.moved if move.origin in state.resources}
    moves = with_moves(state.resources, wanted)
    if not moves:
        return state, {}
    return state.renamed({origin: target for target, origin in moves.items()}), moves


def _stop_on_errors(diagnostics: tuple[Diagnostic, ...]) -> None:
    if any(one.severity is Severity.ERROR for one in diagnostics):
        raise ManifestError("the manifest cannot be carried out as it is", diagnostics=diagnostics)


def _preflight(changes: Mapping[ResourceAddress, Any], house: House) -> list[Diagnostic]:
    """What would be refused anyway, asked of each kind before anything is touched."""
    by_kind: dict[str, list[Any]] = {}
    for change in changes.values():
        if change.action not in (Action.NO_OP, Action.REFUSED, Action.FORGET, Action.MOVE):
            by_kind.setdefault(change.address.kind, []).append(change)
    found = [one for kind, some in sorted(by_kind.items()) for one in house.handlers[kind].preflight(some)]
    whole = tuple(changes.values())
    return [*found, *(one for handler in house.handlers.values() for one in handler.survey(whole))]


def _recorded(
    manifest: Manifest, state: State, prepared: dict[str, dict[str, str]], wish: Wish
) -> RecordedInputs:
    options = wish.options
    return RecordedInputs(
        env={str(key): str(value) for key, value in manifest.used.get("env", {}).items()},
        var=dict(manifest.used.get("var", {})),
        git=dict(manifest.used.get("git", {})),
        account_id=state.account_id,
        prepared=prepared,
        options={
            "targets": [str(one) for one in options.targets],
            "excludes": [str(one) for one in options.excludes],
            "replace": [str(one) for one in options.replace],
            "destroy": options.destroy,
            "refresh_only": options.refresh_only,
            "no_refresh": options.no_refresh,
            "secrets": wish.fetch_secrets,
            **({"to": wish.then.serial} if wish.then else {}),
        },
    )


def check_sound(plan: Plan) -> None:
    """Raises ManifestError for what would be refused anyway, before anything is touched.

    What is refused by ourselves stops only what waits for it.
    """
    refused = {change.address for change in plan.changes if change.action == "refused"}
    errors = [one for one in plan.diagnostics if one.severity == "error" and one.address not in refused]
    if errors:
        raise ManifestError("it would be refused; nothing was done", diagnostics=tuple(map(_finding, errors)))


def _finding(one: PlannedDiagnostic) -> Diagnostic:
    place = Source(one.source.file, one.source.line, one.source.column)
    return Diagnostic(Severity(one.severity), one.code, one.summary, one.detail, one.address, place)


def check_allowed(plan: Plan, allowance: Allowance) -> None:
    """Raises HazardNotAllowedError that names the flags a blocked plan needs."""
    missing = not_allowed(plan, allowance)
    if not missing:
        return
    reasons = [
        f"{change.address}: {hazard.message} ({hazard.code})"
        for change in plan.changes
        for hazard in change.hazards
        if hazard.severity == "blocked"
    ]
    what = "; ".join(reasons) or "it would destroy much of what there is (MASS_DESTROY)"
    raise HazardNotAllowedError(
        f"not done without being allowed: {what}", fix=f"allow it with {' '.join(missing)}"
    )


def recover_state(state: State, store: Store, house: House) -> tuple[State, Again]:
    """Settles what earlier runs began and never ended; what was found is durable before anything else happens.

    What nothing was found of stays open until it is repeated, should this run be cut off as well.
    """
    if not state.intents:
        return state, {}
    recovered = recover(state, house.handlers, house.clock)
    events = scrubbed(recovered.events, house.scrub)
    store.append(events)
    return state.after(events), recovered.again


def carry_out(
    blueprint: Blueprint,
    state: State,
    store: Store,
    house: House,
    *,
    run_id: str,
    decide_gate: Callable[[Gate], str],
    report: Callable[[tuple[Event, ...]], None],
    wait: bool = True,
    again: Again | None = None,
) -> State:
    """Executes a plan: every batch of events is durable before the next step starts. Returns the state after it.

    Raises NotCommittedError where the disk refused: nothing was begun from then on, and what was under way has ended.
    """
    run = Run(
        run_id,
        house.by,
        house.clock,
        house.stop,
        decide_gate,
        house.new_id,
        parallelism=house.parallelism,
        wait=wait,
        again=again or {},
    )
    happened: list[Event] = []
    notebook = Notebook(store, house.stop.ask)
    for told in execute(blueprint, house.handlers, run):
        batch = scrubbed(told, house.scrub)
        notebook.append(batch)
        happened.extend(event for event in batch if not isinstance(event, StepProgressed))
        report(batch)
    # Folded once: every fold copies the state, and there are thousands of batches.
    state = state.after(happened)
    over = given_up(again or {}, state, to_come(blueprint))
    notebook.append(over)
    state = state.after(over)
    state = _with_key_id(blueprint, _with_outputs(blueprint, state, notebook))
    if notebook.refusal is not None:
        raise notebook.given_up(state)
    _keep_lists(blueprint, state, store)
    return _without_old_tombstones(state, house)


def _keep_lists(blueprint: Blueprint, state: State, store: Store) -> None:
    """Keeps what went into those hashes that are remembered now: of a step that failed, nothing."""
    values = [value for prior in state.resources.values() for value in prior.attributes.values()]
    remembered = {value for value in values if isinstance(value, str)}
    for name in blueprint.kept.keys() & remembered:
        store.keep(name, encode_list(blueprint.kept[name]))


def _without_old_tombstones(state: State, house: House) -> State:
    """A deletion that began more than a day ago is over, or nobody's business of ours any more."""
    young = [one for one in state.tombstones if house.clock.seconds_since(one.deleted_at) < TOMBSTONE_SECONDS]
    return replace(state, tombstones=tuple(young))


def _with_key_id(blueprint: Blueprint, state: State) -> State:
    """The state knows which key its fingerprints were made with, so that another one is noticed."""
    for outputs in blueprint.decided.scope.outputs.values():
        for value in outputs.values():
            if isinstance(value, Secret) and value.fingerprint:
                return replace(state, fingerprint_key_id=value.fingerprint.partition(":")[0])
    return state


def _with_outputs(blueprint: Blueprint, state: State, notebook: Notebook) -> State:
    """The manifest's outputs as they are now; one that is not known keeps its last value."""
    values = {}
    for name, output in blueprint.manifest.outputs.items():
        value = resolve(output.value, blueprint.decided.scope)
        if is_plain(value):
            values[name] = value
        elif name in state.outputs:
            values[name] = state.outputs[name]
    if values == dict(state.outputs):
        return state
    event = OutputsChanged(values)
    notebook.append((event,))
    return state.after((event,))
