"""Shows what runs, since when, by whose apply, and what is still under way."""

from __future__ import annotations

import click

from reconciler.cli.options import Common, addresses, common_options
from reconciler.cli.saying import answer
from reconciler.cli.workplace import Workplace, open_workplace
from reconciler.errors import ReconcilerError
from reconciler.kinds import SECTIONS
from reconciler.model.address import ResourceAddress
from reconciler.model.handler import Look, Subject
from reconciler.model.resource import Observed, Prior
from reconciler.model.state import State
from reconciler.render.harmless import harmless
from reconciler.render.machine import render_json
from reconciler.render.values import shown


@click.command("status")
@common_options
@click.argument("app", required=False)
def command(common: Common, app: str | None) -> int:
    """Show what runs; with APP, one resource."""
    with open_workplace(common) as workplace:
        state = workplace.state()
        chosen = _chosen(state, app)
        live = _live(workplace, state, chosen)
        holder = workplace.store.holder()
    rows = [_row(state.resources[address], live.get(address)) for address in chosen]
    if common.json:
        answer(render_json({"serial": state.serial, "resources": rows, "lock": holder}))
        return 0
    where = f"{state.project}/{state.environment}" if state.environment else state.project
    answer(f"{where}  state #{state.serial}\n")
    for row in rows:
        answer(harmless(_line(row)) + "\n")
    if holder:
        answer(
            harmless(f"locked by {holder.user} on {holder.host}, process {holder.pid}, since {holder.since}")
            + "\n"
        )
    for intent in state.intents.values():
        answer(
            harmless(f"{intent.begun.address}: {intent.begun.verb} began at {intent.begun.at}, never ended")
            + "\n"
        )
    return 0


def _chosen(state: State, app: str | None) -> list[ResourceAddress]:
    if app is None:
        return sorted(state.resources)
    text = app if "." in app else f"application.{app}"
    [address] = addresses((text,), SECTIONS)
    found = [one for one in sorted(state.resources) if address in (one, one.block)]
    if not found:
        raise ReconcilerError(f"{address} is not in the state", fix="`state list` shows what is")
    return found


def _live(
    workplace: Workplace, state: State, chosen: list[ResourceAddress]
) -> dict[ResourceAddress, Observed]:
    """What is there now, one look per kind."""
    live: dict[ResourceAddress, Observed] = {}
    for kind in sorted({address.kind for address in chosen}):
        subjects = [
            Subject(one, state.resources[one].name, state.resources[one].identity, prior=state.resources[one])
            for one in chosen
            if one.kind == kind
        ]
        live |= workplace.house.handlers[kind].observe(Look(1, subjects)).by_identity
    return live


def _row(prior: Prior, observed: Observed | None) -> dict[str, object]:
    pending = prior.pending or ((observed.unsettled,) if observed and observed.unsettled else ())
    return {
        "address": prior.address,
        "name": prior.name,
        "id": prior.identity,
        "there": observed is not None,
        "applied_at": prior.applied_at,
        "applied_by": prior.applied_by,
        "under_way": [one.what for one in pending],
        "outputs": dict(observed.outputs if observed else prior.outputs),
    }


def _line(row: dict[str, object]) -> str:
    there = "" if row["there"] else "  GONE"
    since = f"  applied {row['applied_at']} by {row['applied_by']}" if row["applied_at"] else ""
    under_way = row["under_way"]
    moving = (
        f"  {', '.join(map(str, under_way))} under way" if isinstance(under_way, list) and under_way else ""
    )
    outputs = row["outputs"]
    version = outputs.get("version") if isinstance(outputs, dict) else None
    number = f"  version {shown(version)}" if version is not None else ""
    return f"{row['address']}  {row['name']}{number}{there}{moving}{since}"
