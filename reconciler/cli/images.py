"""The group `images`: the registry's side. Each command is a module `images_<name>`, imported when it runs."""

from __future__ import annotations

import click

from reconciler.cli.lazy_commands import LazyCommands

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


@click.group(
    "images",
    cls=LazyCommands,
    summaries=COMMANDS,
    module_of="images_{}".format,
    context_settings={"help_option_names": ["-h", "--help"]},
)
def command() -> None:
    """Tend images: in the registry, in Dockerfiles, in the manifest."""
