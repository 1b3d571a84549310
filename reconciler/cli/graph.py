"""Draws who waits for whom: in the manifest, in the state, or in a plan with what it does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from reconciler.cli.options import Common, common_options, variables_from
from reconciler.cli.saying import answer
from reconciler.cli.workplace import binding_handlers, open_workplace
from reconciler.engine.graph import build_graph, topological_order
from reconciler.frozen import frozen
from reconciler.manifest import read_manifest
from reconciler.model.manifest import Inputs
from reconciler.model.plan import Plan
from reconciler.model.state import State
from reconciler.render.graph import render_dot, render_mermaid, render_text
from reconciler.storage.plan_file import load_plan
from reconciler.workflow import Wish, make_plan

_RENDERERS = {"text": render_text, "dot": render_dot, "mermaid": render_mermaid}


@frozen
class _Graph:
    """Who waits for whom, each after what it waits for, and what a plan does to them."""

    edges: Mapping[str, list[str]]
    actions: Mapping[str, str]


@click.command("graph")
@common_options
@click.option(
    "--of",
    "subject",
    type=click.Choice(["manifest", "state", "plan"]),
    default="manifest",
    show_default=True,
    help="Whose graph; with PLANFILE, that plan's.",
)
@click.option("--var", "variables", metavar="K=V", multiple=True, help="Set a variable of the manifest.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "dot", "mermaid", "svg"]),
    default="text",
    show_default=True,
    help="How to draw it.",
)
@click.argument("planfile", required=False, type=click.Path(path_type=Path))
def command(
    common: Common, subject: str, variables: tuple[str, ...], form: str, planfile: Path | None
) -> int:
    """Draw who waits for whom in the manifest, the state, or a plan; of PLANFILE, or of what would be planned now."""
    graph = _of_plan(load_plan(planfile)) if planfile else _drawn(common, subject, variables)
    if common.json:
        from reconciler.render.machine import render_json

        answer(render_json({name: sorted(others) for name, others in graph.edges.items()}))
    elif form == "svg":
        from reconciler.render.drawing import render_svg

        answer(render_svg(graph.edges, graph.actions))
    else:
        answer(_RENDERERS[form](graph.edges, graph.actions))
    return 0


def _drawn(common: Common, subject: str, variables: tuple[str, ...]) -> _Graph:
    chosen = variables_from(variables)
    if subject == "manifest":
        return _of_manifest(common, chosen)
    with open_workplace(common, variables=chosen) as workplace:
        state = workplace.state()
        if subject == "state":
            return _of_state(state)
        blueprint = make_plan(workplace.manifest, state, workplace.house, Wish(with_idle=True))
    waits_for = blueprint.waits_for
    edges = {str(one): list(map(str, waits_for[one])) for one in topological_order(waits_for)}
    return _of_plan(blueprint.plan, edges)


def _of_manifest(common: Common, variables: Mapping[str, str]) -> _Graph:
    inputs = Inputs(variables=variables, offline=True)
    path = common.manifest_path()
    manifest = read_manifest(path, binding_handlers(), common.environment_name(), inputs)
    graph = build_graph(manifest.resources)
    return _Graph({str(one): sorted(map(str, graph.waits_for[one])) for one in graph.order}, {})


def _of_state(state: State) -> _Graph:
    """What waited for whom when it was last applied; what waits in a loop stands last."""
    waits = {address: frozenset(prior.depends_on) for address, prior in state.resources.items()}
    order = dict.fromkeys((*topological_order(waits), *sorted(waits)))
    return _Graph({str(one): sorted(map(str, waits[one])) for one in order}, {})


def _of_plan(plan: Plan, edges: Mapping[str, list[str]] | None = None) -> _Graph:
    """All that a plan speaks of; what it does not change, too, where the manifest says whom it waits for."""
    actions = {one.address: one.action for one in plan.changes}
    told = {one.address: list(one.requires) for one in plan.changes}
    known = {name: others for name, others in (edges or {}).items() if name in actions}
    return _Graph({**known, **{name: others for name, others in told.items() if name not in known}}, actions)
