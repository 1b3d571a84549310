from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.emulator import registry_store as store
from reconciler.emulator.registry_files import RegistryFiles, files_of
from reconciler.emulator.registry_manifest import Manifest, RegistryError, digest_of, read_manifest
from reconciler.emulator.world import World

ACCOUNT = "a" * 32
REPOSITORY = f"{ACCOUNT}/web"
OTHER = f"{'b' * 32}/web"
IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


@pytest.fixture
def world() -> World:
    return World()


def image(*layers: str, **more: object) -> Manifest:
    described = [{"mediaType": "x", "digest": layer, "size": 1} for layer in layers]
    return read_manifest(json.dumps({"schemaVersion": 2, "layers": described, **more}).encode(), IMAGE)


def index(*manifests: Manifest) -> Manifest:
    described = [{"digest": manifest.digest} for manifest in manifests]
    return read_manifest(json.dumps({"schemaVersion": 2, "manifests": described}).encode(), INDEX)


def push_image(world: World, tag: str | None, layer: bytes = b"layer") -> Manifest:
    store.add_blob(world, REPOSITORY, digest_of(layer), len(layer))
    manifest = image(digest_of(layer))
    store.add_manifest(world, REPOSITORY, manifest, tag)
    return manifest


def digest_at(world: World, reference: str) -> str | None:
    record = store.resolve(world, REPOSITORY, reference)
    return record["digest"] if record else None


def upload(files: RegistryFiles, content: bytes, digest: str | None = None) -> None:
    under_way = files.begin_upload(REPOSITORY)
    files.append(under_way, content)
    files.finish_upload(under_way, digest or digest_of(content))


def test_a_finished_upload_is_content(tmp_path: Path) -> None:
    files = RegistryFiles(tmp_path)
    upload(files, b"hello")
    assert files.content(digest_of(b"hello")).read_bytes() == b"hello"
    assert list((tmp_path / "uploads").iterdir()) == []


def test_bytes_that_are_not_their_digest_are_thrown_away(tmp_path: Path) -> None:
    with pytest.raises(RegistryError) as refusal:
        upload(RegistryFiles(tmp_path), b"hello", digest_of(b"other"))
    assert refusal.value.code == "DIGEST_INVALID"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_upload_outlives_the_process_that_began_it(tmp_path: Path) -> None:
    before = RegistryFiles(tmp_path)
    under_way = before.begin_upload(REPOSITORY)
    before.append(under_way, b"hel")
    after = RegistryFiles(tmp_path)
    found = after.upload(REPOSITORY, under_way.name)
    assert found is not None
    assert found.size == 3
    after.append(found, b"lo")
    after.finish_upload(found, digest_of(b"hello"))


@pytest.mark.parametrize("name", ["../../etc", "", "a" * 32])
def test_an_upload_is_found_by_its_own_name_only(tmp_path: Path, name: str) -> None:
    files = RegistryFiles(tmp_path)
    under_way = files.begin_upload(REPOSITORY)
    assert files.upload(REPOSITORY, name) is None
    assert files.upload(OTHER, under_way.name) is None


def test_nobody_else_may_read_the_files(tmp_path: Path) -> None:
    files = files_of(World(tmp_path / "world"))
    upload(files, b"hello")
    files.begin_upload(REPOSITORY)
    files.write(digest_of(b"manifest"), b"manifest")
    for path in (tmp_path / "world").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_files_without_a_folder_go_with_their_world() -> None:
    world = World()
    content = files_of(world).content(digest_of(b"hello"))
    upload(files_of(world), b"hello")
    assert content.exists()
    world.clear()
    assert not content.exists()


def test_a_blob_belongs_to_its_repository_until_it_is_mounted(world: World) -> None:
    digest = digest_of(b"layer")
    store.add_blob(world, REPOSITORY, digest, 5)
    assert not store.has_blob(world, f"{ACCOUNT}/api", digest)
    assert store.mount_blob(world, f"{ACCOUNT}/api", digest, REPOSITORY)
    assert store.has_blob(world, f"{ACCOUNT}/api", digest)
    assert not store.mount_blob(world, f"{ACCOUNT}/api", digest_of(b"nowhere"), REPOSITORY)


def test_a_manifest_is_found_by_tag_and_by_digest(world: World) -> None:
    manifest = push_image(world, "1.0")
    assert digest_at(world, "1.0") == digest_at(world, manifest.digest) == manifest.digest
    assert digest_at(world, "2.0") is None
    assert store.resolve(world, OTHER, "1.0") is None


def test_a_moved_tag_leaves_the_old_manifest_without_it(world: World) -> None:
    old, new = push_image(world, "1.0", b"old"), push_image(world, "1.0", b"new")
    assert digest_at(world, "1.0") == new.digest
    tags = {record["digest"]: record["tags"] for record in store.manifests(world, REPOSITORY)}
    assert tags == {old.digest: [], new.digest: ["1.0"]}


def test_pushing_the_same_again_changes_nothing(world: World) -> None:
    world.entry = world.ledger.open(0, "PUT", "/", {})
    manifest = push_image(world, "1.0")
    world.entry = again = world.ledger.open(0, "PUT", "/", {})
    push_image(world, "1.0")
    store.add_manifest(world, REPOSITORY, manifest, None)
    assert (again.created, again.changed, again.deleted) == ([], [], [])


def test_deleting_a_tag_keeps_the_manifest(world: World) -> None:
    manifest = push_image(world, "a")
    store.remove_manifest(world, REPOSITORY, "a")
    assert digest_at(world, "a") is None
    assert digest_at(world, manifest.digest) == manifest.digest


def test_deleting_a_digest_takes_its_tags(world: World) -> None:
    manifest = push_image(world, "a")
    push_image(world, "b")
    assert store.remove_manifest(world, REPOSITORY, manifest.digest)
    assert [digest_at(world, reference) for reference in ("a", "b", manifest.digest)] == [None] * 3
    assert store.remove_manifest(world, REPOSITORY, manifest.digest) is None


def test_a_manifest_whose_parts_are_not_there_is_refused(world: World) -> None:
    absent = image(digest_of(b"absent"))
    for manifest in (absent, index(absent)):
        with pytest.raises(RegistryError) as refusal:
            store.add_manifest(world, REPOSITORY, manifest, "1.0")
        assert refusal.value.code == "MANIFEST_BLOB_UNKNOWN"
    assert store.manifests(world, REPOSITORY) == []


def test_an_index_names_manifests_of_its_repository(world: World) -> None:
    store.add_manifest(world, REPOSITORY, index(push_image(world, None)), "all")
    assert digest_at(world, "all")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"not json", "MANIFEST_INVALID"),
        (b"[" * 100_000, "MANIFEST_INVALID"),
        (b"3", "MANIFEST_INVALID"),
        (b'{"schemaVersion": 1}', "MANIFEST_INVALID"),
        (b'{"schemaVersion": 2, "layers": {}}', "MANIFEST_INVALID"),
        (b'{"schemaVersion": 2, "layers": [3]}', "MANIFEST_INVALID"),
        (b'{"schemaVersion": 2, "config": {"digest": "md5:x"}}', "MANIFEST_INVALID"),
        (b'{"schemaVersion": 2, "mediaType": "text/html"}', "MANIFEST_INVALID"),
        (b" " * 5_000_000, "SIZE_INVALID"),
    ],
)
def test_what_is_no_manifest_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(RegistryError) as refusal:
        read_manifest(content, IMAGE)
    assert refusal.value.code == code


def test_layers_that_live_elsewhere_need_not_be_here() -> None:
    layers = [{"digest": digest_of(b"base"), "urls": ["https://example.com/base"]}]
    content = json.dumps({"schemaVersion": 2, "config": None, "layers": layers}).encode()
    assert read_manifest(content, IMAGE).blobs == ()


def test_the_catalog_lists_tags_and_then_digests_without_one(world: World) -> None:
    for tag in ("b", "a"):
        push_image(world, tag)
    untagged = push_image(world, None, b"untagged")
    store.add_manifest(world, OTHER, image(), "1.0")
    assert store.catalog(world, ACCOUNT) == {REPOSITORY: ["a", "b", untagged.digest]}


def test_garbage_is_what_no_manifest_of_the_repository_names(world: World) -> None:
    files = files_of(world)
    push_image(world, "1.0", b"kept")
    for content in (b"kept", b"unused", b"orphan"):
        upload(files, content)
    for repository, content in ((REPOSITORY, b"unused"), (OTHER, b"unused"), (REPOSITORY, b"orphan")):
        store.add_blob(world, repository, digest_of(content), len(content))
    collected = store.collect_garbage(world, files, ACCOUNT)
    assert collected == [f"{REPOSITORY}@{digest_of(content)}" for content in (b"unused", b"orphan")]
    there = [files.content(digest_of(content)).exists() for content in (b"kept", b"unused", b"orphan")]
    assert there == [True, True, False]


@pytest.mark.parametrize("name", ["", "..", "a/../b", "a/_tags", "A", "a//b", "/a", "a" * 256])
def test_a_name_that_is_no_repository_is_refused(name: str) -> None:
    with pytest.raises(RegistryError) as refusal:
        store.check_repository(name)
    assert refusal.value.code == "NAME_INVALID"


@pytest.mark.parametrize("reference", ["-1", "", "sha256:abc", "sha512:" + "a" * 128, "a" * 129])
def test_what_is_neither_tag_nor_digest_is_refused(reference: str) -> None:
    with pytest.raises(RegistryError):
        store.check_reference(reference)
