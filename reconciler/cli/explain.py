"""Says why a plan does something to a resource, and what would have to be different."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from reconciler.cli import completing
from reconciler.cli.options import Common, addresses, common_options, plan_options, to_option, variables_from
from reconciler.cli.planning import style_from, wish_from
from reconciler.cli.saying import answer
from reconciler.cli.workplace import open_workplace
from reconciler.errors import ReconcilerError
from reconciler.kinds import SECTIONS
from reconciler.model.address import ResourceAddress
from reconciler.model.plan import Plan
from reconciler.render.explain import Explanation, explain, explanation_json, explanation_text
from reconciler.storage.plan_file import load_plan
from reconciler.workflow import make_plan

Edges = Mapping[ResourceAddress, frozenset[ResourceAddress]]


@click.command("explain")
@common_options
@plan_options
@to_option
@click.option("--destroy", is_flag=True, help="Explain the plan that removes everything.")
@click.argument("address", shell_complete=completing.addresses)
@click.argument("planfile", required=False, type=click.Path(path_type=Path))
def command(common: Common, address: str, planfile: Path | None, destroy: bool, **chosen: Any) -> int:
    """Say why a plan does to ADDRESS what it does; of PLANFILE, or of what would be planned now."""
    [asked] = addresses((address,), dict(SECTIONS))
    if planfile is not None:
        plan, waits_for = load_plan(planfile), None
    else:
        plan, waits_for = _planned(common, chosen, destroy=destroy)
    found = _explained(plan, asked, waits_for)
    if common.json:
        answer(explanation_json(found))
        return 0
    style = style_from(plan, common.no_color, chosen)
    answer("\n".join(explanation_text(plan, one, style) for one in found))
    return 0


def _planned(common: Common, chosen: dict[str, Any], *, destroy: bool) -> tuple[Plan, Edges]:
    """The plan as `plan` makes it, with what does not change."""
    with open_workplace(common, variables=variables_from(chosen.pop("variables"))) as workplace:
        wish = wish_from(workplace, {**chosen, "with_idle": True}, destroy=destroy)
        blueprint = make_plan(workplace.manifest, workplace.state(), workplace.house, wish)
    return blueprint.plan, blueprint.waits_for


def _explained(plan: Plan, asked: ResourceAddress, waits_for: Edges | None) -> list[Explanation]:
    """The resource of an address, or all of a `for_each`. Raises ReconcilerError where the plan speaks of neither."""
    meant = [one.address for one in plan.changes if not asked.each and one.address.startswith(f"{asked}[")]
    names = [str(asked), *meant]
    known_edges = {name: _waits_for(waits_for, name) for name in names} if waits_for is not None else None
    if found := explain(plan, names, known_edges):
        return found
    known = [one.address for one in plan.changes]
    near = next(iter(difflib.get_close_matches(str(asked), known, 1, 0.6)), "")
    hint = f"did you mean {near}? " if near else ""
    raise ReconcilerError(
        f"the plan does not speak of {asked}: it is neither in the manifest nor in the state",
        fix=f"{hint}`reconciler state list` and `reconciler plan --all` show what there is",
    )


def _waits_for(edges: Edges, address: str) -> tuple[str, ...]:
    return tuple(sorted(map(str, edges.get(ResourceAddress.parse(address), ()))))
