"""Image manifests and indexes as values: bytes that match their digest, and what they point to.

Pure. OCI and Docker's schema 2 are the same here but for their media types; where they are kept is for others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from reconciler.clients.content_digest import digest_of, mismatch
from reconciler.clients.image_reference import is_digest
from reconciler.errors import ProviderError
from reconciler.frozen import frozen

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"

MANIFEST_TYPES = (OCI_MANIFEST, DOCKER_MANIFEST, OCI_INDEX, DOCKER_INDEX)
LARGEST_MANIFEST = 4 * 1024 * 1024

_INDEX_TYPES = {OCI_INDEX, DOCKER_INDEX}
_SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+"


@frozen
class Descriptor:
    """What a manifest says of one piece of content; `platform` is `os/architecture[/variant]` where it is said."""

    media_type: str
    digest: str
    size: int
    platform: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    artifact_type: str = ""

    @classmethod
    def read(cls, document: Any) -> Descriptor:
        """Takes a descriptor out of a parsed manifest; ProviderError if it is none."""
        entry = document if isinstance(document, dict) else {}
        digest, size = entry.get("digest"), entry.get("size")
        if not isinstance(digest, str) or not is_digest(digest):
            raise ProviderError(f"a manifest points to {str(digest)[:80]!r}, which is no digest")
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise ProviderError(f"a manifest gives {digest} no size")
        return cls(
            media_type=_text(entry.get("mediaType")),
            digest=digest,
            size=size,
            platform=_platform(entry.get("platform")),
            annotations=_texts(entry.get("annotations")),
            artifact_type=_text(entry.get("artifactType")),
        )


@frozen
class Manifest:
    """The exact bytes of a manifest or an index, their digest, and what they say."""

    content: bytes = field(repr=False)
    media_type: str
    digest: str
    document: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def read(cls, content: bytes, media_type: str = "", *, subject: str, digest: str = "") -> Manifest:
        """Reads the bytes of a manifest and checks them; `subject` is what messages call it."""
        found = digest_of(content, digest.partition(":")[0] or "sha256")
        if digest and found != digest:
            raise mismatch(subject, digest, found)
        document = _object(content, subject)
        stated = _text(document.get("mediaType"))
        if _is_schema_1(media_type) or document.get("schemaVersion") == 1:
            raise ProviderError(
                f"{subject}: the image is in Docker's old manifest format (schema 1)",
                fix="push it again with a current builder",
            )
        if stated and media_type in MANIFEST_TYPES and stated != media_type:
            raise ProviderError(f"{subject}: the manifest is called {media_type} and calls itself {stated}")
        if "layers" in document and "manifests" in document:
            raise ProviderError(f"{subject}: the manifest is an image and an index at once")
        known = stated or media_type
        return cls(content, known if known in MANIFEST_TYPES else _guess(document, subject), found, document)

    @property
    def is_index(self) -> bool:
        """Tells whether it lists manifests, one per platform, instead of layers."""
        return self.media_type in _INDEX_TYPES

    def children(self) -> tuple[Descriptor, ...]:
        """The manifests of an index."""
        return _descriptors(self.document.get("manifests")) if self.is_index else ()

    def config(self) -> Descriptor:
        """The configuration of an image."""
        return Descriptor.read(self.document.get("config"))

    def layers(self) -> tuple[Descriptor, ...]:
        """The layers of an image, the lowest first."""
        return () if self.is_index else _descriptors(self.document.get("layers"))

    def blobs(self) -> tuple[Descriptor, ...]:
        """Everything that must be in a repository before this manifest."""
        return () if self.is_index else (self.config(), *self.layers())


def choose_platform(index: Manifest, platform: str, subject: str) -> Descriptor:
    """Finds the manifest of an index that is for `platform`; ProviderError naming those there are."""
    children = index.children()
    for child in children:
        if same_platform(child.platform, platform):
            return child
    there = sorted({child.platform for child in children if child.platform not in ("", "unknown/unknown")})
    raise ProviderError(
        f"{subject}: there is no image for {platform}, only for {', '.join(there) or 'no named platform'}",
        fix=f"build it for {platform}",
    )


def same_platform(found: str, wanted: str) -> bool:
    """Tells whether an image for `found` runs where `wanted` does; a variant counts only if it is wanted."""
    return found == wanted or (wanted.count("/") == 1 and found.startswith(f"{wanted}/"))


def _guess(document: Mapping[str, Any], subject: str) -> str:
    # Old OCI manifests carry no mediaType, and some registries call everything application/json.
    if "layers" in document:
        return OCI_MANIFEST
    if "manifests" in document:
        return OCI_INDEX
    raise ProviderError(f"{subject}: what is there is no image manifest")


def _is_schema_1(media_type: str) -> bool:
    return media_type.startswith(_SCHEMA_1)


def _object(content: bytes, subject: str) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ProviderError(f"{subject}: the manifest cannot be read as JSON")
    return document


def _descriptors(entries: Any) -> tuple[Descriptor, ...]:
    return tuple(Descriptor.read(entry) for entry in entries) if isinstance(entries, list) else ()


def _platform(document: Any) -> str:
    entry = document if isinstance(document, dict) else {}
    parts = [_text(entry.get(key)) for key in ("os", "architecture", "variant")]
    return "/".join(part for part in parts if part)


def platform_of(config: Mapping[str, Any]) -> str:
    """Gives the platform that an image's configuration names, or nothing."""
    return _platform(config)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> dict[str, str]:
    entries = value.items() if isinstance(value, dict) else ()
    return {key: text for key, text in entries if isinstance(text, str)}
