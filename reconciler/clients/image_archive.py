"""Images in files: an OCI layout (folder or tar), or what `docker save` writes. Bytes are passed on as they are.

An image of `docker save` has no manifest: one is made from its configuration and layers, always the same for the same image.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Generator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from reconciler.clients.archive_files import (
    ArchiveFiles,
    FolderFiles,
    TarFiles,
    missing,
    read_whole,
)
from reconciler.clients.content_digest import digest_of, new_hash
from reconciler.clients.image_manifest import (
    LARGEST_MANIFEST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
)
from reconciler.clients.image_reference import is_digest
from reconciler.clients.image_source import ImageSource
from reconciler.errors import NotFoundError, ProviderError
from reconciler.frozen import frozen

_OCI_MARK = "oci-layout"
_DOCKER_MARK = "manifest.json"
_NAMES = ("org.opencontainers.image.ref.name", "io.containerd.image.name")
_LAYER_SUFFIXES = {b"\x1f\x8b": "+gzip", b"\x28\xb5\x2f\xfd": "+zstd"}


def open_archive(path: Path, reference: str = "") -> ImageSource:
    """Opens an archive; `reference` (a tag or name in it) is needed where it holds several images."""
    files = _files(path)
    if files.size(_OCI_MARK) is not None:
        return _open_layout(path, files, reference)
    if files.size(_DOCKER_MARK) is not None and isinstance(files, TarFiles):
        return _open_docker_save(path, files, reference)
    raise ProviderError(
        f"{path}: is no image archive (neither {_OCI_MARK} nor {_DOCKER_MARK} is in it)",
        fix="give an OCI layout (folder or tar) or what `docker save` wrote",
    )


def _files(path: Path) -> ArchiveFiles:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise NotFoundError(f"{path}: cannot be read ({error.strerror})", fix="check the path") from None
    if stat.S_ISDIR(mode):
        return FolderFiles(path)
    if not stat.S_ISREG(mode):
        raise ProviderError(f"{path}: is neither a file nor a folder")
    return TarFiles.open(path)


@frozen
class ArchiveSource:
    """One image in an archive: its manifest, and the files that hold its blobs."""

    path: Path
    files: ArchiveFiles
    top: Manifest
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The path of the archive."""
        return str(self.path)

    @property
    def home(self) -> tuple[str, str]:
        """No registry."""
        return "", ""

    def manifest(self, digest: str = "") -> Manifest:
        """Reads a manifest from the archive."""
        if not digest or digest == self.top.digest:
            return self.top
        content = read_whole(self.files, self._file(digest), LARGEST_MANIFEST)
        return Manifest.read(content, subject=self.name, digest=digest)

    def open_blob(self, digest: str, size: int, offset: int = 0) -> Generator[bytes, None, None]:
        """Reads a blob from the archive."""
        name = self._file(digest)
        if self.files.size(name) is None:
            raise missing(self.path, name)
        return self.files.pieces(name, offset)

    def _file(self, digest: str) -> str:
        return self.names.get(digest) or f"blobs/{digest.replace(':', '/', 1)}"


def _open_layout(path: Path, files: ArchiveFiles, reference: str) -> ArchiveSource:
    index = Manifest.read(
        read_whole(files, "index.json", LARGEST_MANIFEST), OCI_INDEX, subject=f"{path}: index.json"
    )
    entries = {child.digest: child for child in index.children() if _is_called(child, reference)}
    layout = ArchiveSource(path, files, index)
    if len(entries) == 1:
        return ArchiveSource(path, files, layout.manifest(next(iter(entries))))
    if len(entries) > 1 and not reference and all(child.platform for child in entries.values()):
        return layout
    raise _not_one(path, reference, [name for child in index.children() for name in _names(child)])


def _is_called(child: Descriptor, reference: str) -> bool:
    return not reference or any(_is_name(name, reference) for name in _names(child))


def _names(child: Descriptor) -> list[str]:
    return [child.annotations[key] for key in _NAMES if key in child.annotations]


def _is_name(name: str, reference: str) -> bool:
    return name == reference or name.endswith((f"/{reference}", f":{reference}"))


def _not_one(path: Path, reference: str, names: Sequence[str]) -> ProviderError:
    there = ", ".join(sorted(set(names))) or "images without names"
    if reference:
        return NotFoundError(f"{path}: {reference!r} is not in it, but {there}")
    return ProviderError(f"{path}: there is not exactly one image in it, but {there}", fix="name one of them")


def _open_docker_save(path: Path, files: TarFiles, reference: str) -> ArchiveSource:
    images = _parsed(path, read_whole(files, _DOCKER_MARK, LARGEST_MANIFEST))
    entries = [image for image in images if isinstance(image, dict)] if isinstance(images, list) else []
    called = [
        e for e in entries if not reference or any(_is_name(n, reference) for n in _texts(e, "RepoTags"))
    ]
    if len(called) != 1:
        raise _not_one(path, reference, [name for entry in entries for name in _texts(entry, "RepoTags")])
    return _docker_image(path, files, called[0])


def _docker_image(path: Path, files: TarFiles, entry: Mapping[str, Any]) -> ArchiveSource:
    config_name, layer_names = entry.get("Config"), _texts(entry, "Layers")
    if not isinstance(config_name, str):
        raise ProviderError(f"{path}: {_DOCKER_MARK} names no configuration")
    config = read_whole(files, config_name, LARGEST_MANIFEST)
    layers = _layers(path, files, layer_names, _diff_ids(path, config))
    descriptor = Descriptor(OCI_CONFIG, digest_of(config), len(config))
    names = {descriptor.digest: config_name} | {layer.digest: name for layer, name in layers}
    return ArchiveSource(path, files, _made_manifest(path, descriptor, [layer for layer, _ in layers]), names)


def _diff_ids(path: Path, config: bytes) -> list[str]:
    document = _parsed(path, config)
    rootfs = document.get("rootfs") if isinstance(document, dict) else None
    found = _texts(rootfs, "diff_ids") if isinstance(rootfs, dict) else []
    if not all(is_digest(diff_id) for diff_id in found):
        raise ProviderError(f"{path}: the image's configuration names a layer by something that is no digest")
    return found


def _layers(
    path: Path, files: TarFiles, names: Sequence[str], diff_ids: Sequence[str]
) -> list[tuple[Descriptor, str]]:
    if len(names) != len(diff_ids):
        raise ProviderError(f"{path}: has {len(names)} layers, and its configuration {len(diff_ids)}")
    # A layer that occurs twice is written once and linked; the diff id says which file it is.
    regular = {d: n for d, n in zip(diff_ids, names, strict=True) if files.size(n) is not None}
    found: dict[str, tuple[Descriptor, str]] = {}
    for diff_id, name in zip(diff_ids, names, strict=True):
        if diff_id not in regular:
            raise missing(path, name)
        if diff_id not in found:
            found[diff_id] = _layer(files, regular[diff_id], diff_id), regular[diff_id]
    return [found[diff_id] for diff_id in diff_ids]


def _layer(files: TarFiles, name: str, diff_id: str) -> Descriptor:
    """Describes a layer: a plain tar is its diff id, a compressed one must be read to know its digest."""
    size = files.size(name) or 0
    start = next(files.pieces(name), b"")[:4]
    for magic, suffix in _LAYER_SUFFIXES.items():
        if start.startswith(magic):
            found = new_hash("sha256:")
            for piece in files.pieces(name):
                found.update(piece)
            return Descriptor(OCI_LAYER + suffix, f"sha256:{found.hexdigest()}", size)
    return Descriptor(OCI_LAYER, diff_id, size)


def _made_manifest(path: Path, config: Descriptor, layers: Sequence[Descriptor]) -> Manifest:
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _entry(config),
        "layers": [_entry(layer) for layer in layers],
    }
    content = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    return Manifest.read(content, OCI_MANIFEST, subject=str(path))


def _entry(descriptor: Descriptor) -> dict[str, Any]:
    return {"mediaType": descriptor.media_type, "digest": descriptor.digest, "size": descriptor.size}


def _parsed(path: Path, content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise ProviderError(f"{path}: a part of it cannot be read as JSON") from None


def _texts(entry: Mapping[str, Any], key: str) -> list[str]:
    value = entry.get(key)
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
