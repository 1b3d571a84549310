"""Brings manifests into one layout; what they mean, and their comments, stay."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.manifest_file import read_text, replace_text
from reconciler.cli.options import Common, common_options
from reconciler.cli.saying import answer, note
from reconciler.manifest.findings import Findings
from reconciler.manifest.layout import formatted
from reconciler.manifest.reader import read_document
from reconciler.render.harmless import harmless
from reconciler.render.machine import render_json


@click.command("fmt")
@common_options
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; exit 1 where a file would change, and name it.")
def command(common: Common, files: tuple[Path, ...], check: bool) -> int:
    """Order sections, indent by two, tidy blank lines; names the files that change."""
    changed = [path for path in files or (common.manifest_path(),) if _format(path, check)]
    if common.json:
        answer(render_json({"changed": [str(path) for path in changed]}))
    else:
        answer("".join(f"{harmless(str(path))}\n" for path in changed))
    if check and changed:
        note("`reconciler fmt` formats them")
    return 1 if check and changed else 0


def _format(path: Path, check: bool) -> bool:
    read_document(path, Findings())  # refuses what is no manifest at all, with its line
    before = read_text(path)
    after = formatted(before)
    if after != before and not check:
        replace_text(path, after)
    return after != before
