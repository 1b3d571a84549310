from __future__ import annotations

import gzip
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.clients.image_archive import open_archive
from reconciler.clients.image_lookup import ImageLookup
from reconciler.clients.image_manifest import OCI_LAYER
from reconciler.clients.image_reference import ImageReference
from reconciler.clients.image_rules import ImageRules, MisplacedImageError, required_disk_mb
from reconciler.clients.registry import Registry
from reconciler.errors import NotFoundError, ProviderError
from tests.clients.clock import Clock
from tests.clients.faulty_registry import FaultyRegistry
from tests.clients.images import Image, image, index, layout_files, manifest_of, push, write_tar

APP = image(b"layer one", b"two")
ARM = image(b"arm", architecture="arm64")
ACCOUNT = "a" * 32


@pytest.fixture
def registry(faulty: FaultyRegistry) -> Iterator[Registry]:
    with Registry(faulty.host, sleep=Clock().sleep) as made:
        yield made


@pytest.fixture
def lookup(registry: Registry) -> ImageLookup:
    return ImageLookup(lambda _host: registry)


def squeezed(layer: bytes, compress: Callable[[bytes], bytes] = gzip.compress) -> Image:
    plain = image(compress(layer))
    document = {**plain.top.document}
    document["layers"] = [{**one, "mediaType": OCI_LAYER + "+gzip"} for one in document["layers"]]
    return Image(manifest_of(document), plain.blobs)


def two_members(layer: bytes) -> bytes:
    return gzip.compress(layer) + gzip.compress(b"end")


def test_a_tag_stands_for_a_digest(lookup: ImageLookup, registry: Registry, faulty: FaultyRegistry) -> None:
    digest = push(registry, "app", "1", APP)
    assert lookup.digest_of(ImageReference("app", faulty.host, "1")) == digest
    with pytest.raises(NotFoundError, match="app:2 is not there"):
        lookup.digest_of(ImageReference("app", faulty.host, "2"))


def test_a_digest_is_not_asked_for(lookup: ImageLookup, faulty: FaultyRegistry) -> None:
    assert lookup.digest_of(ImageReference("app", faulty.host, digest=APP.top.digest)) == APP.top.digest
    assert faulty.seen == []


def test_whether_a_digest_is_there_is_asked(
    lookup: ImageLookup, registry: Registry, faulty: FaultyRegistry
) -> None:
    reference = ImageReference("app", faulty.host, digest=APP.top.digest)
    assert not lookup.has(reference)
    push(registry, "app", "1", APP)
    assert lookup.has(reference)


def test_an_image_is_as_large_as_its_plain_layers(lookup: ImageLookup) -> None:
    measured = lookup.measure(APP)
    assert (measured.size, measured.disk_mb, measured.estimated) == (12, 34, False)


def test_an_index_is_as_large_as_the_image_that_runs(lookup: ImageLookup) -> None:
    both = index(("linux/amd64", APP), ("linux/arm64", ARM))
    assert lookup.measure(both).digest == APP.top.digest
    assert lookup.measure(both, all_platforms=True).digest == both.top.digest
    assert lookup.measure(both, all_platforms=True).size == 12
    with pytest.raises(ProviderError, match=r"no image for linux/amd64, only for linux/arm64"):
        lookup.measure(index(("linux/arm64", ARM)), all_platforms=True)


@pytest.mark.parametrize(
    ("compress", "estimated"), [(gzip.compress, False), (two_members, True)], ids=["one member", "several"]
)
def test_an_archive_tells_the_length_of_its_gzip_layers(
    lookup: ImageLookup, tmp_path: Path, compress: Callable[[bytes], bytes], estimated: bool
) -> None:
    packed = squeezed(b"x" * 100_000, compress)
    source = open_archive(write_tar(tmp_path / "image.tar", layout_files(packed)))
    measured = lookup.measure(source)
    assert measured.estimated is estimated
    assert (measured.size == 100_000) is not estimated


def test_a_registry_tells_it_where_it_gives_the_end_of_a_layer(
    lookup: ImageLookup, registry: Registry, faulty: FaultyRegistry
) -> None:
    digest = push(registry, "app", "1", squeezed(b"x" * 100_000))
    measured = lookup.measure(lookup.source(ImageReference("app", faulty.host), digest))
    assert (measured.size, measured.estimated) == (100_000, False)


def test_where_it_gives_no_part_an_estimate_is_shown_and_the_least_is_demanded(
    lookup: ImageLookup, registry: Registry, faulty: FaultyRegistry
) -> None:
    packed = squeezed(random.Random(1).randbytes(100_000))
    digest = push(registry, "app", "1", packed)
    faulty.ranges = False
    measured = lookup.measure(lookup.source(ImageReference("app", faulty.host), digest))
    (layer,) = packed.top.layers()
    assert (measured.size, measured.estimated) == (round(layer.size * 2.5), True)
    assert measured.disk_mb == required_disk_mb(layer.size, 1)


@pytest.mark.parametrize("status", [403, 416])
def test_a_registry_that_refuses_a_part_is_not_pressed(
    lookup: ImageLookup, registry: Registry, faulty: FaultyRegistry, status: int
) -> None:
    packed = squeezed(b"x" * 100_000)
    digest = push(registry, "app", "1", packed)
    faulty.answers("GET", packed.top.layers()[0].digest, status)
    assert lookup.measure(lookup.source(ImageReference("app", faulty.host), digest)).estimated


def test_an_image_that_is_named_comes_to_a_digest(
    lookup: ImageLookup, registry: Registry, faulty: FaultyRegistry
) -> None:
    rules = ImageRules("registry.cloudflare.com", ACCOUNT, {faulty.host: "mirror"})
    push(registry, "app", "1", APP)
    found = lookup.resolve_image(f"{faulty.host}/app:1", rules)
    assert found["ref"] == f"{faulty.host}/app@{APP.top.digest}"
    assert found["origin"] == APP.top.digest
    other = push(registry, "app", "1", image(b"other"))
    assert lookup.resolve_image(f"{faulty.host}/app:1", rules, found["origin"])["ref"] == found["ref"]
    assert lookup.resolve_image(f"{faulty.host}/app:1", rules)["digest"] == other


def test_an_image_that_only_cloudflare_may_read_stays_as_it_is_written(
    lookup: ImageLookup, faulty: FaultyRegistry
) -> None:
    faulty.password = "secret"
    rules = ImageRules("registry.cloudflare.com", ACCOUNT, {faulty.host: "mirror"}, frozenset({"shared"}))
    found = lookup.resolve_image(f"{faulty.host}/app:1", rules)
    assert (found["ref"], found["digest"]) == (f"{faulty.host}/app:1", None)
    assert "asks for a login" in found["unreadable"].message
    assert lookup.resolve_image("shared://app:1", rules)["ref"] == "shared://app:1"


def test_an_image_that_cannot_be_deployed_says_why(lookup: ImageLookup) -> None:
    rules = ImageRules("registry.cloudflare.com", ACCOUNT)
    with pytest.raises(MisplacedImageError, match="is not in Cloudflare's registry"):
        lookup.resolve_image("quay.io/acme/api:1", rules)
    with pytest.raises(NotFoundError) as raised:
        lookup.resolve_image("nginx:alpine", rules)
    assert "docker.io/library/nginx:alpine" in raised.value.fix
