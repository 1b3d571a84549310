"""The group `jobs`: runs of jobs that an apply knows. Each command is a module `jobs_<name>`, imported when it runs."""

from __future__ import annotations

import click

from reconciler.cli.lazy_commands import LazyCommands

COMMANDS = {
    "run": "Run a job now, as it was last applied, and wait for its end",
    "status": "Show how the last run of each job stands, and what happened to it",
    "cancel": "Stop the run of a job that is under way",
}


@click.group(
    "jobs",
    cls=LazyCommands,
    summaries=COMMANDS,
    module_of="jobs_{}".format,
    context_settings={"help_option_names": ["-h", "--help"]},
)
def command() -> None:
    """Tend runs of jobs: from state and cloud alone."""
