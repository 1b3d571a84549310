"""`restart APP`: every instance starts anew, on the configuration that it has."""

from __future__ import annotations

from dataclasses import replace

import click

from reconciler.cli.options import Common, common_options
from reconciler.cli.rolling import Desk, carry_out, rolling_options
from reconciler.cli.saying import note
from reconciler.engine.operate import change_to, make
from reconciler.errors import RefusedError
from reconciler.kinds.application import going_back
from reconciler.kinds.application.judging import RESTART
from reconciler.kinds.application.looking import observed
from reconciler.kinds.application.pending import under_way
from reconciler.model.resource import Pending


@click.command("restart")
@common_options
@click.argument("app")
@rolling_options
def command(common: Common, app: str, yes: bool, no_wait: bool) -> int:
    """Start the instances of APP anew, step by step; nothing else changes."""
    del yes
    return carry_out(common, app, "restart", _start_anew, wait=not no_wait)


def _start_anew(desk: Desk) -> Pending | None:
    prior, handler = desk.prior, desk.handler
    going_back.refuse_managed(prior, desk.application)
    if begun := _under_way(desk):
        return begun
    seen = observed(desk.application, (prior.attributes.get("generation_variable") or {}).get("name"))
    owing = replace(prior, owes=(RESTART,))
    wanted = going_back.unchanged(prior, seen)
    settings = going_back.restart_settings(prior)
    change = change_to(wanted, owing, seen, handler, settings=settings)
    attributes = dict(prior.attributes)
    if "generation" in change.wanted:
        attributes["generation"] = change.wanted["generation"]
    done = make(change, attributes, handler, "restart", desk.operator)
    return done.pending[0] if done.pending else None


def _under_way(desk: Desk) -> Pending | None:
    """A restart under way is watched. Raises RefusedError for a rollout: it starts instances anew anyway."""
    pending = under_way(desk.prior, desk.application)
    if pending is None:
        return None
    if not pending.token.get("forgets", True):
        note(f"{desk.address}: watching what was begun at {pending.since}")
        return pending
    raise RefusedError(
        f"a rollout of {desk.address} is under way since {pending.since}",
        fix=f"see how far it is with `rollout status {desk.address}`, or take it back with `rollout revert {desk.address}`",
        address=str(desk.address),
    )
