"""Brings in what exists already: records the id; the next plan shows what differs."""

from __future__ import annotations

from dataclasses import replace

import click

from reconciler.cli.import_writing import with_ids, write_what_is_there
from reconciler.cli.options import Common, addresses, common_options
from reconciler.cli.saying import note
from reconciler.cli.workplace import Workplace, open_workplace
from reconciler.engine.diff import put, recorded
from reconciler.engine.graph import build_graph
from reconciler.engine.refresh import name_resources, observe
from reconciler.errors import NotFoundError, ReconcilerError
from reconciler.kinds import SECTIONS
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Change
from reconciler.model.event import StepSucceeded
from reconciler.model.resource import Desired, Observed, Prior
from reconciler.model.state import State
from reconciler.model.value import is_plain
from reconciler.workflow import Wish, make_plan


@click.command("import")
@common_options
@click.argument("address", required=False)
@click.argument("identity", metavar="ID", required=False)
@click.option(
    "--all", "everything", is_flag=True, help="Everything the manifest names and the state does not know."
)
@click.option("--write", is_flag=True, help="With --all: first add to the manifest what it does not name.")
def command(common: Common, address: str | None, identity: str | None, everything: bool, write: bool) -> int:
    """Bring in ADDRESS under its ID, or with --all whatever is found by name."""
    if everything == bool(address) or (address and not identity):
        raise ReconcilerError("say `import ADDRESS ID`, or `import --all`")
    if write and not everything:
        raise ReconcilerError("`--write` is about everything there is", fix="say `import --all --write`")
    written = write_what_is_there(common) if write else {}
    with open_workplace(common) as workplace, workplace.store.lock("import"):
        state = workplace.state()
        wanted = with_ids(_wanted(workplace, state, address, identity), written)
        found = _found(workplace, state, wanted)
        if not found:
            note("nothing to import: what the manifest names is in the state, or not there")
            return 0
        state = _record(workplace, state, _with_what_is_managed(workplace, state, found))
    for one in found:
        note(f"imported {one.address} ({one.identity})")
    note(f"state #{state.serial}; `plan` shows what differs from the manifest")
    return 0


def _wanted(
    workplace: Workplace, state: State, text: str | None, identity: str | None
) -> dict[ResourceAddress, Desired]:
    resources = workplace.manifest.resources
    if text is None:
        return {
            address: desired
            for address, desired in resources.items()
            if address not in state.resources and not desired.external
        }
    [address] = addresses((text,), SECTIONS)
    if address not in resources:
        raise ReconcilerError(f"{address} is not in the manifest", fix="declare it first, then import it")
    if address in state.resources:
        known = state.resources[address].identity
        raise ReconcilerError(
            f"{address} is in the state already ({known})", fix=f"`state rm {address}` lets go of that one"
        )
    return {address: replace(resources[address], import_id=identity or "")}


def _found(workplace: Workplace, state: State, wanted: dict[ResourceAddress, Desired]) -> list[Prior]:
    """What is there under these ids and names, as it will be remembered."""
    handlers = workplace.house.handlers
    resources = name_resources({**workplace.manifest.resources, **wanted}, state.resources, handlers)
    graph = build_graph(resources)
    sightings = observe(resources, state.resources, handlers, graph.waits_for, thorough=True)
    found: list[Prior] = []
    for address, desired in wanted.items():
        sighting = sightings[address.kind]
        observed = sighting.by_identity.get(address) if desired.import_id else None
        if desired.import_id and observed is None:
            raise NotFoundError(f"nothing is there under {desired.import_id}", address=str(address))
        candidates = (observed,) if observed else sighting.by_key.get(address, ())
        if len(candidates) > 1:
            ids = ", ".join(one.identity for one in candidates)
            raise ReconcilerError(
                f"there are several of its name: {ids}",
                fix=f"say `import {address} ID`",
                address=str(address),
            )
        found += [_remembered(desired, one, tuple(sorted(graph.waits_for[address]))) for one in candidates]
    return found


def _remembered(desired: Desired, observed: Observed, waits_for: tuple[ResourceAddress, ...]) -> Prior:
    """Nothing counts as "set before": the next plan compares what the manifest sets, and no foreign value is kept."""
    return Prior(
        desired.address,
        observed.identity,
        name=observed.name,
        named_by_default=desired.named_by_default,
        outputs={key: value for key, value in observed.outputs.items() if is_plain(value)},
        depends_on=waits_for,
        protect=desired.protect,
        retain=desired.retain,
        lane=desired.lane,
    )


def _with_what_is_managed(workplace: Workplace, state: State, found: list[Prior]) -> list[Prior]:
    """What the manifest sets and is there is managed from now on, so that its leaving the manifest is noticed.

    Where no plan can be made yet, the next one that can says so and the next apply remembers it.
    """
    imported = replace(state, resources={**state.resources, **{one.address: one for one in found}})
    try:
        plan = make_plan(workplace.manifest, imported, workplace.house, Wish(fetch_secrets=False))
    except ReconcilerError:
        return found
    return [_managing(one, plan.decided.changes.get(one.address)) for one in found]


def _managing(prior: Prior, change: Change | None) -> Prior:
    attributes = prior.attributes
    for one in change.attributes if change else ():
        if one.state_only and one.before == one.after:
            attributes = put(attributes, one.path, recorded(one.after))
    return replace(prior, attributes=attributes)


def _record(workplace: Workplace, state: State, found: list[Prior]) -> State:
    store, house = workplace.store, workplace.house
    begun = store.begin_run(state, house.new_id())
    events = tuple(StepSucceeded(one.address, "adopt", "", one) for one in found)
    store.append(events)
    return store.commit(begun.after(events))
