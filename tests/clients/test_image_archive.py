from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from reconciler.clients.content_digest import digest_of
from reconciler.clients.image_archive import open_archive
from reconciler.clients.image_copy import copy_image
from reconciler.clients.image_manifest import OCI_MANIFEST
from reconciler.clients.image_source import resolve
from reconciler.clients.registry import Registry
from reconciler.errors import IntegrityError, NotFoundError, ProviderError
from tests.clients.conftest import ACCOUNT
from tests.clients.images import Image, image, index, layout_files, pull, write_folder, write_tar

APP = f"{ACCOUNT}/archived"
ONE, TWO = image(b"one", b"two"), image(b"three")


def docker_files(*layers: bytes, tags: list[str] | None = None, **more: Any) -> dict[str, bytes]:
    """What `docker save` writes, without the layers that are links."""
    diff_ids = [digest_of(layer) for layer in layers]
    config = json.dumps({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": diff_ids}}).encode()
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    entry = {"Config": "config.json", "RepoTags": tags or ["app:1"], "Layers": names} | more
    files = {"config.json": config, "manifest.json": json.dumps([entry]).encode()}
    return files | dict(zip(names, layers, strict=True))


def write(tmp_path: Path, files: dict[str, bytes], form: str = "tar") -> Path:
    if form == "tar":
        return write_tar(tmp_path / "image.tar", files)
    return write_folder(tmp_path / "image", files)


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_a_layout_is_copied_with_the_same_digest(tmp_path: Path, managed: Registry, form: str) -> None:
    source = open_archive(write(tmp_path, layout_files(ONE), form))
    result = copy_image(source, managed, f"{APP}-{form}", ["1"])
    assert result.digest == ONE.top.digest
    assert pull(managed, f"{APP}-{form}", "1") == ONE.blobs | {ONE.top.digest: ONE.top.content}


def test_an_index_in_a_layout_is_resolved_or_kept(tmp_path: Path, managed: Registry) -> None:
    both = index(("linux/amd64", ONE), ("linux/arm64", image(b"arm", architecture="arm64")))
    source = open_archive(write(tmp_path, layout_files(both)))
    assert resolve(source).digest == ONE.top.digest
    assert copy_image(source, managed, APP, ["all"], all_platforms=True).digest == both.top.digest


def test_one_of_several_images_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, layout_files(ONE, TWO, names=["one", "ghcr.io/app:two"]))
    assert open_archive(path, "one").manifest() == ONE.top
    assert open_archive(path, "two").manifest() == TWO.top
    assert open_archive(path, "app:two").manifest() == TWO.top
    with pytest.raises(
        ProviderError, match=r"not exactly one image in it, but ghcr\.io/app:two, one; name one"
    ):
        open_archive(path)
    with pytest.raises(NotFoundError, match="'three' is not in it, but"):
        open_archive(path, "three")


def test_one_image_under_two_names_is_one(tmp_path: Path) -> None:
    path = write(tmp_path, layout_files(ONE, ONE, names=["one", "latest"]))
    assert open_archive(path).manifest() == ONE.top


def test_a_damaged_layer_is_not_copied(tmp_path: Path, managed: Registry) -> None:
    damaged = Image(ONE.top, ONE.blobs | {digest_of(b"two"): b"owt"})
    with pytest.raises(IntegrityError, match=digest_of(b"two")):
        copy_image(open_archive(write(tmp_path, layout_files(damaged))), managed, f"{APP}-damaged", ["1"])
    assert managed.head_manifest(f"{APP}-damaged", "1") is None


def test_a_damaged_manifest_is_refused(tmp_path: Path) -> None:
    files = layout_files(ONE)
    files[f"blobs/{ONE.top.digest.replace(':', '/')}"] = TWO.top.content
    with pytest.raises(IntegrityError):
        open_archive(write(tmp_path, files))


def test_a_missing_layer_is_named(tmp_path: Path, managed: Registry) -> None:
    files = layout_files(ONE)
    del files[f"blobs/{digest_of(b'two').replace(':', '/')}"]
    with pytest.raises(NotFoundError, match=r"image\.tar: blobs/sha256/.* is missing"):
        copy_image(open_archive(write(tmp_path, files)), managed, f"{APP}-missing", ["1"])


def test_what_docker_saved_gets_always_the_same_manifest(tmp_path: Path, managed: Registry) -> None:
    path = write(tmp_path, docker_files(b"layer one", b"layer two"))
    source = open_archive(path)
    manifest = source.manifest()
    assert manifest.media_type == OCI_MANIFEST
    assert [layer.digest for layer in manifest.layers()] == [digest_of(b"layer one"), digest_of(b"layer two")]
    assert open_archive(path).manifest() == manifest
    assert copy_image(source, managed, f"{APP}-docker", ["1"]).digest == manifest.digest
    assert digest_of(b"layer one") in pull(managed, f"{APP}-docker", "1")


def test_a_layer_that_docker_linked_is_found_without_its_link(tmp_path: Path, managed: Registry) -> None:
    files = docker_files(b"same", b"other", b"same")
    del files["0/layer.tar"]
    path = write_tar(tmp_path / "image.tar", files, links={"0/layer.tar": "../2/layer.tar"})
    source = open_archive(path)
    assert [layer.digest for layer in source.manifest().layers()] == [
        digest_of(layer) for layer in (b"same", b"other", b"same")
    ]
    copy_image(source, managed, f"{APP}-linked", ["1"])


def test_a_link_out_of_the_archive_is_not_followed(tmp_path: Path) -> None:
    files = docker_files(b"layer")
    del files["0/layer.tar"]
    with pytest.raises(NotFoundError, match=r"0/layer\.tar is missing"):
        open_archive(write_tar(tmp_path / "image.tar", files, links={"0/layer.tar": "/etc/passwd"}))


def test_a_compressed_layer_is_passed_on_as_it_is(tmp_path: Path) -> None:
    packed = gzip.compress(b"layer", mtime=0)
    files = docker_files(b"layer") | {"0/layer.tar": packed}
    (layer,) = open_archive(write(tmp_path, files)).manifest().layers()
    assert (layer.digest, layer.size) == (digest_of(packed), len(packed))
    assert layer.media_type.endswith(".tar+gzip")


def test_a_layer_that_is_not_its_diff_id_is_not_copied(tmp_path: Path, managed: Registry) -> None:
    files = docker_files(b"layer") | {"0/layer.tar": b"lay3r"}
    with pytest.raises(IntegrityError):
        copy_image(open_archive(write(tmp_path, files)), managed, f"{APP}-forged", ["1"])


def test_one_of_several_saved_images_is_named(tmp_path: Path) -> None:
    files = docker_files(b"a", tags=["ghcr.io/app:1", "app:stable"])
    other = json.loads(files["manifest.json"])[0] | {"RepoTags": ["db:1"]}
    files["manifest.json"] = json.dumps([*json.loads(files["manifest.json"]), other]).encode()
    path = write(tmp_path, files)
    assert open_archive(path, "app:1").manifest() == open_archive(path, "stable").manifest()
    with pytest.raises(
        ProviderError, match=r"not exactly one image in it, but app:stable, db:1, ghcr\.io/app:1"
    ):
        open_archive(path)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "is no image archive"),
        ({"oci-layout": b"{}"}, r"index\.json is missing"),
        ({"oci-layout": b"{}", "index.json": b"{}"}, "is no image manifest|not exactly one image"),
        ({"oci-layout": b"{}", "index.json": b"\xff"}, "cannot be read as JSON"),
        ({"manifest.json": b"{}"}, "not exactly one image"),
        ({"manifest.json": b"["}, "cannot be read as JSON"),
        ({"manifest.json": b"[{}]"}, "names no configuration"),
        ({"manifest.json": b'[{"Config": "../../etc/passwd"}]'}, "leads out of it"),
        (docker_files(b"a", Layers=[]), "has 0 layers, and its configuration 1"),
    ],
)
def test_what_is_no_image_says_why(tmp_path: Path, files: dict[str, bytes], said: str) -> None:
    with pytest.raises(ProviderError, match=said):
        open_archive(write(tmp_path, files))


def test_only_files_and_folders_are_archives(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ProviderError, match="neither a file nor a folder"):
        open_archive(tmp_path / "pipe")
    with pytest.raises(NotFoundError, match="check the path"):
        open_archive(tmp_path / "absent")
