"""Removes everything this manifest and environment made, after its name has been typed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from reconciler.cli.applying import Going, allowance_from, apply_wish
from reconciler.cli.interrupts import interruptible
from reconciler.cli.options import Common, common_options, parallelism_option, plan_options, variables_from
from reconciler.cli.planning import wish_from
from reconciler.cli.workplace import open_workplace
from reconciler.model.stop import StopSignal


@click.command("destroy")
@common_options
@plan_options
@click.option("--yes", is_flag=True, help="Do not ask.")
@parallelism_option
@click.option("--allow", metavar="HAZARD[:ADDR]", multiple=True, help="Allow a blocked hazard.")
def command(common: Common, yes: bool, parallelism: int, allow: tuple[str, ...], **chosen: Any) -> int:
    """Plan to remove everything, show it, ask for the name, and do it."""
    stop = StopSignal()
    variables = variables_from(chosen.pop("variables"))
    with (
        interruptible(stop),
        open_workplace(
            common, variables=variables, stop=stop, parallelism=parallelism, may_push=True
        ) as workplace,
    ):
        name = workplace.manifest.environment or workplace.manifest.project
        allowance = allowance_from(allow, None)
        if not yes:
            # Whoever types the name has read that everything goes, the data with it (interface 3).
            allowance = replace(allowance, hazards=allowance.hazards | {("DELETES_DATA", "")})
        going = Going(
            yes=yes,
            allowance=allowance,
            question=f"This removes everything of {name}. Type its name to go on",
            expected_answer=name,
            command="destroy",
        )
        wish = wish_from(workplace, {**chosen, "no_secrets": True}, destroy=True)
        return apply_wish(workplace, wish, going, chosen)
