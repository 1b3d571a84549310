"""Which images nobody needs, and their deletion: by tag, then the manifest itself and what hangs on it, then the layers.

An image is kept if anything live, remembered, or written in the manifest points to it, and as one of the last rollback targets.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.cli.account import Account
from reconciler.cli.image_catalog import StoredImage, catalog, stored_images
from reconciler.cli.image_uses import Uses, digests_in, live_uses, remembered_uses, rollback_targets
from reconciler.cli.memories import Memory
from reconciler.clients.image_reference import referrers_tag
from reconciler.errors import ApplyError, ProviderError, ReconcilerError
from reconciler.frozen import frozen

if TYPE_CHECKING:
    from reconciler.clients.registry import Registry

_SOURCES = ("build", "archive", "push")


@frozen
class Verdict:
    """An image, and why it is kept; without a reason it goes."""

    image: StoredImage
    because: tuple[str, ...] = ()


def verdicts(
    account: Account, memories: Sequence[Memory], keep: int, manifest_text: str, own: Iterable[str] | None
) -> list[Verdict]:
    """The verdict on every tagged image of the account, or of the repositories in `own`."""
    uses = Uses(account.host)
    live_uses(account, uses)
    remembered_uses(memories, uses)
    for digest in digests_in(manifest_text):
        uses.by_digest.setdefault(digest, []).append("the manifest")
    for digest, reason in rollback_targets(memories, keep).items():
        uses.by_digest.setdefault(digest, []).append(reason)
    listed = catalog(account)
    names = listed if own is None else [name for name in own if name in listed]
    return judged(stored_images(account, names, listed), uses, account.repository)


def judged(images: Sequence[StoredImage], uses: Uses, repository: Callable[[str], str]) -> list[Verdict]:
    """Keeps what is used, what holds a part that is used, and what is a part of something kept."""
    found = [Verdict(image, _users(image, uses, repository(image.name))) for image in images]
    holders = {part: one.image.name for one in found if one.because for part in one.image.parts}
    return [
        replace(one, because=(f"part of an index in {holders[one.image.digest]}",))
        if not one.because and one.image.digest in holders
        else one
        for one in found
    ]


def _users(image: StoredImage, uses: Uses, repository: str) -> tuple[str, ...]:
    found = uses.of(repository, image.digest, image.tags)
    return found or tuple(user for part in image.parts for user in uses.of(repository, part, ()))


def own_names(memories: Iterable[Memory]) -> set[str]:
    """The repositories that this project has ever brought images to, as its memories tell."""
    priors = [
        prior
        for memory in memories
        for state in (memory.state, *memory.earlier)
        for address, prior in state.resources.items()
        if address.kind == "image"
    ]
    return {prior.name for prior in priors if any(prior.attributes.get(key) for key in _SOURCES)}


def delete(account: Account, images: Sequence[Verdict], tell: Callable[[str], object]) -> int:
    """Deletes what has no reason to stay, and has the registry drop the layers; gives the number of tags deleted."""
    needed = {digest for one in images if one.because for digest in (one.image.digest, *one.image.parts)}
    deleted = 0
    try:
        for verdict in images:
            if not verdict.because:
                deleted += _delete_tags(account, verdict.image, tell)
                _delete_manifests(account, verdict.image, needed)
        if deleted:
            account.registry.collect_garbage()
    except ReconcilerError as error:
        if not deleted:
            raise
        raise ApplyError(f"{deleted} tags were deleted, then: {error.message}", fix="run again") from None
    return deleted


def _delete_tags(account: Account, image: StoredImage, tell: Callable[[str], object]) -> int:
    registry, repository = account.registry, account.repository(image.name)
    deleted = 0
    for tag in image.tags:
        found = registry.head_manifest(repository, tag)
        if found is not None and found.digest != image.digest:
            tell(f"{image.name}:{tag} is another image by now, and stays")
        elif found is not None and registry.delete_manifest(repository, tag):
            deleted += 1
            tell(f"deleted {image.name}:{tag}")
    return deleted


def _delete_manifests(account: Account, image: StoredImage, needed: Collection[str]) -> None:
    """Deletes what is without a tag now, so that its layers can go: the manifest, its parts, and what refers to them."""
    registry, repository = account.registry, account.repository(image.name)
    untagged: list[str] = []
    with contextlib.suppress(ProviderError):
        for digest in (image.digest, *image.parts):
            if digest not in needed:
                untagged += [*_cut_loose(registry, repository, digest), digest]
    # Not every registry deletes by digest; one that does not drops such manifests by itself.
    with contextlib.suppress(ProviderError):
        for digest in dict.fromkeys(untagged):
            if digest not in needed:
                registry.delete_manifest(repository, digest)


def _cut_loose(registry: Registry, repository: str, digest: str) -> Iterator[str]:
    """What refers to a manifest; where a tag lists it, the list too, which then has that tag no longer."""
    yield from [one.digest for one in registry.referrers(repository, digest)]
    tag = referrers_tag(digest)
    if listed := registry.head_manifest(repository, tag):
        registry.delete_manifest(repository, tag)
        yield listed.digest
