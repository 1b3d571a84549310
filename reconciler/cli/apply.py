"""Does what a plan shows: a saved one exactly, or a fresh one after showing it and asking."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from reconciler.cli.applying import Going, allowance_from, apply_wish
from reconciler.cli.interrupts import interruptible
from reconciler.cli.options import (
    Common,
    common_options,
    parallelism_option,
    plan_options,
    to_option,
    variables_from,
)
from reconciler.cli.planning import wish_from, wish_of_plan
from reconciler.cli.workplace import Workplace, open_workplace
from reconciler.errors import ReconcilerError, RefusedError, StalePlanError
from reconciler.model.plan import Plan
from reconciler.model.stop import StopSignal
from reconciler.storage.plan_file import load_plan, refuse_expired
from reconciler.workflow import Wish


@click.command("apply")
@common_options
@plan_options
@to_option
@click.argument("planfile", required=False, type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@parallelism_option
@click.option("--allow", metavar="HAZARD[:ADDR]", multiple=True, help="Allow a blocked hazard.")
@click.option("--allow-destroy", type=int, metavar="N", help="Allow exactly so many deletes.")
@click.option("--no-wait", is_flag=True, help="Start rollouts, and leave them under way.")
@click.option("--resend-secrets", is_flag=True, help="Send secrets that cannot be compared.")
@click.option("--builder", metavar="NAME", default="", help="The builder of buildx that builds images.")
def command(
    common: Common,
    planfile: Path | None,
    yes: bool,
    parallelism: int,
    allow: tuple[str, ...],
    allow_destroy: int | None,
    no_wait: bool,
    resend_secrets: bool,
    builder: str,
    **chosen: Any,
) -> int:
    """Plan, show, ask, and do it; with PLANFILE, exactly that plan or a refusal."""
    stop = StopSignal()
    saved = load_plan(planfile) if planfile else None
    if saved is not None and chosen["to"] is not None:
        raise ReconcilerError("a saved plan knows where it leads", fix="say PLANFILE or --to")
    if saved is not None:
        common = settled_by_plan(common, saved)
    variables = variables_from(chosen.pop("variables"))
    with (
        interruptible(stop),
        open_workplace(
            common,
            variables=variables,
            recorded=saved.inputs if saved else None,
            stop=stop,
            parallelism=parallelism,
            may_push=True,
            builder=builder,
        ) as workplace,
    ):
        wish = _wish(workplace, saved, chosen, resend_secrets)
        going = Going(
            yes=yes,
            allowance=allowance_from(allow, allow_destroy),
            wait=not no_wait,
            saved=saved,
            plan_file=str(planfile or ""),
        )
        return apply_wish(workplace, wish, going, chosen)


def _wish(workplace: Workplace, saved: Plan | None, chosen: dict[str, Any], resend: bool) -> Wish:
    if saved is None:
        return wish_from(workplace, chosen, resend_secrets=resend)
    check_still_valid(workplace, saved)
    return wish_of_plan(saved, workplace)


def settled_by_plan(common: Common, plan: Plan) -> Common:
    """A plan knows its environment and target; what contradicts it is an error (interface 4)."""
    if common.environment and common.environment != plan.environment:
        raise RefusedError(
            f"the plan is for the environment {plan.environment!r}, not {common.environment!r}"
        )
    local = plan.target == "local"
    if common.local and not local:
        raise RefusedError("the plan is for Cloudflare, and --local contradicts it")
    file = common.file or plan.manifest.path
    return replace(common, environment=plan.environment, local=local, file=file)


def check_still_valid(workplace: Workplace, plan: Plan) -> None:
    """Raises StalePlanError where the plan has expired, or rests on another manifest or account."""
    refuse_expired(plan, datetime.fromisoformat(workplace.house.clock.now()))
    if plan.manifest.sha256 != workplace.manifest.sha256:
        raise StalePlanError(f"{plan.manifest.path} has changed since the plan was made", fix="plan again")
    if plan.account_id != workplace.identity.account_id:
        raise RefusedError(
            f"the plan is for the account {plan.account_id}, not {workplace.identity.account_id}"
        )
