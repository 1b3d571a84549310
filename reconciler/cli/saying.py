"""How the front door speaks: answers to stdout, diagnostics and errors to stderr, nothing from outside left harmful."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import click

from reconciler.errors import ManifestError, ReconcilerError
from reconciler.model.diagnostic import Diagnostic
from reconciler.render.harmless import harmless


def say_error(error: ReconcilerError, *, as_json: bool = False) -> None:
    """Prints an error, with its findings where it has some."""
    findings = error.diagnostics if isinstance(error, ManifestError) else ()
    if as_json:
        from reconciler.render.machine import render_json

        document: dict[str, Any] = {
            "error": {"message": error.message, "fix": error.fix, "address": error.address},
            "diagnostics": list(findings),
        }
        click.echo(render_json(document), nl=False)
    say_diagnostics(findings)
    if record := getattr(error, "record", ""):
        click.echo(record, nl=False, err=True)
    if not findings:
        click.echo("\n".join(map(harmless, f"error: {error}".splitlines())), err=True)


def say_diagnostics(findings: Iterable[Diagnostic]) -> None:
    """Prints findings, one line each, errors first."""
    for finding in sorted(findings, key=lambda one: (one.severity.value, one.source, one.address)):
        mark = "" if finding.severity.value == "error" else f"{finding.severity}: "
        click.echo(harmless(f"{mark}{finding}"), err=True)


def answer(text: str) -> None:
    """Prints an answer to stdout."""
    click.echo(text, nl=False)


def note(text: str) -> None:
    """Says something beside the answer."""
    click.echo(harmless(text), err=True)


def wants_colour(no_color: bool) -> bool:
    """Whether colours are welcome: a terminal, and neither NO_COLOR nor --no-color."""
    import os

    return (
        sys.stdout.isatty()
        and not no_color
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )


def width() -> int:
    """Columns of the terminal; COLUMNS rules where there is none."""
    import os
    import shutil

    if not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        return 100
    return max(60, min(160, shutil.get_terminal_size((100, 24)).columns))
