"""Shows what differs between memory and cloud, whatever the manifest says."""

from __future__ import annotations

import click

from reconciler.cli.options import Common, common_options
from reconciler.cli.saying import answer
from reconciler.cli.workplace import open_workplace
from reconciler.engine.changes import Options
from reconciler.render.harmless import harmless
from reconciler.render.values import shown
from reconciler.workflow import Wish, make_plan


@click.command("drift")
@common_options
def command(common: Common) -> int:
    """Show what differs between memory and cloud; exit 2 if anything does."""
    with open_workplace(common) as workplace:
        wish = Wish(Options(refresh_only=True), fetch_secrets=False, thorough=True)
        plan = make_plan(workplace.manifest, workplace.state(), workplace.house, wish).plan
    if common.json:
        from reconciler.render.machine import render_json

        answer(render_json({"drift": plan.drift}))
    else:
        for one in plan.drift:
            what = (
                f"{one.path}: live {shown(one.live, one.path)}, last applied {shown(one.recorded, one.path)}"
            )
            answer(f"{one.address}  {harmless(what) if one.path else 'is gone'}\n")
        if not plan.drift:
            answer("no drift\n")
    return 2 if plan.drift else 0
