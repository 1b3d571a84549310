"""The group `jobs`: runs of jobs that an apply knows. Each command is a module `jobs_<name>`, imported when it runs."""

from __future__ import annotations

import importlib

import click

COMMANDS = {
    "run": "Run a job now, as it was last applied, and wait for its end",
    "status": "Show how the last run of each job stands, and what happened to it",
    "cancel": "Stop the run of a job that is under way",
}


class _Commands(click.Group):
    """Imports the command that runs, and no other."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"reconciler.cli.jobs_{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group("jobs", cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Tend runs of jobs: from state and cloud alone."""
