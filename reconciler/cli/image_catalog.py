"""What lies in an account's registry: every tagged image with its digest, size and age. Reads, and deletes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from reconciler.cli.account import Account
from reconciler.errors import NotFoundError, ProviderError
from reconciler.frozen import frozen

if TYPE_CHECKING:
    from reconciler.clients.image_manifest import Manifest

_AT_ONCE = 8
_HIDDEN = "sha256"  # what stands for manifests without a tag, and for what refers to one (reference 4.4)
_LONG_AGO = 2013  # there were no such images before: reproducible builds say the year 1, 1970, 2000

Given = TypeVar("Given")
Found = TypeVar("Found")


@frozen
class StoredImage:
    """One manifest and the tags on it; `name` is its repository without the account, `size` what a pull transfers."""

    name: str
    digest: str
    tags: tuple[str, ...]
    size: int = 0
    created: str = ""
    parts: tuple[str, ...] = ()  # of an index: the manifests in it


def catalog(account: Account) -> dict[str, tuple[str, ...]]:
    """The repositories of the account with all their tags, the hidden ones included."""
    prefix = account.repository("")
    return {
        repository.removeprefix(prefix): tags
        for repository, tags in account.registry.catalog_with_tags().items()
        if repository.startswith(prefix)
    }


def stored_images(
    account: Account, names: Iterable[str], listed: dict[str, tuple[str, ...]]
) -> list[StoredImage]:
    """The tagged images of these repositories; what goes away while they are read is left out."""
    tags = [(name, tag) for name in sorted(names) for tag in listed[name] if not tag.startswith(_HIDDEN)]
    digests = _each(lambda one: _digest(account, *one), tags)
    tags_by_image: dict[tuple[str, str], list[str]] = {}
    for (name, tag), digest in zip(tags, digests, strict=True):
        if digest:
            tags_by_image.setdefault((name, digest), []).append(tag)
    images = [(name, digest, tuple(found)) for (name, digest), found in tags_by_image.items()]
    return [image for image in _each(lambda one: _stored(account, *one), images) if image]


def _each(ask: Callable[[Given], Found], questions: list[Given]) -> list[Found]:
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="image") as pool:
        return list(pool.map(ask, questions))


def _digest(account: Account, name: str, tag: str) -> str:
    found = account.registry.head_manifest(account.repository(name), tag)
    return found.digest if found else ""


def _stored(account: Account, name: str, digest: str, tags: tuple[str, ...]) -> StoredImage | None:
    repository = account.repository(name)
    try:
        top = account.registry.get_manifest(repository, digest)
        manifests = [top, *_parts(account, repository, top)]
        blobs = {blob.digest: blob.size for one in manifests for blob in one.blobs()}
        created = _created(account, repository, manifests)
    except NotFoundError:
        return None
    parts = tuple(one.digest for one in manifests[1:])
    return StoredImage(name, digest, tags, sum(blobs.values()), created, parts)


def _parts(account: Account, repository: str, manifest: Manifest) -> Iterator[Manifest]:
    """What an index points to, as far as it is there."""
    for child in manifest.children():
        try:
            found = account.registry.get_manifest(repository, child.digest)
        except NotFoundError:
            continue
        yield found
        yield from _parts(account, repository, found)


def _created(account: Account, repository: str, manifests: list[Manifest]) -> str:
    """When it was built, where its configuration says so believably."""
    from reconciler.clients.image_source import RegistrySource, read_config

    for manifest in manifests:
        if manifest.is_index:
            continue
        source = RegistrySource(account.registry, repository, manifest.digest)
        try:
            return believable_time(str(read_config(source, manifest).get("created") or ""))
        except ProviderError:
            return ""
    return ""


def believable_time(text: str) -> str:
    """A time in UTC; empty for one that reproducible builds make up."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return ""
    if at.year < _LONG_AGO:
        return ""
    return (
        at.replace(tzinfo=at.tzinfo or UTC)
        .astimezone(UTC)
        .isoformat(timespec="seconds")
        .replace("+00:00", "Z")
    )
