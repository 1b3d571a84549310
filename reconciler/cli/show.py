"""Shows the state, or a saved plan, in any format."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.options import Common, common_options, detail_options, format_option
from reconciler.cli.planning import style_from, worded
from reconciler.cli.saying import answer
from reconciler.cli.workplace import open_workplace
from reconciler.model.state import State
from reconciler.render.harmless import harmless
from reconciler.render.machine import render_json
from reconciler.render.values import shown
from reconciler.storage.plan_file import load_plan


@click.command("show")
@common_options
@click.argument("planfile", required=False, type=click.Path(path_type=Path))
@format_option
@detail_options
def command(
    common: Common, planfile: Path | None, form: str, host: str, detail: str, ascii_only: bool
) -> int:
    """Show what is remembered, or with PLANFILE a saved plan."""
    if planfile is not None:
        plan = load_plan(planfile)
        chosen = {"detail": detail, "ascii_only": ascii_only}
        style = style_from(plan, common.no_color, chosen, str(planfile))
        answer(worded(plan, "json" if common.json else form, style, host))
        return 0
    with open_workplace(common) as workplace:
        state = workplace.state()
    answer(state_json(state) if common.json or form == "json" else state_text(state))
    return 0


def state_json(state: State) -> str:
    """What is remembered, as JSON: addresses to resources, and the outputs."""
    resources = {str(address): prior for address, prior in sorted(state.resources.items())}
    about = {
        "lineage": state.lineage,
        "serial": state.serial,
        "project": state.project,
        "environment": state.environment,
        "target": state.target,
        "account_id": state.account_id,
    }
    return render_json({**about, "resources": resources, "outputs": dict(state.outputs)})


def state_text(state: State) -> str:
    """What is remembered, for people."""
    where = f"{state.project}/{state.environment}" if state.environment else state.project
    lines = [f"{where}  {state.target}  account {state.account_id}  state #{state.serial}"]
    for address, prior in sorted(state.resources.items()):
        name = f"  {prior.name}" if prior.name else ""
        lines.append(f"{address}{name}  ({prior.identity or 'no id'})")
        lines += [f"    {key} = {shown(value, key)}" for key, value in sorted(prior.outputs.items())]
    lines += [f"output {name} = {shown(value)}" for name, value in sorted(state.outputs.items())]
    return "".join(f"{harmless(line)}\n" for line in lines)
