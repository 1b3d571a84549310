"""The options that many commands share, and what they come to."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from reconciler.cli import completing
from reconciler.cli.nearest_manifest import nearest_manifest
from reconciler.errors import ReconcilerError
from reconciler.frozen import frozen
from reconciler.model.address import ResourceAddress

Function = TypeVar("Function", bound=Callable[..., Any])


@frozen
class Common:
    """Which manifest and environment, against which world, and how to speak."""

    file: str | None = None
    environment: str | None = None
    local: bool = False
    json: bool = False
    no_color: bool = False
    verbose: int = 0

    def manifest_path(self) -> Path:
        """The manifest that is meant. Raises ReconcilerError where there is none."""
        return nearest_manifest(self.file)

    def environment_name(self) -> str | None:
        """The environment: `-e`, or RECONCILER_ENVIRONMENT."""
        return self.environment or os.environ.get("RECONCILER_ENVIRONMENT") or None


def common_options(function: Function) -> Function:
    """Adds `-f -e --local --json --no-color -v`, handed over together as `common`."""

    def command(
        file: str | None,
        environment: str | None,
        local: bool,
        json: bool,
        no_color: bool,
        verbose: int,
        **rest: Any,
    ) -> Any:
        return function(Common(file, environment, local, json, no_color, verbose), **rest)

    command.__name__, command.__doc__ = function.__name__, function.__doc__
    command.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
    options = (
        click.option("-f", "--file", metavar="FILE", help="The manifest [nearest containers.yaml]."),
        click.option(
            "-e",
            "--environment",
            metavar="NAME",
            help="The environment of the manifest.",
            shell_complete=completing.environments,
        ),
        click.option("--local", is_flag=True, help="Work on the local stand-in instead of Cloudflare."),
        click.option("--json", is_flag=True, help="Print JSON."),
        click.option("--no-color", is_flag=True, help="No colours."),
        click.option("-v", "--verbose", count=True, help="Say more on stderr."),
    )
    for option in reversed(options):
        option(command)
    return command  # type: ignore[return-value]


def plan_options(function: Function) -> Function:
    """Adds what plan, apply and destroy share."""
    options = (
        click.option(
            "--target",
            "targets",
            metavar="ADDR",
            multiple=True,
            help="Only this, and what it waits for.",
            shell_complete=completing.addresses,
        ),
        click.option(
            "--exclude",
            "excludes",
            metavar="ADDR",
            multiple=True,
            help="Not this, nor what waits for it.",
            shell_complete=completing.addresses,
        ),
        click.option(
            "--replace",
            "replaced",
            metavar="ADDR",
            multiple=True,
            help="Replace this one.",
            shell_complete=completing.addresses,
        ),
        click.option("--refresh-only", is_flag=True, help="Only take what is there into memory."),
        click.option("--no-refresh", is_flag=True, help="Trust memory; do not look at the cloud."),
        click.option("--no-secrets", is_flag=True, help="Fetch no secret; they are not compared."),
        click.option(
            "--var", "variables", metavar="K=V", multiple=True, help="Set a variable of the manifest."
        ),
        click.option("--all", "with_idle", is_flag=True, help="List what does not change, too."),
        detail_options,
    )
    for option in reversed(options):
        function = option(function)
    return function


def to_option(function: Function) -> Function:
    """Adds `--to` for what plans."""
    text = "Back to what the state of that serial recorded, instead of the manifest."
    return click.option("--to", "to", type=click.IntRange(0), metavar="SERIAL", help=text)(function)


def format_option(function: Function) -> Function:
    """Adds `--format` for a plan, and `--for` for its Markdown."""
    forms = click.Choice(["text", "markdown", "json", "html", "summary"])
    text = "How to show the plan; summary is JSON of two kilobytes."
    hosts = click.Choice(["github", "gitlab", "bitbucket"])
    limits = "Whose Markdown: how long it may be, and what it understands."
    function = click.option("--for", "host", type=hosts, default="github", show_default=True, help=limits)(
        function
    )
    return click.option("--format", "form", type=forms, default="text", show_default=True, help=text)(
        function
    )


def detail_options(function: Function) -> Function:
    """Adds how much is said, and by which signs."""
    details, text = click.Choice(["names", "changes", "full"]), "How much to say."
    function = click.option("--ascii", "ascii_only", is_flag=True, help="Plain ASCII.")(function)
    return click.option("--detail", type=details, default="changes", show_default=True, help=text)(function)


def parallelism_option(function: Function) -> Function:
    """Adds how many steps are taken at once."""
    count = click.IntRange(1, 256)
    return click.option("--parallelism", type=count, default=10, show_default=True, help="Steps at once.")(
        function
    )


def findings_option(function: Function) -> Function:
    """Adds `--format` for findings."""
    forms, text = click.Choice(["text", "json", "sarif", "github"]), "How to show the findings."
    return click.option("--format", "form", type=forms, default="text", show_default=True, help=text)(
        function
    )


def addresses(texts: tuple[str, ...], sections: dict[str, str]) -> tuple[ResourceAddress, ...]:
    """Addresses from the command line; raises ReconcilerError that says what one looks like."""
    try:
        return tuple(ResourceAddress.parse(text, sections) for text in texts)
    except ValueError as error:
        raise ReconcilerError(str(error)) from None


def variables_from(texts: tuple[str, ...]) -> dict[str, str]:
    """`--var K=V` as a dict; raises ReconcilerError for one without `=`."""
    pairs = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise ReconcilerError(f"--var {text!r} is not K=V")
        pairs[key] = value
    return pairs
