"""Images for tests: blobs and manifests at hand, put into a registry, a folder or a tar."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.clients.blob_feed import Reader
from reconciler.clients.content_digest import digest_of
from reconciler.clients.image_manifest import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, Manifest
from reconciler.clients.registry import Registry


def entry(media_type: str, content: bytes, **more: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content), **more}


def manifest_of(document: dict[str, Any]) -> Manifest:
    return Manifest.read(json.dumps(document).encode(), document["mediaType"], subject="test")


@dataclass
class Image:
    """An image, or an index over images, with everything it is made of; an `ImageSource` by itself."""

    top: Manifest
    blobs: dict[str, bytes] = field(default_factory=dict)
    children: dict[str, Manifest] = field(default_factory=dict)
    name: str = "test image"
    home: tuple[str, str] = ("", "")

    def manifest(self, digest: str = "") -> Manifest:
        return self.children.get(digest, self.top)

    def open_blob(self, digest: str, size: int, offset: int = 0) -> Generator[bytes, None, None]:
        yield from pieces_of(self.blobs[digest][offset:])


def image(
    *layers: bytes,
    architecture: str = "amd64",
    media_type: str = OCI_MANIFEST,
    config_type: str = OCI_CONFIG,
    layer_type: str = OCI_LAYER,
    labels: Mapping[str, str] | None = None,
) -> Image:
    diff_ids = [digest_of(layer) for layer in layers]
    told = {"os": "linux", "architecture": architecture, "rootfs": {"diff_ids": diff_ids}}
    named = {f"org.opencontainers.image.{key}": value for key, value in (labels or {}).items()}
    config = json.dumps(told | ({"config": {"Labels": named}} if named else {})).encode()
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": entry(config_type, config),
        "layers": [entry(layer_type, layer) for layer in layers],
    }
    return Image(manifest_of(document), {digest_of(blob): blob for blob in (config, *layers)})


def index(*images: tuple[str, Image]) -> Image:
    children = [
        entry(
            OCI_MANIFEST,
            each.top.content,
            platform=dict(zip(("os", "architecture"), platform.split("/"), strict=True)),
        )
        for platform, each in images
    ]
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children}
    blobs = {digest: blob for _, each in images for digest, blob in each.blobs.items()}
    return Image(manifest_of(document), blobs, {each.top.digest: each.top for _, each in images})


def pieces_of(content: bytes, size: int = 1000) -> Generator[bytes, None, None]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def reader(content: bytes) -> Reader:
    return lambda offset: pieces_of(content[offset:])


def push(registry: Registry, repository: str, tag: str, pushed: Image) -> str:
    for digest, blob in pushed.blobs.items():
        registry.upload_blob(repository, digest, len(blob), reader(blob))
    for digest, child in pushed.children.items():
        registry.put_manifest(repository, digest, child)
    registry.put_manifest(repository, tag, pushed.top)
    return pushed.top.digest


def pull(registry: Registry, repository: str, reference: str) -> dict[str, bytes]:
    """Reads everything of a pushed image back, by digest."""
    manifest = registry.get_manifest(repository, reference)
    found = {manifest.digest: manifest.content}
    for child in manifest.children():
        found |= pull(registry, repository, child.digest)
    for blob in manifest.blobs():
        found[blob.digest] = b"".join(registry.open_blob(repository, blob.digest, blob.size))
    return found


def layout_files(*images: Image, names: Sequence[str] = ()) -> dict[str, bytes]:
    """The files of an OCI layout."""
    files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}
    entries = []
    for number, each in enumerate(images):
        called = {"annotations": {"org.opencontainers.image.ref.name": names[number]}} if names else {}
        entries.append(entry(each.top.media_type, each.top.content, **called))
        contents = {m.digest: m.content for m in (each.top, *each.children.values())} | each.blobs
        files |= {f"blobs/{digest.replace(':', '/')}": content for digest, content in contents.items()}
    return files | {"index.json": json.dumps({"schemaVersion": 2, "manifests": entries}).encode()}


def write_folder(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def write_tar(path: Path, files: dict[str, bytes], links: dict[str, str] | None = None) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    return path
