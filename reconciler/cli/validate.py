"""Checks the manifest: everything that needs neither network nor secrets nor the environment."""

from __future__ import annotations

import click

from reconciler import __version__
from reconciler.cli.options import Common, common_options, findings_option
from reconciler.cli.saying import answer, note, say_diagnostics
from reconciler.cli.workplace import binding_handlers
from reconciler.engine.graph import loop_findings
from reconciler.manifest import validate_manifest
from reconciler.model.diagnostic import Severity
from reconciler.model.manifest import Inputs


@click.command("validate")
@common_options
@findings_option
def command(common: Common, form: str) -> int:
    """Check the manifest; without -e every environment of it."""
    path = common.manifest_path()
    environment, inputs = common.environment_name(), Inputs(offline=True)
    findings = validate_manifest(path, binding_handlers(), environment, inputs, check=loop_findings)
    errors = sum(one.severity is Severity.ERROR for one in findings)
    if common.json or form == "json":
        from reconciler.render.machine import diagnostics_json

        answer(diagnostics_json(findings))
    elif form in ("sarif", "github"):
        from reconciler.render import findings as shapes

        sarif = shapes.sarif(findings, version=__version__) if form == "sarif" else ""
        answer(sarif or shapes.github(findings))
    else:
        say_diagnostics(findings)
        if not errors:
            note(f"{path}: valid")
    return 1 if errors else 0
