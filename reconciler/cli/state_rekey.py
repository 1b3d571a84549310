"""`state rekey`: writes the state and its versions again under another key, or under none."""

from __future__ import annotations

import click

from reconciler.cli.options import Common, common_options
from reconciler.cli.saying import note
from reconciler.cli.workplace import open_store
from reconciler.errors import ReconcilerError


@click.command("rekey")
@common_options
def command(common: Common) -> int:
    """Write the state and every version again under the key that the manifest names, or under none.

    Earlier keys stand under `old_keys` until then. Cut off, it goes on when asked again.
    """
    store = open_store(common, accepts_plain=True)
    with store.lock("state rekey"):
        left = store.rekey()
    for name in left:
        note(f"{name} cannot be opened, and stays as it was")
    if left:
        raise ReconcilerError(
            f"{len(left)} could not be written again", fix="name the keys they were written with"
        )
    note(f"{store.describe()} and its versions are written again under the present key")
    return 0
