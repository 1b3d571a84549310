"""An image as a whole, wherever it is: the protocol that registries and archives share, and choosing the platform.

Reads manifests and configurations; layers are opened here only for whoever copies them.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import field
from typing import Any, Protocol

from reconciler.clients.content_digest import verified
from reconciler.clients.image_manifest import (
    DOCKER_CONFIG,
    LARGEST_MANIFEST,
    OCI_CONFIG,
    Descriptor,
    Manifest,
    choose_platform,
    platform_of,
    same_platform,
)
from reconciler.clients.registry import Registry
from reconciler.errors import ProviderError
from reconciler.frozen import frozen

DEFAULT_PLATFORM = "linux/amd64"

_DEEPEST_INDEX = 3


class ImageSource(Protocol):
    """Where an image can be read; `home` is registry host and repository, or two empty texts for a file."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def home(self) -> tuple[str, str]:
        """The registry and repository in which its blobs are."""

    def manifest(self, digest: str = "") -> Manifest:
        """The manifest of that digest; without one, the manifest or index the source stands for."""

    def open_blob(self, digest: str, size: int, offset: int = 0) -> Generator[bytes, None, None]:
        """Reads a blob from `offset` on; unverified, since whoever starts in the middle must check it himself."""


@frozen
class RegistrySource:
    """An image in a registry, by tag or digest."""

    registry: Registry
    repository: str
    reference: str

    @property
    def name(self) -> str:
        """Its full public name."""
        return self.registry.name(self.repository, self.reference)

    @property
    def home(self) -> tuple[str, str]:
        """Its registry and repository."""
        return self.registry.host, self.repository

    def manifest(self, digest: str = "") -> Manifest:
        """Reads a manifest from the registry."""
        return self.registry.get_manifest(self.repository, digest or self.reference)

    def open_blob(self, digest: str, size: int, offset: int = 0) -> Generator[bytes, None, None]:
        """Streams a blob from the registry."""
        return self.registry.read_blob(self.repository, digest, size, offset)


@frozen
class ResolvedImage:
    """The image that would run: its manifest, and what its configuration says.

    Of an index kept whole, `platform` is `all`, `config` is empty and `layers` are none.
    """

    digest: str
    media_type: str
    size: int
    platform: str
    manifest: Manifest
    config: Mapping[str, Any] = field(default_factory=dict)
    layers: tuple[Descriptor, ...] = ()


def resolve(
    source: ImageSource, platform: str = DEFAULT_PLATFORM, *, all_platforms: bool = False
) -> ResolvedImage:
    """Finds the image for a platform; with `all_platforms` an index stays an index."""
    manifest = source.manifest()
    if manifest.is_index and all_platforms:
        return _resolved(manifest, "all")
    for _ in range(_DEEPEST_INDEX):
        if manifest.is_index:
            manifest = source.manifest(choose_platform(manifest, platform, source.name).digest)
    if manifest.is_index:
        raise ProviderError(f"{source.name}: its indexes point to each other")
    config = read_config(source, manifest)
    found = platform_of(config)
    if found and not all_platforms and not same_platform(found, platform):
        raise ProviderError(
            f"{source.name}: the image is for {found}, not for {platform}", fix=f"build it for {platform}"
        )
    return _resolved(manifest, found or platform, config, manifest.layers())


def read_config(source: ImageSource, manifest: Manifest) -> Mapping[str, Any]:
    """Reads the configuration of an image, verified."""
    descriptor = manifest.config()
    if descriptor.media_type not in (OCI_CONFIG, DOCKER_CONFIG):
        kind = descriptor.media_type or "nothing"
        raise ProviderError(
            f"{source.name}: what is there is no container image (its configuration is {kind})"
        )
    if descriptor.size > LARGEST_MANIFEST:
        raise ProviderError(f"{source.name}: the configuration is larger than {LARGEST_MANIFEST} bytes")
    pieces = source.open_blob(descriptor.digest, descriptor.size)
    content = b"".join(verified(pieces, descriptor.digest, descriptor.size, source.name))
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ProviderError(f"{source.name}: the configuration cannot be read as JSON")
    return document


def end_of_blob(source: ImageSource, descriptor: Descriptor, count: int) -> bytes:
    """The last bytes of a blob, unverified; nothing where all of it would have to be sent for them."""
    offset = descriptor.size - count
    if isinstance(source, RegistrySource):
        return source.registry.end_of_blob(source.repository, descriptor.digest, offset)
    return b"".join(source.open_blob(descriptor.digest, descriptor.size, offset))


def _resolved(
    manifest: Manifest,
    platform: str,
    config: Mapping[str, Any] | None = None,
    layers: tuple[Descriptor, ...] = (),
) -> ResolvedImage:
    return ResolvedImage(
        digest=manifest.digest,
        media_type=manifest.media_type,
        size=len(manifest.content),
        platform=platform,
        manifest=manifest,
        config=config or {},
        layers=layers,
    )
