"""Prints the version."""

from __future__ import annotations

import click

from reconciler import __version__
from reconciler.cli.options import Common, common_options
from reconciler.cli.saying import answer


@click.command("version")
@common_options
def command(common: Common) -> int:
    """Print the version."""
    if common.json:
        from reconciler.render.machine import render_json

        answer(render_json({"version": __version__}))
    else:
        answer(f"reconciler {__version__}\n")
    return 0
