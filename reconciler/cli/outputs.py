"""Prints the outputs of the last apply."""

from __future__ import annotations

import difflib
import json

import click

from reconciler.cli.options import Common, common_options
from reconciler.cli.saying import answer
from reconciler.cli.workplace import open_workplace
from reconciler.errors import ReconcilerError
from reconciler.render.harmless import harmless
from reconciler.render.machine import render_json


@click.command("output")
@common_options
@click.argument("name", required=False)
def command(common: Common, name: str | None) -> int:
    """Print the outputs; with NAME, the bare value."""
    with open_workplace(common) as workplace:
        outputs = dict(workplace.state().outputs)
    if name is None:
        answer(
            render_json(outputs)
            if common.json
            else "".join(f"{key} = {_bare(it)}\n" for key, it in outputs.items())
        )
        return 0
    if name not in outputs:
        near = difflib.get_close_matches(name, outputs, 1)
        raise ReconcilerError(
            f"there is no output {name!r}",
            fix=f"did you mean {near[0]}?" if near else "an apply records outputs; `output` lists them",
        )
    answer(render_json(outputs[name]) if common.json else f"{_bare(outputs[name])}\n")
    return 0


def _bare(value: object) -> str:
    return harmless(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
