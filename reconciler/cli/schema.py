"""Prints a JSON Schema, for editors and other tools."""

from __future__ import annotations

import click

from reconciler.cli.saying import answer
from reconciler.cli.workplace import binding_handlers
from reconciler.render.machine import render_json


@click.command("schema")
@click.argument("which", type=click.Choice(["manifest", "plan", "state"]), default="manifest")
def command(which: str) -> int:
    """Print the JSON Schema of the manifest, the plan or the state."""
    answer(schema_text(which))
    return 0


def schema_text(which: str) -> str:
    """The schema as it stands in `schemas/`."""
    if which == "manifest":
        from reconciler.manifest import manifest_schema

        return render_json(manifest_schema(binding_handlers()))
    from reconciler.storage.schemas import plan_schema, state_schema

    return render_json(plan_schema() if which == "plan" else state_schema())
