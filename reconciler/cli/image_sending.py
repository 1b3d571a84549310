"""Brings one image into Cloudflare's registry and shows how far it is: what `images copy` and `images push` share."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.account import Account
from reconciler.cli.options import Common
from reconciler.cli.saying import answer, note
from reconciler.clients.image_lookup import ImageLookup, missing_image
from reconciler.clients.image_reference import ImageReference
from reconciler.clients.image_rules import copy_tag, place_image
from reconciler.errors import IntegrityError, NotFoundError, ReconcilerError
from reconciler.frozen import frozen
from reconciler.render.amounts import size_text
from reconciler.render.harmless import harmless
from reconciler.render.machine import render_json

if TYPE_CHECKING:
    from reconciler.clients.image_copy import CopyResult
    from reconciler.clients.image_source import ImageSource
    from reconciler.clients.temporary_image import TemporaryImages

DAEMON = "docker-daemon:"
_TOLD_EVERY = 5.0
_DRAWN_EVERY = 0.1


@frozen
class Target:
    """Where an image goes: a repository of the account, without it, and a tag; an empty one is worked out."""

    name: str
    tag: str = ""


def target_of(account: Account, text: str) -> Target:
    """Reads NAME[:TAG]; raises ReconcilerError for what is not in this account's registry."""
    reference = ImageReference.parse(text)
    if reference.digest:
        raise ReconcilerError(f"{text}: the digest comes from the image", fix="say NAME or NAME:TAG")
    if reference.host and reference.host.lower() != account.host.lower():
        raise ReconcilerError(
            f"{text} is not in {account.host}", fix="say NAME or NAME:TAG; images go nowhere else"
        )
    tagged = replace(reference, tag=reference.tag or "any")
    repository = place_image(str(tagged), account.rules).reference.repository
    return Target(repository.removeprefix(account.repository("")), reference.tag)


def is_archive(text: str) -> bool:
    """Whether a source is an archive rather than a name in a registry."""
    return text.startswith((DAEMON, "./", "../", "/")) or Path(text).exists()


def open_archive_at(text: str, images: TemporaryImages, stop: Callable[[], bool]) -> ImageSource:
    """The image in a file or folder, or in Docker."""
    if text.startswith(DAEMON):
        return _from_daemon(text.removeprefix(DAEMON), images, stop)
    from reconciler.clients.image_archive import open_archive

    return open_archive(Path(text))


def _from_daemon(name: str, images: TemporaryImages, stop: Callable[[], bool]) -> ImageSource:
    from reconciler.clients.docker_daemon import connected
    from reconciler.clients.packed_image import packing

    with connected(os.environ) as daemon:
        packed = packing(os.environ, stop=stop)
        return images.make(f"{DAEMON}{name}", lambda path: daemon.save(name, path, stop), packed)


def open_reference(account: Account, text: str) -> tuple[ImageSource, ImageReference]:
    """The image that a name stands for now, by the rules of interface 1.3."""
    placed = place_image(text, account.rules, push=True)
    lookup = ImageLookup(account.registries)
    try:
        digest = lookup.digest_of(placed.reference)
    except NotFoundError:
        raise missing_image(placed, text, account.account_id) from None
    return lookup.source(placed.reference, digest), placed.reference


def send(
    account: Account,
    source: ImageSource,
    target: Target,
    *,
    source_tag: str = "",
    all_platforms: bool = False,
    common: Common,
    stop: Callable[[], bool],
) -> None:
    """Copies an image, reads back what is under the tag, and says what it came to."""
    from reconciler.clients.image_copy import copy_image
    from reconciler.clients.image_source import resolve

    digest = resolve(source, all_platforms=all_platforms).digest
    tag = target.tag or copy_tag(source_tag, digest)
    repository = account.repository(target.name)
    before = account.registry.head_manifest(repository, tag)
    shown = Display(quiet=common.json)
    try:
        copied = copy_image(
            source,
            account.registry,
            repository,
            (tag,),
            all_platforms=all_platforms,
            progress=shown.progress,
            stop=stop,
        )
    finally:
        shown.close()
    _check(account, repository, tag, copied.digest)
    if before is not None and before.digest != copied.digest:
        note(f"{target.name}:{tag} was {before.digest} before")
    _say(f"{account.host}/{repository}", tag, copied, common)


def _check(account: Account, repository: str, tag: str, digest: str) -> None:
    found = account.registry.head_manifest(repository, tag)
    if found is None or found.digest != digest:
        there = found.digest if found else "nothing"
        raise IntegrityError(f"{repository}:{tag} holds {there} instead of {digest}", fix="run again")


def _say(repository: str, tag: str, copied: CopyResult, common: Common) -> None:
    if common.json:
        document = {"reference": f"{repository}@{copied.digest}", "tag": tag, "digest": copied.digest}
        counts = {
            key: getattr(copied, key)
            for key in ("bytes_sent", "blobs_sent", "blobs_mounted", "blobs_present")
        }
        answer(render_json(document | counts))
        return
    note(
        f"sent {copied.blobs_sent} blobs ({size_text(copied.bytes_sent)}), mounted {copied.blobs_mounted},"
        f" found {copied.blobs_present} there already"
    )
    answer(f"{repository}:{tag}@{copied.digest}\n")


class Display:
    """How far a transfer is: drawn in place on a terminal, a line every few seconds elsewhere."""

    def __init__(self, *, quiet: bool = False, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._quiet = quiet
        self._in_place = sys.stderr.isatty()
        self._monotonic = monotonic
        self._last = monotonic()
        self._drawn = False

    def progress(self, done: int, total: int, what: str) -> None:
        """Hears of one more step."""
        now = self._monotonic()
        if self._quiet or now - self._last < (_DRAWN_EVERY if self._in_place else _TOLD_EVERY):
            return
        self._last = now
        line = f"{size_text(done)} of {size_text(total)}"
        if not self._in_place:
            note(f"{line}  {what}")
            return
        self._drawn = True
        sys.stderr.write(f"\r\x1b[2K{harmless(line)}")
        sys.stderr.flush()

    def close(self) -> None:
        """Wipes what was drawn."""
        if self._drawn:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
