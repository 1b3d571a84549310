from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.clients.content_digest import digest_of
from reconciler.clients.image_manifest import (
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    choose_platform,
    same_platform,
)
from reconciler.errors import IntegrityError, ProviderError
from tests.clients.images import image, index


def read(document: Any, media_type: str = "") -> Manifest:
    return Manifest.read(json.dumps(document).encode(), media_type, subject="web:1")


def test_a_manifest_says_what_it_is_made_of() -> None:
    manifest = image(b"one", b"two").top
    assert [layer.digest for layer in manifest.layers()] == [digest_of(b"one"), digest_of(b"two")]
    assert manifest.blobs() == (manifest.config(), *manifest.layers())
    assert not manifest.is_index
    assert manifest.children() == ()


def test_an_index_has_children_and_no_blobs() -> None:
    manifest = index(("linux/amd64", image(b"a")), ("linux/arm64", image(b"b"))).top
    assert [child.platform for child in manifest.children()] == ["linux/amd64", "linux/arm64"]
    assert manifest.is_index
    assert manifest.blobs() == ()


@pytest.mark.parametrize(
    ("document", "called", "known"),
    [
        ({"mediaType": DOCKER_MANIFEST, "layers": []}, "application/json", DOCKER_MANIFEST),
        ({"layers": []}, DOCKER_MANIFEST, DOCKER_MANIFEST),
        ({"layers": []}, "", OCI_MANIFEST),
        ({"manifests": []}, "text/plain", OCI_INDEX),
    ],
)
def test_the_media_type_is_found(document: Any, called: str, known: str) -> None:
    assert read(document, called).media_type == known


@pytest.mark.parametrize(
    ("document", "called", "said"),
    [
        ({"schemaVersion": 1, "fsLayers": []}, "", r"schema 1\); push it again"),
        ({}, "application/vnd.docker.distribution.manifest.v1+prettyjws", "schema 1"),
        ({"layers": [], "manifests": []}, OCI_MANIFEST, "an image and an index at once"),
        ({"mediaType": OCI_INDEX, "manifests": []}, OCI_MANIFEST, "calls itself"),
        ({}, "text/html", "is no image manifest"),
        ([], OCI_MANIFEST, "cannot be read as JSON"),
    ],
)
def test_what_is_no_manifest_is_refused(document: Any, called: str, said: str) -> None:
    with pytest.raises(ProviderError, match=said):
        read(document, called)


@pytest.mark.parametrize(
    "entry",
    [
        None,
        {},
        {"digest": "sha256:../../etc", "size": 1},
        {"digest": digest_of(b""), "size": -1},
        {"digest": digest_of(b""), "size": True},
        {"digest": digest_of(b"")},
    ],
)
def test_a_broken_descriptor_is_refused(entry: Any) -> None:
    with pytest.raises(ProviderError):
        Descriptor.read(entry)


def test_other_bytes_than_asked_for_are_refused() -> None:
    with pytest.raises(IntegrityError, match="web:1"):
        Manifest.read(b"{}", subject="web:1", digest=digest_of(b"[]"))


@pytest.mark.parametrize(
    ("found", "wanted", "expected"),
    [
        ("linux/amd64", "linux/amd64", True),
        ("linux/arm64/v8", "linux/arm64", True),
        ("linux/arm64", "linux/arm64/v8", False),
        ("linux/amd64", "linux/arm64", False),
        ("windows/amd64", "linux/amd64", False),
    ],
)
def test_platforms_are_compared(found: str, wanted: str, expected: bool) -> None:
    assert same_platform(found, wanted) is expected


def test_a_missing_platform_names_those_that_are_there() -> None:
    top = index(
        ("linux/arm64", image(b"a")), ("unknown/unknown", image(b"b")), ("windows/amd64", image(b"c"))
    ).top
    assert choose_platform(top, "linux/arm64", "web:1").digest == image(b"a").top.digest
    with pytest.raises(ProviderError, match="no image for linux/amd64, only for linux/arm64, windows/amd64;"):
        choose_platform(top, "linux/amd64", "web:1")
