"""`placements [APP]`: where the containers of applications and deployments run, and what happened to them there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.instances import state_of
from reconciler.cli.operating import Operations, open_operations
from reconciler.cli.options import Common, common_options
from reconciler.cli.saying import width
from reconciler.cli.watching import show, watch_option
from reconciler.errors import NotFoundError
from reconciler.model.resource import Prior
from reconciler.render.amounts import age_text
from reconciler.render.happenings import happenings_in
from reconciler.render.placements import Placement, placements_text

if TYPE_CHECKING:
    from reconciler.clients.cloudflare import Cloudflare

Document = Mapping[str, Any]
_AT_ONCE = 8
_KINDS = ("application", "deployment")


@click.command("placements")
@common_options
@click.argument("app", required=False)
@click.option("--events", "with_events", is_flag=True, help="Show every event, not only the last.")
@click.option("--all", "with_earlier", is_flag=True, help="Earlier placements, too.")
@watch_option
def command(common: Common, app: str | None, with_events: bool, with_earlier: bool, watch: bool) -> int:
    """Show where containers run, and what happened to them; with APP, those of one application or deployment."""
    with open_operations(common) as operations:
        priors = _placed(operations, app)

        def look() -> dict[str, list[Placement]]:
            return {"placements": placements(operations.api, priors, with_earlier=with_earlier)}

        def text(found: dict[str, list[Placement]]) -> str:
            age = partial(age_text, now=operations.transport.server_time())
            return placements_text(found["placements"], age, width(), with_events=with_events)

        show(common, look, text, watch=watch)
    return 0


def _placed(operations: Operations, app: str | None) -> list[Prior]:
    """The applications and deployments that are meant; an application's key comes before a deployment's."""
    known = sorted(operations.state.resources.values(), key=lambda prior: prior.address)
    running = [prior for prior in known if prior.address.kind in _KINDS and prior.identity]
    if app is None:
        return running
    key = app.partition("[")[0]
    kinds = {prior.address.kind for prior in running if prior.address.key == key}
    is_deployment = key.startswith(("deployment.", "deployments.")) or kinds == {"deployment"}
    return operations.all(app, "deployment" if is_deployment else "application")


def placements(api: Cloudflare, priors: list[Prior], *, with_earlier: bool = False) -> list[Placement]:
    """Where the containers of these resources run; with `with_earlier`, where they ran before, too."""
    deployments = [(prior, one) for prior in priors for one in _deployments(api, prior)]
    read = _history if with_earlier else _present
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(lambda pair: list(read(api, *pair)), deployments)
        return [one for several in found for one in several]


def _deployments(api: Cloudflare, prior: Prior) -> list[dict[str, Any]]:
    try:
        if prior.address.kind == "deployment":
            return [api.get_deployment(prior.identity)]
        return api.list_application_deployments(prior.identity)
    except NotFoundError:
        return []


def _present(api: Cloudflare, prior: Prior, deployment: Document) -> Iterator[Placement]:
    current = deployment.get("current_placement")
    if not current:
        return
    with suppress(NotFoundError):  # placed anew just now: what was said of it has to do
        current = api.get_placement(str(current["id"]))
    yield _placement(prior, deployment, current, is_current=True)


def _history(api: Cloudflare, prior: Prior, deployment: Document) -> Iterator[Placement]:
    now = str((deployment.get("current_placement") or {}).get("id", ""))
    try:
        known = api.list_placements(str(deployment["id"]))
    except NotFoundError:
        return
    for one in known:
        yield _placement(prior, deployment, one, is_current=one.get("id") == now)


def _placement(prior: Prior, deployment: Document, one: Document, *, is_current: bool) -> Placement:
    location = deployment.get("location") or {}
    return Placement(
        id=str(one["id"]),
        address=str(prior.address),
        deployment=str(deployment["id"]),
        version=one.get("deployment_version"),
        location=str(location.get("name", "")),
        state=state_of(one),
        current=is_current,
        since=str(one.get("created_at", "")),
        events=happenings_in(one),
    )
