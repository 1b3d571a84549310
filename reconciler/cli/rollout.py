"""`rollout status|next|previous|revert APP`: looks at a rollout, takes its steps, takes it back."""

from __future__ import annotations

import click

from reconciler.cli.operating import open_operations
from reconciler.cli.options import Common, common_options
from reconciler.cli.rolling import Desk, carry_out, rolling_options
from reconciler.cli.rollout_report import report_of
from reconciler.cli.watching import show, watch_option
from reconciler.engine.operate import choose
from reconciler.engine.waiting import REVERT
from reconciler.errors import RefusedError
from reconciler.kinds.application.pending import (
    at_once,
    cut_off,
    last_rollout,
    newest_first,
    under_way,
    undoing,
)
from reconciler.model.resource import Pending
from reconciler.render.rollouts import Report, report_text


@click.group("rollout", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Look at a rollout, take its steps, take it back."""


@command.command("status")
@common_options
@click.argument("app")
@watch_option
def status(common: Common, app: str, watch: bool) -> int:
    """Show how far the rollout of APP is, or how the last one ended; --watch until its end."""
    last: list[Report] = []
    with open_operations(common) as operations:
        prior = operations.application(app)

        def look() -> Report:
            last[:] = [report_of(operations.api, prior)]
            return last[0]

        show(common, look, report_text, watch=watch, is_over=lambda report: report.is_over)
    return 4 if watch and last[0].ended_badly else 0


@command.command("next")
@common_options
@click.argument("app")
@rolling_options
def go_on(common: Common, app: str, yes: bool, no_wait: bool) -> int:
    """Take the next step of a manual rollout of APP."""
    del yes
    return carry_out(common, app, "rollout next", lambda desk: _step(desk, "next"), wait=not no_wait)


@command.command("previous")
@common_options
@click.argument("app")
@rolling_options
def go_back(common: Common, app: str, yes: bool, no_wait: bool) -> int:
    """Take back the last step of a manual rollout of APP."""
    del yes
    return carry_out(common, app, "rollout previous", lambda desk: _step(desk, "previous"), wait=not no_wait)


@command.command("revert")
@common_options
@click.argument("app")
@rolling_options
def revert(common: Common, app: str, yes: bool, no_wait: bool) -> int:
    """Take a rollout of APP back: its instances, and the configuration that they came from."""
    del yes
    return carry_out(common, app, "rollout revert", _revert, wait=not no_wait)


def _step(desk: Desk, choice: str) -> Pending:
    pending = under_way(desk.prior, desk.application)
    if pending is None:
        raise _nothing_to_do(desk)
    choose(choice, pending, desk.prior, desk.handler, desk.operator, pending)
    return at_once(pending)


def _revert(desk: Desk) -> Pending | None:
    prior = desk.prior
    pending = cut_off(prior) or under_way(prior, desk.application) or _failed(desk)
    if pending is None:
        raise _nothing_to_do(desk)
    done = choose(REVERT, pending, desk.prior, desk.handler, desk.operator, undoing(pending))
    return done.pending[0] if done.pending else None


def _failed(desk: Desk) -> Pending | None:
    """The rollout that brought the present version, where it failed or its instances were taken back without the rest."""
    rollouts = newest_first(desk.operations.api.list_rollouts(desk.prior.identity))
    last = last_rollout(desk.prior, desk.application, rollouts)
    if last is None:
        return None
    is_half_back = any(
        one["id"] == last.token["rollout"] and one.get("status") == "reverted" for one in rollouts
    )
    failed = desk.prior.facts.get("failed") or {}
    return last if is_half_back or failed.get("rollout") == last.token["rollout"] else None


def _nothing_to_do(desk: Desk) -> RefusedError:
    return RefusedError(
        f"no rollout of {desk.address} is under way",
        fix=f"`rollout status {desk.address}` shows how the last one ended; `rollback {desk.address}` goes back from it",
        address=str(desk.address),
    )
