"""Shows what runs, since when, by whose apply, and what is still under way: from state and cloud, whatever the manifest says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import partial

import click

from reconciler.cli.operating import Operations, open_operations
from reconciler.cli.options import Common, addresses, common_options
from reconciler.cli.saying import width
from reconciler.cli.watching import show, watch_option
from reconciler.errors import ReconcilerError
from reconciler.kinds import SECTIONS
from reconciler.model.address import ResourceAddress
from reconciler.model.handler import Look, Subject
from reconciler.model.resource import Observed, Prior
from reconciler.model.state import State
from reconciler.render.amounts import age_text
from reconciler.render.status import Held, Locked, Open, Status, resource_text, status_text
from reconciler.storage.lock import Holder


@click.command("status")
@common_options
@click.argument("app", required=False)
@watch_option
def command(common: Common, app: str | None, watch: bool) -> int:
    """Show what runs; with APP, one resource whole."""
    with open_operations(common) as operations:

        def look() -> Status:
            return _look(operations, app)

        def text(status: Status) -> str:
            age = partial(age_text, now=operations.transport.server_time())
            return resource_text(status, age) if app else status_text(status, age, width())

        show(common, look, text, watch=watch, is_over=_is_at_rest)
    return 0


def _look(operations: Operations, app: str | None) -> Status:
    state = operations.read()
    chosen = _chosen(state, app)
    live = _live(operations, chosen)
    holder = operations.store.holder()
    return Status(
        project=state.project,
        environment=state.environment,
        serial=state.serial,
        resources=tuple(_held(prior, live.get(prior.address)) for prior in chosen),
        pending=tuple(
            Open(str(one.begun.address), one.begun.verb, one.begun.at) for one in state.intents.values()
        ),
        lock=_locked(holder) if holder else None,
    )


def _is_at_rest(status: Status) -> bool:
    return status.lock is None and not any(one.under_way for one in status.resources)


def _chosen(state: State, app: str | None) -> list[Prior]:
    known = [state.resources[address] for address in sorted(state.resources)]
    if app is None:
        return known
    [address] = addresses((app if "." in app.partition("[")[0] else f"application.{app}",), SECTIONS)
    found = [one for one in known if address in (one.address, one.address.block)]
    if not found:
        raise ReconcilerError(f"{address} is not in the state", fix="`state list` shows what is")
    return found


def _live(operations: Operations, chosen: Iterable[Prior]) -> Mapping[ResourceAddress, Observed]:
    """What is there now, one look per kind."""
    subjects: dict[str, list[Subject]] = {}
    for prior in chosen:
        subject = Subject(prior.address, prior.name, prior.identity, prior=prior)
        subjects.setdefault(prior.address.kind, []).append(subject)
    live: dict[ResourceAddress, Observed] = {}
    for kind, asked in subjects.items():
        live |= operations.house.handlers[kind].observe(Look(1, asked)).by_identity
    return live


def _held(prior: Prior, observed: Observed | None) -> Held:
    pending = prior.pending or ((observed.unsettled,) if observed and observed.unsettled else ())
    return Held(
        address=str(prior.address),
        name=prior.name,
        id=prior.identity,
        there=observed is not None,
        applied_at=prior.applied_at,
        applied_by=prior.applied_by,
        under_way=tuple(one.what for one in pending),
        guards=tuple(name for name in ("protect", "retain") if getattr(prior, name)),
        outputs=dict(observed.outputs if observed else prior.outputs),
    )


def _locked(holder: Holder) -> Locked:
    told = holder.describe(datetime.now(UTC))
    return Locked(holder.user, holder.host, holder.pid, holder.command, holder.since, told)
