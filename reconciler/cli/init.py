"""Writes a first manifest from what lies in the folder, or from wrangler's configuration. Asks nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from reconciler.cli.folder import bundled, first_manifest, project_of
from reconciler.cli.manifest_file import replace_text, write_new
from reconciler.cli.nearest_manifest import MANIFEST_NAME
from reconciler.cli.options import Common, common_options
from reconciler.cli.saying import answer, note, say_diagnostics
from reconciler.cli.workplace import binding_handlers
from reconciler.errors import ReconcilerError
from reconciler.manifest import Inputs, validate_manifest
from reconciler.manifest.starting import Draft, Place
from reconciler.manifest.wrangler import converted
from reconciler.manifest.wrangler_file import NAMES, read_wrangler
from reconciler.model.diagnostic import Severity


@click.command("init")
@common_options
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Convert wrangler's configuration.",
)
@click.option("--force", is_flag=True, help="Replace a manifest that is there.")
def command(common: Common, source: Path | None, force: bool) -> int:
    """Write a first containers.yaml."""
    target = Path(common.file or MANIFEST_NAME)
    if target.exists() and not force:
        raise ReconcilerError(f"{target} exists already", fix="say --force to replace it")
    folder = target.parent
    source = source or next((folder / name for name in NAMES if (folder / name).is_file()), None)
    draft = _converted(source, folder) if source else first_manifest(folder, datetime.now(UTC).date())
    (replace_text if target.exists() else write_new)(target, draft.text)
    answer(f"{target}\n")
    return _checked(target, draft)


def _converted(source: Path, folder: Path) -> Draft:
    config = read_wrangler(source)
    place = Place(
        folder,
        source.parent,
        project_of(folder),
        source.name,
        lambda main: bundled(source.parent, main) is None,
    )
    return converted(config, place)


def _checked(target: Path, draft: Draft) -> int:
    """Says what is wrong with what was converted, and what to do next."""
    findings = validate_manifest(target, binding_handlers(), None, Inputs(offline=True))
    say_diagnostics(findings)
    if any(one.severity is Severity.ERROR for one in findings):
        note(f"{target} is written, and has to be corrected by hand")
        return 1
    first = next(iter(draft.document.get("environments", ())), "")
    environment = f" -e {first}" if first else ""
    note(f"next: `reconciler plan --local{environment}`; keep `.reconciler/` out of git")
    return 0
