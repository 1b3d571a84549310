"""Which repository has which blobs, manifests and tags: objects of the world; the bytes are in `RegistryFiles`.

Kinds: `blob` and `manifest` by `<repository>@<digest>`, and `_tag` by `<repository>:<tag>`, so that a tag is found
without a search. A repository exists as long as it has a manifest.
"""

from __future__ import annotations

import re
from typing import Any

from reconciler.emulator.registry_files import RegistryFiles
from reconciler.emulator.registry_manifest import DIGEST, Manifest, RegistryError, hexadecimal_of
from reconciler.emulator.world import World

_WORD = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_WORD}(?:/{_WORD})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_LONGEST_REPOSITORY = 255

Record = dict[str, Any]


def resolve(world: World, repository: str, reference: str) -> Record | None:
    """The record of the manifest that a tag or digest names, if this repository has it."""
    account = account_of(repository)
    if DIGEST.fullmatch(reference):
        return world.get("manifest", account, f"{repository}@{reference}")
    tag = world.get("_tag", account, f"{repository}:{reference}")
    return resolve(world, repository, tag["digest"]) if tag else None


def has_blob(world: World, repository: str, digest: str) -> bool:
    """Whether a repository has a blob."""
    return world.has("blob", account_of(repository), f"{repository}@{digest}")


def add_blob(world: World, repository: str, digest: str, size: int) -> None:
    """Gives a repository a blob whose bytes are there."""
    name = f"{repository}@{digest}"
    if not has_blob(world, repository, digest):
        blob = {"name": name, "repository": repository, "digest": digest, "size": size}
        world.put("blob", account_of(repository), name, blob)


def mount_blob(world: World, repository: str, digest: str, source: str) -> bool:
    """Gives a repository a blob that another one has; False if that one has it not."""
    blob = world.get("blob", account_of(source), f"{source}@{digest}")
    if blob is not None:
        add_blob(world, repository, digest, blob["size"])
    return blob is not None


def remove_blob(world: World, repository: str, digest: str) -> bool:
    """Takes a blob away from a repository; its bytes go with the next garbage collection."""
    return world.remove("blob", account_of(repository), f"{repository}@{digest}") is not None


def add_manifest(world: World, repository: str, manifest: Manifest, tag: str | None) -> None:
    """Records a manifest, under a tag if one is given; refuses one whose parts are not there."""
    _demand_parts(world, repository, manifest)
    before = resolve(world, repository, manifest.digest)
    moved = resolve(world, repository, tag) if tag else None
    if before is not None and (tag is None or (moved is not None and moved["digest"] == manifest.digest)):
        return
    if moved is not None and tag is not None:
        _put(world, moved | {"tags": [other for other in moved["tags"] if other != tag]})
    record = before or _record(repository, manifest)
    if tag is None:
        _put(world, record)
        return
    world.put("_tag", account_of(repository), f"{repository}:{tag}", {"digest": manifest.digest})
    _put(world, record | {"tags": [*record["tags"], tag]})


def remove_manifest(world: World, repository: str, reference: str) -> Record | None:
    """Deletes a digest with its tags, or a tag alone, which leaves its manifest (reference 4.4)."""
    account = account_of(repository)
    record = resolve(world, repository, reference)
    if record is None:
        return None
    if not DIGEST.fullmatch(reference):
        world.remove("_tag", account, f"{repository}:{reference}")
        _put(world, record | {"tags": [tag for tag in record["tags"] if tag != reference]})
        return record
    for tag in record["tags"]:
        world.remove("_tag", account, f"{repository}:{tag}")
    return world.remove("manifest", account, f"{repository}@{reference}")


def manifests(world: World, repository: str) -> list[Record]:
    """The records of a repository's manifests."""
    return world.where("manifest", account_of(repository), "repository", repository)


def catalog(world: World, account: str) -> dict[str, list[str]]:
    """The tags of every repository of an account, then the digests that have none (reference 4.4)."""
    tags: dict[str, list[str]] = {}
    digests: dict[str, list[str]] = {}
    for record in world.all("manifest", account):
        tags.setdefault(record["repository"], []).extend(record["tags"])
        digests.setdefault(record["repository"], []).extend([] if record["tags"] else [record["digest"]])
    return {name: sorted(tags[name]) + sorted(digests[name]) for name in sorted(tags)}


def collect_garbage(world: World, files: RegistryFiles, account: str) -> list[str]:
    """Takes from each repository of an account the blobs that none of its manifests names."""
    records = world.all("manifest", account)
    used = {f"{record['repository']}@{blob}" for record in records for blob in record["blobs"]}
    unused = [name for name in world.ids("blob", account) if name not in used]
    for name in unused:
        world.remove("blob", account, name)
    drop_orphans(world, files)
    return unused


def drop_orphans(world: World, files: RegistryFiles) -> None:
    """Removes the bytes that no repository of any account has."""
    files.keep_only(
        {value["digest"] for kind, _, _, value in world.visible() if kind in ("blob", "manifest")}
    )


def account_of(repository: str) -> str:
    """The account that a repository belongs to: the first part of its name."""
    return repository.split("/", 1)[0]


def check_repository(repository: str) -> None:
    """Refuses what cannot be the name of a repository."""
    if len(repository) > _LONGEST_REPOSITORY or not _REPOSITORY.fullmatch(repository):
        raise RegistryError("NAME_INVALID", f"not the name of a repository: {repository[:80]}")


def check_reference(reference: str) -> None:
    """Refuses what is neither a tag nor a digest."""
    if ":" in reference:
        hexadecimal_of(reference)
    elif not _TAG.fullmatch(reference):
        raise RegistryError("MANIFEST_INVALID", f"neither a tag nor a digest: {reference[:80]}")


def _demand_parts(world: World, repository: str, manifest: Manifest) -> None:
    missing = [digest for digest in manifest.blobs if not has_blob(world, repository, digest)]
    missing += [digest for digest in manifest.manifests if resolve(world, repository, digest) is None]
    if missing:
        message = f"{repository} does not have {missing[0]}"
        raise RegistryError("MANIFEST_BLOB_UNKNOWN", message, {"digests": missing})


def _record(repository: str, manifest: Manifest) -> Record:
    return {
        "repository": repository,
        "digest": manifest.digest,
        "media_type": manifest.media_type,
        "size": len(manifest.content),
        "artifact_type": manifest.artifact_type,
        "subject": manifest.subject,
        "annotations": manifest.annotations,
        "blobs": list(manifest.blobs),
        "manifests": list(manifest.manifests),
        "tags": [],
    }


def _put(world: World, record: Record) -> None:
    repository, digest, tags = record["repository"], record["digest"], record["tags"]
    name = f"{repository}:{tags[-1]}" if tags else f"{repository}@{digest}"
    world.put("manifest", account_of(repository), f"{repository}@{digest}", record | {"name": name})
