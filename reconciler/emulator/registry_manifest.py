"""Reads an image manifest or index as the registry must: what it is, and what it points to.

Whether what it points to is there is the store's business.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
LARGEST_MANIFEST = 4 * 1024 * 1024

_INDEX_TYPES = {
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
}


class RegistryError(Exception):
    """What the registry says no with, in the words of the OCI distribution specification."""

    def __init__(
        self, code: str, message: str, detail: Any = None, headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.detail = detail
        self.headers = headers


@dataclass(frozen=True, slots=True)
class Manifest:
    """One manifest of a repository: its bytes, and what the registry has to know of them."""

    media_type: str
    content: bytes
    digest: str
    artifact_type: str = ""
    subject: str = ""
    annotations: dict[str, str] = field(default_factory=dict)
    blobs: tuple[str, ...] = ()
    manifests: tuple[str, ...] = ()


def digest_of(content: bytes) -> str:
    """The name of these bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def hexadecimal_of(digest: str) -> str:
    """The digest without its algorithm; refuses everything but sha256."""
    if not DIGEST.fullmatch(digest):
        raise RegistryError("DIGEST_INVALID", f"not a sha256 digest: {digest[:80]}")
    return digest.removeprefix("sha256:")


def read_manifest(content: bytes, media_type: str) -> Manifest:
    """Reads a manifest that was sent under a media type; refuses what cannot be one."""
    document = _document(content, media_type)
    is_index = media_type in _INDEX_TYPES
    config = _object(document.get("config"))
    subject = _object(document.get("subject")).get("digest", "")
    return Manifest(
        media_type=media_type,
        content=content,
        digest=digest_of(content),
        artifact_type=document.get("artifactType") or config.get("mediaType", ""),
        subject=_checked(subject) if subject else "",
        annotations=_object(document.get("annotations")),
        blobs=() if is_index else _blobs(document),
        manifests=_digests(document, "manifests") if is_index else (),
    )


def _document(content: bytes, media_type: str) -> dict[str, Any]:
    if len(content) > LARGEST_MANIFEST:
        raise RegistryError("SIZE_INVALID", f"a manifest has at most {LARGEST_MANIFEST} bytes")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise RegistryError("MANIFEST_INVALID", f"the manifest is not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("schemaVersion") != 2:
        raise RegistryError("MANIFEST_INVALID", "the manifest is no object with schemaVersion 2")
    if document.get("mediaType", media_type) != media_type:
        raise RegistryError(
            "MANIFEST_INVALID",
            f"the manifest says {document['mediaType']}, its Content-Type says {media_type or 'nothing'}",
        )
    return document


def _blobs(document: dict[str, Any]) -> tuple[str, ...]:
    config = _object(document.get("config"))
    stored = [layer for layer in _descriptors(document, "layers") if not layer.get("urls")]
    return tuple(_checked(descriptor.get("digest")) for descriptor in ([config] if config else []) + stored)


def _digests(document: dict[str, Any], key: str) -> tuple[str, ...]:
    return tuple(_checked(descriptor.get("digest")) for descriptor in _descriptors(document, key))


def _descriptors(document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    descriptors = document.get(key)
    if descriptors is None:
        return []
    if not isinstance(descriptors, list):
        raise RegistryError("MANIFEST_INVALID", f"{key} is no list")
    return [_object(descriptor) for descriptor in descriptors]


def _object(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RegistryError("MANIFEST_INVALID", f"expected an object, found {json.dumps(value)[:80]}")
    return value


def _checked(digest: Any) -> str:
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise RegistryError("MANIFEST_INVALID", f"not a sha256 digest: {json.dumps(digest)[:80]}")
    return digest
