"""Lists of packages attached to the images that they are about, as a registry keeps what refers to something (OCI 1.1).

Where the registry lists no referrers, a tag stands in for the list, as the specification has it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from reconciler.clients.content_digest import digest_of
from reconciler.clients.image_manifest import OCI_INDEX, OCI_MANIFEST, Descriptor, Manifest
from reconciler.clients.image_reference import referrers_tag
from reconciler.clients.sbom_document import MEDIA_TYPE, Sbom, read_sbom
from reconciler.clients.sbom_memory import SbomMemory
from reconciler.errors import NotFoundError, ProviderError

if TYPE_CHECKING:
    from reconciler.clients.registry import Registry

LARGEST_DOCUMENT = 64 * 1024 * 1024

_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
_EMPTY = b"{}"


def attach(registry: Registry, repository: str, subject: Descriptor, content: bytes) -> str:
    """Attaches a document to a manifest of the repository; gives the digest under which it is kept. Repeating it does no harm."""
    for blob in (_EMPTY, content):
        _upload(registry, repository, blob)
    manifest = _manifest(subject, content)
    registry.put_manifest(repository, manifest.digest, manifest)
    if all(one.digest != manifest.digest for one in registry.referrers(repository, subject.digest)):
        _list_under_tag(registry, repository, subject, manifest)
    return manifest.digest


def attached(registry: Registry, repository: str, digest: str) -> bytes | None:
    """The document that is attached to a manifest, the last where there are several; None where there is none."""
    found = [one for one in registry.referrers(repository, digest) if one.artifact_type == MEDIA_TYPE]
    if not found:
        return None
    layers = registry.get_manifest(repository, found[-1].digest).layers()
    layer = next((one for one in layers if one.media_type == MEDIA_TYPE), None)
    if layer is None:
        return None
    name = registry.name(repository, found[-1].digest)
    if layer.size > LARGEST_DOCUMENT:
        raise ProviderError(f"{name}: the list of packages is larger than {LARGEST_DOCUMENT} bytes")
    return b"".join(registry.open_blob(repository, layer.digest, layer.size))


def known_sbom(registry: Registry, repository: str, digest: str, memory: SbomMemory) -> Sbom | None:
    """What is in an image as a list says that was seen before or is attached to it; None where there is none."""
    if (known := memory.recall(digest)) is not None:
        return known
    content = attached(registry, repository, digest)
    if content is None:
        return None
    found = read_sbom(content)
    memory.keep(digest, found)
    return found


def _upload(registry: Registry, repository: str, content: bytes) -> None:
    digest = digest_of(content)
    if not registry.has_blob(repository, digest):
        registry.upload_blob(repository, digest, len(content), _reader(content))


def _reader(content: bytes) -> Callable[[int], Generator[bytes, None, None]]:
    def read(offset: int) -> Generator[bytes, None, None]:
        yield content[offset:]

    return read


def _manifest(subject: Descriptor, content: bytes) -> Manifest:
    return _read(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": MEDIA_TYPE,
            "config": _entry(_EMPTY_TYPE, _EMPTY),
            "layers": [_entry(MEDIA_TYPE, content)],
            "subject": {"mediaType": subject.media_type, "digest": subject.digest, "size": subject.size},
        }
    )


def _entry(media_type: str, content: bytes, **more: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content), **more}


def _read(document: dict[str, Any]) -> Manifest:
    content = json.dumps(document, separators=(",", ":")).encode()
    return Manifest.read(content, document["mediaType"], subject="a list of packages")


def _list_under_tag(registry: Registry, repository: str, subject: Descriptor, manifest: Manifest) -> None:
    """Adds it to the list that the tag `sha256-<hex>` holds where the registry keeps none itself."""
    tag = referrers_tag(subject.digest)
    try:
        listed = list(registry.get_manifest(repository, tag).document.get("manifests") or ())
    except NotFoundError:
        listed = []
    listed.append(_entry(OCI_MANIFEST, manifest.content, artifactType=MEDIA_TYPE))
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed}
    registry.put_manifest(repository, tag, _read(index))
