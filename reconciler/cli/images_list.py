"""`images list`: what lies in Cloudflare's registry, and who uses it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from reconciler.cli.account import Account, open_cloud
from reconciler.cli.image_catalog import StoredImage, catalog, stored_images
from reconciler.cli.image_descent import known_descents
from reconciler.cli.image_uses import Uses, live_uses, remembered_uses
from reconciler.cli.memories import Memory, all_memories
from reconciler.cli.options import Common, common_options
from reconciler.cli.saying import answer
from reconciler.render.amounts import age_text, size_text
from reconciler.render.machine import render_json
from reconciler.render.table import WHOLE, table

_SHORT_DIGEST = len("sha256:") + 12
_SHORT_COMMIT = 12


@click.command("list")
@common_options
def command(common: Common) -> int:
    """List the images in Cloudflare's registry: tag, digest, size, age, used by."""
    with open_cloud(common) as cloud:
        accounts = cloud.all()
        memories = all_memories(common)
        found = {account.account_id: _rows(account, memories) for account in accounts}
        now = cloud.transport.server_time()
    if common.json:
        answer(render_json({"images": [row for rows in found.values() for row in rows]}))
        return 0
    for account_id, rows in found.items():
        answer(f"account {account_id}\n" if len(found) > 1 else "")
        answer(_table(rows, now) if rows else "there are no images in the registry yet\n")
    return 0


def _rows(account: Account, memories: list[Memory]) -> list[dict[str, Any]]:
    """One row per tag, as `--json` prints it."""
    uses = Uses(account.host)
    live_uses(account, uses)
    remembered_uses(memories, uses)
    descents = known_descents(memories)
    listed = catalog(account)
    images = stored_images(account, listed, listed)
    return [
        _row(account, image, tag, uses) | _descent(descents.get(image.digest, {}))
        for image in images
        for tag in image.tags
    ]


def _descent(known: Mapping[str, Any]) -> dict[str, Any]:
    return {key: known.get(key) for key in ("commit", "dirty", "inputs")}


def _row(account: Account, image: StoredImage, tag: str, uses: Uses) -> dict[str, Any]:
    repository = account.repository(image.name)
    return {
        "reference": f"{account.host}/{repository}:{tag}",
        "account_id": account.account_id,
        "repository": image.name,
        "tag": tag,
        "digest": image.digest,
        "size": image.size,
        "created": image.created or None,
        "used_by": list(uses.of(repository, image.digest, [tag])),
    }


def _table(rows: list[dict[str, Any]], now: float) -> str:
    lines = [
        (
            f"{row['repository']}:{row['tag']}",
            row["digest"][:_SHORT_DIGEST],
            size_text(row["size"]),
            age_text(row["created"] or "", now),
            _commit(row),
            ", ".join(row["used_by"]) or "-",
        )
        for row in rows
    ]
    return table(("IMAGE", "DIGEST", "SIZE", "AGE", "COMMIT", "USED BY"), lines, WHOLE)


def _commit(row: Mapping[str, Any]) -> str:
    commit = str(row["commit"] or "")[:_SHORT_COMMIT]
    return f"{commit}, changed" if commit and row["dirty"] else commit or "-"
