"""The group `images`: the registry's side. Each command is a module `images_<name>`, imported when it runs."""

from __future__ import annotations

import importlib

import click

COMMANDS = {
    "list": "List what lies in Cloudflare's registry, and who uses it",
    "build": "Build what the manifest builds, unless it is there already",
    "push": "Send an archive, or an image of Docker's, into Cloudflare's registry",
    "copy": "Copy an image from anywhere into Cloudflare's registry",
    "gc": "Delete what nothing uses any more",
    "login": "Let the `docker` program into Cloudflare's registry for a while",
    "sbom": "List the packages in an image, or what differs between two",
    "pin": "Replace tags by tag@digest, in Dockerfiles and the manifest",
}


class _Commands(click.Group):
    """Imports the command that runs, and no other."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"reconciler.cli.images_{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group("images", cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Tend images: in the registry, in Dockerfiles, in the manifest."""
