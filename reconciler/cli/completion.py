"""Prints what makes a shell complete commands, options, environments and addresses."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from reconciler.cli.options import Common, common_options
from reconciler.cli.saying import answer

SHELLS = ("bash", "zsh", "fish")
_PROGRAM = "reconciler"


@click.command("completion")
@common_options
@click.argument("shell", type=click.Choice(SHELLS))
def command(common: Common, shell: str) -> int:
    """Print the completion for SHELL, as in `eval "$(reconciler completion bash)"`."""
    del common
    found = get_completion_class(shell)
    assert found is not None
    root = click.get_current_context().find_root().command
    completion = found(root, {}, _PROGRAM, f"_{_PROGRAM.upper()}_COMPLETE")
    answer(completion.source_template % completion.source_vars())
    return 0
