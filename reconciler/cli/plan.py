"""Shows what would be done, and does nothing: no write, no lock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reconciler.cli.kept import keep
from reconciler.cli.options import (
    Common,
    common_options,
    format_option,
    plan_options,
    to_option,
    variables_from,
)
from reconciler.cli.planning import show_plan, wish_from
from reconciler.cli.workplace import open_workplace
from reconciler.errors import ReconcilerError
from reconciler.storage.plan_file import save_plan
from reconciler.workflow import make_plan


@click.command("plan")
@common_options
@plan_options
@to_option
@format_option
@click.option("-o", "--out", "out", type=click.Path(path_type=Path), help="Save the plan for `apply FILE`.")
@click.option("--destroy", is_flag=True, help="Plan to remove everything.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 where changes are pending.")
@click.option(
    "--expires", metavar="DURATION", default="7d", show_default=True, help="How long a saved plan holds."
)
def command(
    common: Common, out: Path | None, destroy: bool, detailed_exitcode: bool, expires: str, **chosen: Any
) -> int:
    """Refresh, compare, and show what would be done."""
    days = days_in(expires)
    with open_workplace(common, variables=variables_from(chosen.pop("variables"))) as workplace:
        wish = wish_from(workplace, chosen, destroy=destroy, days=days)
        state = workplace.state()
        blueprint = make_plan(workplace.manifest, state, workplace.house, wish)
    plan = blueprint.plan
    if out is not None:
        save_plan(plan, out)
    show_plan(plan, workplace, chosen, plan_file=str(out) if out else "")
    keep(workplace, state, blueprint)
    if plan.summary.get("refused") or any(one.severity == "error" for one in plan.diagnostics):
        return 1
    return 2 if detailed_exitcode and not plan.is_empty else 0


def days_in(text: str) -> float:
    """A duration such as `90m`, `36h` or `7d` in days. Raises ReconcilerError for anything else."""
    units = {"s": 1 / 86400, "m": 1 / 1440, "h": 1 / 24, "d": 1.0, "w": 7.0}
    number, unit = text[:-1], text[-1:]
    try:
        return float(number) * units[unit]
    except (ValueError, KeyError):
        raise ReconcilerError(f"{text!r} is no duration; one looks like 90m, 36h or 7d") from None
