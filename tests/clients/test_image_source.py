from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.clients.content_digest import digest_of
from reconciler.clients.image_manifest import DOCKER_CONFIG, OCI_CONFIG, OCI_MANIFEST
from reconciler.clients.image_source import RegistrySource, resolve
from reconciler.clients.registry import Registry
from reconciler.errors import IntegrityError, ProviderError
from tests.clients.conftest import ACCOUNT, HOST
from tests.clients.images import Image, entry, image, index, manifest_of, push

AMD, ARM = image(b"amd"), image(b"arm", architecture="arm64")
BOTH = index(("linux/arm64", ARM), ("linux/amd64", AMD))


def with_config(config: Any, config_type: str = OCI_CONFIG) -> Image:
    content = json.dumps(config).encode()
    document = {"mediaType": OCI_MANIFEST, "config": entry(config_type, content), "layers": []}
    return Image(manifest_of(document), {digest_of(content): content})


def test_an_image_is_what_its_configuration_says() -> None:
    found = resolve(AMD)
    assert (found.digest, found.platform, found.size) == (AMD.top.digest, "linux/amd64", len(AMD.top.content))
    assert found.config["rootfs"] == {"diff_ids": [digest_of(b"amd")]}
    assert [layer.digest for layer in found.layers] == [digest_of(b"amd")]


@pytest.mark.parametrize(("platform", "expected"), [("linux/amd64", AMD), ("linux/arm64", ARM)])
def test_an_index_is_resolved_to_the_platform(platform: str, expected: Image) -> None:
    assert resolve(BOTH, platform).digest == expected.top.digest


def test_an_index_is_kept_where_all_platforms_are_wanted() -> None:
    found = resolve(BOTH, all_platforms=True)
    assert (found.digest, found.platform, found.layers) == (BOTH.top.digest, "all", ())


def test_a_single_image_serves_all_platforms_it_has() -> None:
    assert resolve(ARM, all_platforms=True).platform == "linux/arm64"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (ARM, "test image: the image is for linux/arm64, not for linux/amd64; build it for linux/amd64"),
        (index(("linux/arm64", ARM)), "no image for linux/amd64, only for linux/arm64"),
        (index(("linux/amd64", ARM)), "the image is for linux/arm64"),
        (with_config([]), "the configuration cannot be read as JSON"),
        (with_config({}, "application/vnd.cncf.helm.config.v1+json"), "is no container image"),
    ],
)
def test_what_cannot_run_is_refused(source: Image, said: str) -> None:
    with pytest.raises(ProviderError, match=said):
        resolve(source)


def test_a_configuration_without_platform_is_taken_for_the_wanted_one() -> None:
    assert resolve(with_config({}, DOCKER_CONFIG)).platform == "linux/amd64"


def test_indexes_that_never_end_are_refused() -> None:
    deep = AMD
    for _ in range(5):
        deep = index(("linux/amd64", deep))
    endless = Image(deep.top, children={child.digest: deep.top for child in deep.top.children()})
    with pytest.raises(ProviderError, match="point to each other"):
        resolve(endless)


def test_a_damaged_configuration_is_refused() -> None:
    damaged = Image(AMD.top, {digest: b"x" * len(blob) for digest, blob in AMD.blobs.items()})
    with pytest.raises(IntegrityError):
        resolve(damaged)


def test_an_image_in_a_registry_is_a_source(managed: Registry) -> None:
    push(managed, f"{ACCOUNT}/resolved", "1", BOTH)
    source = RegistrySource(managed, f"{ACCOUNT}/resolved", "1")
    assert resolve(source, "linux/arm64").digest == ARM.top.digest
    assert source.name == f"{HOST}/{ACCOUNT}/resolved:1"
    assert source.home == (HOST, f"{ACCOUNT}/resolved")
