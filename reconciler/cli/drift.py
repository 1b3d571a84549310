"""Shows what differs between memory and cloud, whatever the manifest says."""

from __future__ import annotations

import click

from reconciler.cli.options import Common, common_options
from reconciler.cli.saying import answer
from reconciler.cli.workplace import open_workplace
from reconciler.engine.changes import Options
from reconciler.model.plan import PlannedDrift
from reconciler.render.harmless import harmless
from reconciler.render.notices import changed_text, live_text
from reconciler.render.values import Wording
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
            answer(f"{one.address}  {_told(one) if one.path else 'is gone'}\n")
        if not plan.drift:
            answer("no drift\n")
    return 2 if plan.drift else 0


def _told(one: PlannedDrift) -> str:
    wording = Wording()
    since = changed_text([one], wording)
    return f"{harmless(one.path)}: {live_text(one, wording)}{f' ({since})' if since else ''}"
