"""Draws who waits for whom."""

from __future__ import annotations

import shutil
import subprocess

import click

from reconciler.cli.options import Common, common_options
from reconciler.cli.saying import answer
from reconciler.cli.workplace import binding_handlers
from reconciler.engine.graph import build_graph
from reconciler.errors import ReconcilerError
from reconciler.manifest import read_manifest
from reconciler.model.manifest import Inputs
from reconciler.render.graph import render_dot, render_mermaid, render_text


@click.command("graph")
@common_options
@click.option("--format", "form", type=click.Choice(["text", "dot", "mermaid", "svg"]), default="text")
def command(common: Common, form: str) -> int:
    """Draw the manifest's resources and who waits for whom."""
    path = common.manifest_path()
    manifest = read_manifest(path, binding_handlers(), common.environment_name(), Inputs(offline=True))
    graph = build_graph(manifest.resources)
    edges = {str(address): [str(other) for other in graph.waits_for[address]] for address in graph.order}
    if common.json:
        from reconciler.render.machine import render_json

        answer(render_json({name: sorted(others) for name, others in edges.items()}))
    elif form == "text":
        answer(render_text(edges))
    elif form == "mermaid":
        answer(render_mermaid(edges))
    else:
        answer(_svg(render_dot(edges)) if form == "svg" else render_dot(edges))
    return 0


def _svg(dot: str) -> str:
    tool = shutil.which("dot")
    if tool is None:
        raise ReconcilerError("drawing SVG needs Graphviz", fix="install graphviz, or use --format mermaid")
    ended = subprocess.run([tool, "-Tsvg"], input=dot, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise ReconcilerError(f"dot failed: {ended.stderr.strip()}")
    return ended.stdout
