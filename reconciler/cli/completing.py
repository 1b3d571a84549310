"""What a shell is offered for environments and addresses: those of the manifest as it is written, if there is one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any

import click

from reconciler.cli.nearest_manifest import nearest_manifest
from reconciler.errors import ReconcilerError


def environments(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The environments that begin like this."""
    return [name for name in _section(_manifest(context), "environments") if name.startswith(incomplete)]


def addresses(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The addresses that begin like this."""
    from reconciler.kinds import SECTIONS

    root = _manifest(context)
    found = [f"{kind}.{key}" for section, kind in SECTIONS.items() for key in _section(root, section)]
    return [address for address in found if address.startswith(incomplete)]


def _manifest(context: click.Context) -> Any:
    """The tree as far as it can be read; nothing is said about what is wrong with it."""
    from reconciler.manifest.findings import Findings
    from reconciler.manifest.reader import read_leniently

    with contextlib.suppress(ReconcilerError, OSError):
        path = nearest_manifest(context.params.get("file"))
        return read_leniently(path, Findings()).root
    return {}


def _section(root: Any, name: str) -> Iterable[str]:
    block = root.get(name)
    return list(block) if isinstance(block, dict) else []
