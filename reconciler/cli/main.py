"""Parses arguments, runs one command, turns the outcome into an exit code.

The cyclic garbage collector is off for the whole command: with it on, a plan of 10,000 resources takes nearly twice as long.
Commands are imported only when they run, so that `--help` answers at once.
"""

from __future__ import annotations

import contextlib
import difflib
import gc
import os
import sys
from typing import Any

import click

from reconciler import __version__
from reconciler.cli.lazy_commands import LazyCommands
from reconciler.errors import ReconcilerError

COMMANDS = {
    "init": "Write a first manifest, from what lies here or from wrangler's configuration",
    "validate": "Check the manifest: everything that needs no network",
    "check": "Check your Dockerfiles and conventions",
    "plan": "Show what would be done, and do nothing",
    "apply": "Do what a plan shows",
    "explain": "Say why a plan changes something, and what would have to be different",
    "destroy": "Remove everything this manifest and environment made",
    "comment": "Post the plan on the pull request that this run belongs to",
    "reviewed": "Fetch the plan that was reviewed on the pull request of this commit",
    "drift": "Show what differs between memory and cloud",
    "show": "Show the state, or a saved plan",
    "output": "Print the outputs of the last apply",
    "status": "Show what runs, since when, by whose apply",
    "instances": "Show what an application runs: by state, with versions",
    "placements": "Show where containers run, and what happened to them",
    "ips": "Show the account's addresses, and who has them",
    "account": "Show limits and locations, and what this manifest would use of them",
    "rollout": "Look at a rollout, take its steps, take it back",
    "rollback": "Go back to the last good version",
    "restart": "Start instances anew on the configuration they have",
    "jobs": "Tend runs of jobs: run, status, cancel",
    "graph": "Draw who waits for whom",
    "import": "Bring in what exists already",
    "state": "Tend the memory: list, show, mv, rm, history, restore, ...",
    "images": "Tend images: list, build, push, copy, sbom, gc, pin, login",
    "promote": "Write the digest that runs in one environment into the manifest for another",
    "compose": "Write a Compose file for a production-like local run",
    "fmt": "Bring the manifest into its layout, comments kept",
    "doctor": "Check credentials, reachability, Docker, clock",
    "emulator": "Serve the local stand-in for Cloudflare",
    "schema": "Print a JSON Schema: manifest, plan or state",
    "completion": "Print what makes bash, zsh or fish complete",
    "version": "Print the version",
}
_MODULES = {"import": "import_resources", "output": "outputs", "account": "account_limits"}
_OTHER_WORDS = {
    "deploy": "apply",
    "up": "apply",
    "down": "destroy",
    "get": "show",
    "diff": "plan",
    "refresh": "plan --refresh-only",
    "rm": "state rm",
    "mv": "state mv",
}


class _Commands(LazyCommands):
    """Offers the nearest command for a name that is none."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS:
            raise click.UsageError(_did_you_mean(name), ctx)
        return super().resolve_command(ctx, args)


def _did_you_mean(name: str) -> str:
    near = _OTHER_WORDS.get(name) or next(iter(difflib.get_close_matches(name, COMMANDS, 1, 0.5)), "")
    hint = f"; did you mean {near}?" if near else "; `reconciler --help` lists what there is"
    return f"there is no command {name!r}{hint}"


@click.group(
    cls=_Commands,
    summaries=COMMANDS,
    module_of=lambda name: _MODULES.get(name, name),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="reconciler %(version)s")
def cli() -> None:
    """Plans and applies Cloudflare Containers from one containers.yaml."""


def main(args: list[str] | None = None) -> None:
    """Runs a command line and ends the process with its exit code (interface 3).

    Everything is closed by then: tidying up the interpreter's memory would only take time.
    """
    gc.disable()
    code = run(sys.argv[1:] if args is None else args)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def run(args: list[str]) -> int:
    """Runs a command line and gives its exit code; whatever goes wrong is said on stderr."""
    try:
        code: Any = cli.main(_spelled(args), prog_name="reconciler", standalone_mode=False)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as error:
        error.show(sys.stderr)
        return 1
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    except ReconcilerError as error:
        return _say(error, "--json" in args)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - nobody reads any more
        return 1
    except Exception as error:
        if os.environ.get("RECONCILER_TRACEBACK"):
            raise
        return _say(_defect(error), "--json" in args)
    return code if isinstance(code, int) else 0


def _spelled(args: list[str]) -> list[str]:
    """Terraform's `-out` and `-auto-approve` are understood too, and `--json=summary` as a format of its own."""
    other = {"-out": "-o", "--out": "-o", "-auto-approve": "--yes", "--auto-approve": "--yes"}
    spelled = []
    for arg in args:
        name, equals, value = arg.partition("=")
        if arg == "--json=summary":
            spelled.append("--format=summary")
        elif name in other:
            spelled.extend([other[name], value] if equals else [other[name]])
        else:
            spelled.append(arg)
    return spelled


def _defect(error: Exception) -> ReconcilerError:
    return ReconcilerError(
        f"this is a defect of reconciler itself: {type(error).__name__}: {error}",
        fix="nothing more was done; set RECONCILER_TRACEBACK=1 to see where, and report it",
    )


def _say(error: ReconcilerError, as_json: bool) -> int:
    from reconciler.cli.saying import say_error

    say_error(error, as_json=as_json)
    return error.exit_code
