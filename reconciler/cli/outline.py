"""What a manifest says of project, environments and state, as far as it can be read."""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.cli.options import Common
from reconciler.manifest import Glance, peek
from reconciler.model.manifest import Inputs

NO_ACCOUNT = "0" * 32
"""The account of the local stand-in where none is named (interface 2)."""


def glance(common: Common, path: Path, environment: str | None) -> Glance:
    """What a manifest says, as far as it can be read, of one environment with these environment variables."""
    environ = dict(os.environ)
    if common.local:
        environ.setdefault("CLOUDFLARE_ACCOUNT_ID", NO_ACCOUNT)
    return peek(path, environment, Inputs(environ=environ))
