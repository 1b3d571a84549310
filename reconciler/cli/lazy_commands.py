"""A group of commands that are known by name and summary, and imported when they run: `--help` answers at once."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import click
from click.shell_completion import CompletionItem


class LazyCommands(click.Group):
    """`summaries` by name; `module_of` says which module of `cli` holds a `command`."""

    def __init__(
        self, *args: Any, summaries: Mapping[str, str], module_of: Callable[[str], str], **settings: Any
    ) -> None:
        super().__init__(*args, **settings)
        self.summaries = summaries
        self._module_of = module_of

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which they are listed."""
        return list(self.summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported."""
        if cmd_name not in self.summaries:
            return None
        module = importlib.import_module(f"reconciler.cli.{self._module_of(cmd_name)}")
        command: click.Command = module.command
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names with their summaries; no command is imported for it."""
        found = [one for one in self.summaries.items() if one[0].startswith(incomplete)]
        return [CompletionItem(name, help=summary) for name, summary in found]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes names and summaries."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries.items()))
