"""`images gc`: shows what nothing uses any more, and deletes it only when told to."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from reconciler.cli.account import Account, Cloud, open_cloud
from reconciler.cli.image_garbage import Verdict, delete, own_names, verdicts
from reconciler.cli.memories import all_memories
from reconciler.cli.options import Common, common_options
from reconciler.cli.saying import answer, note
from reconciler.cli.state import confirm
from reconciler.cli.workplace import binding_handlers
from reconciler.errors import LockHeldError
from reconciler.frozen import frozen
from reconciler.manifest import Inputs, peek, read_manifest
from reconciler.render.amounts import size_text
from reconciler.render.machine import render_json
from reconciler.render.table import WHOLE, table

_SHORT_DIGEST = len("sha256:") + 12


@click.command("gc")
@common_options
@click.option("--keep", type=click.IntRange(min=0), default=3, help="Rollback targets to keep per image [3].")
@click.option("--all", "every", is_flag=True, help="Other projects' repositories, too.")
@click.option("--yes", is_flag=True, help="Delete without asking.")
def command(common: Common, keep: int, every: bool, yes: bool) -> int:
    """Show the images that nothing uses any more; delete them with --yes, or when you say so."""
    with open_cloud(common, may_push=True) as cloud:
        garbage = _Garbage(cloud, keep, every)
        found = garbage.found()
        doomed = [one for _, images in found for one in images if not one.because]
        answer(_document(found) if common.json else _text(found))
        if not doomed:
            return 0
        if not yes and not _can_ask():
            note("nothing was deleted; say --yes to delete")
            return 0
        confirm(yes, f"Delete {_counted(doomed)}?")
        # Somebody may have deployed one while the question stood there.
        deleted = _delete(found if yes else _both(found, garbage.found()))
    note(f"deleted {deleted} tag{'s' if deleted != 1 else ''}")
    return 0


def _can_ask() -> bool:
    return sys.stdin.isatty()


Found = list[tuple[Account, list[Verdict]]]


@frozen
class _Garbage:
    """What decides what is garbage."""

    cloud: Cloud
    keep: int
    every: bool

    def found(self) -> Found:
        """The verdicts per account. Raises LockHeldError while an apply is under way, since it may be about to use anything."""
        memories = all_memories(self.cloud.common, with_history=True)
        for memory in memories:
            if memory.holder:
                raise LockHeldError(
                    f"{memory.name} is locked by {memory.holder.user} on {memory.holder.host}, process"
                    f" {memory.holder.pid}: an apply may be about to use any image",
                    fix="run again when it has ended",
                )
        text = self.cloud.path.read_text(encoding="utf-8-sig")
        own = None if self.every else own_names(memories) | self._declared()
        return [(account, verdicts(account, memories, self.keep, text, own)) for account in self.cloud.all()]

    def _declared(self) -> set[str]:
        """The repositories that the manifest's images have, also of those never applied. Raises ManifestError."""
        path = self.cloud.path
        environments: list[str | None] = [*peek(path).environments] or [None]
        host = self.cloud.settings.registry_host
        handlers, inputs = (
            binding_handlers(host),
            Inputs(environ=os.environ, registry_host=host, offline=True),
        )
        return {
            desired.name
            for environment in environments
            for desired in read_manifest(path, handlers, environment, inputs).resources.values()
            if desired.address.kind == "image" and not desired.external and desired.name
        }


def _both(before: Found, now: Found) -> Found:
    """What is garbage still, and was so when it was shown."""
    shown = {
        (a.account_id, one.image.name, one.image.digest)
        for a, ones in before
        for one in ones
        if not one.because
    }
    return [
        (
            account,
            [
                one
                for one in ones
                if one.because or (account.account_id, one.image.name, one.image.digest) in shown
            ],
        )
        for account, ones in now
    ]


def _delete(found: Found) -> int:
    return sum(delete(account, images, note) for account, images in found)


def _counted(doomed: Sequence[Verdict]) -> str:
    tags = sum(len(one.image.tags) for one in doomed)
    return f"{tags} tag{'s' if tags != 1 else ''} of {len(doomed)} image{'s' if len(doomed) != 1 else ''}"


def _text(found: Found) -> str:
    verdict_rows = [
        (
            f"{one.image.name}:{tag}",
            one.image.digest[:_SHORT_DIGEST],
            size_text(one.image.size),
            "keep" if one.because else "DELETE",
            ", ".join(one.because) or "nothing uses it",
        )
        for _, images in found
        for one in images
        for tag in one.image.tags
    ]
    doomed = [one for _, images in found for one in images if not one.because]
    heads = ("IMAGE", "DIGEST", "SIZE", "", "BECAUSE")
    shown = table(heads, verdict_rows, WHOLE) if verdict_rows else ""
    if not doomed:
        return f"{shown}Nothing to delete.\n"
    return (
        f"{shown}To delete: {_counted(doomed)}, {size_text(sum(one.image.size for one in doomed))} at most.\n"
    )


def _document(found: Found) -> str:
    rows: dict[str, list[dict[str, Any]]] = {"delete": [], "keep": []}
    for account, images in found:
        for one in images:
            rows["keep" if one.because else "delete"].append(
                {
                    "account_id": account.account_id,
                    "repository": one.image.name,
                    "tags": list(one.image.tags),
                    "digest": one.image.digest,
                    "size": one.image.size,
                    "because": list(one.because),
                }
            )
    return render_json(rows)
