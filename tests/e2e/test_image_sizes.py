"""An image that does not fit the disk of an instance is said before anything is sent, however it is named (reference 4.3)."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest

from reconciler.clients.image_manifest import OCI_LAYER
from tests.clients.images import Image, image, layout_files, manifest_of, write_folder
from tests.harness import Project

HEAD = "version: 1\nproject: shop\n"
UNPACKED = 3_000_000_000
TOO_LARGE = "the image is too large: it needs 3317 MB of disk, and an instance has 2000 MB"


def large() -> Image:
    """An image of one small layer that says of itself that it is large when unpacked, as gzip does at its end."""
    made = image(gzip.compress(b"x")[:-4] + UNPACKED.to_bytes(4, "little"))
    document = dict(made.top.document)
    document["layers"] = [{**one, "mediaType": f"{OCI_LAYER}+gzip"} for one in document["layers"]]
    return replace(made, top=manifest_of(document))


@pytest.fixture
def shop(shop: Project) -> Project:
    write_folder(shop.folder / "large", layout_files(large()))
    return shop


def application(image: str, size: str) -> str:
    return f"applications: {{api: {{image: '{image}', instances: 1, instance_type: {size}}}}}\n"


def refused(shop: Project) -> list[str]:
    planned = shop.run("plan", "--json")
    assert planned.code == 1
    before = shop.world("manifest")
    assert shop.run("apply", "--yes").code == 1
    assert (shop.world("application"), shop.world("manifest")) == ([], before)
    return [one["summary"] for one in planned.document["diagnostics"] if one["severity"] == "error"]


def test_an_archive_that_does_not_fit(shop: Project) -> None:
    shop.write(HEAD + "images: {api: {archive: large}}\n" + application("${images.api}", "lite"))
    assert refused(shop) == [TOO_LARGE]
    shop.write(HEAD + "images: {api: {archive: large}}\n" + application("${images.api}", "basic"))
    shop.apply()


def test_an_image_in_the_registry_that_does_not_fit(shop: Project) -> None:
    shop.write(HEAD + application("large:1", "lite"))
    assert shop.run("images", "push", "large", "large:1").code == 0
    assert refused(shop) == [TOO_LARGE]
    shop.write(HEAD + application("large:1", "basic"))
    shop.apply()
