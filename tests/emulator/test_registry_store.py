from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.emulator.registry_manifest import RegistryError, digest_of, read_manifest
from reconciler.emulator.registry_store import RegistryStore

ACCOUNT = "a" * 32
REPOSITORY = f"{ACCOUNT}/web"
IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def index_of(*manifests: str) -> bytes:
    return json.dumps({"schemaVersion": 2, "manifests": [{"digest": name} for name in manifests]}).encode()


@pytest.fixture
def store(tmp_path: Path) -> RegistryStore:
    return RegistryStore(tmp_path / "registry")


def push_blob(store: RegistryStore, content: bytes, repository: str = REPOSITORY) -> str:
    upload = store.begin_upload(repository)
    store.append(upload, content)
    store.finish_upload(upload, digest_of(content))
    return digest_of(content)


def image_of(*layers: str, **more: object) -> bytes:
    described = [{"mediaType": "x", "digest": layer, "size": 1} for layer in layers]
    return json.dumps({"schemaVersion": 2, "layers": described, **more}).encode()


def test_a_finished_upload_is_a_blob(store: RegistryStore) -> None:
    digest = push_blob(store, b"hello")
    path = store.blob(REPOSITORY, digest)
    assert path is not None
    assert path.read_bytes() == b"hello"
    assert store.blobs(REPOSITORY) == {digest: 5}


def test_a_blob_belongs_to_its_repository_until_it_is_mounted(store: RegistryStore) -> None:
    digest = push_blob(store, b"hello")
    other = f"{ACCOUNT}/api"
    assert store.blob(other, digest) is None
    assert store.mount_blob(other, digest, REPOSITORY)
    assert store.blob(other, digest) is not None
    assert not store.mount_blob(other, digest_of(b"nowhere"), REPOSITORY)


def test_bytes_that_are_not_their_digest_are_thrown_away(store: RegistryStore) -> None:
    upload = store.begin_upload(REPOSITORY)
    store.append(upload, b"hello")
    with pytest.raises(RegistryError) as refusal:
        store.finish_upload(upload, digest_of(b"other"))
    assert refusal.value.code == "DIGEST_INVALID"
    assert store.upload(REPOSITORY, upload.id) is None
    assert store.blobs(REPOSITORY) == {}


def test_an_upload_outlives_the_process_that_began_it(tmp_path: Path) -> None:
    before = RegistryStore(tmp_path)
    upload = before.begin_upload(REPOSITORY)
    before.append(upload, b"hel")
    after = RegistryStore(tmp_path)
    found = after.upload(REPOSITORY, upload.id)
    assert found is not None
    assert found.size == 3
    after.append(found, b"lo")
    assert after.finish_upload(found, digest_of(b"hello"))


def test_an_upload_belongs_to_its_repository(store: RegistryStore) -> None:
    upload = store.begin_upload(REPOSITORY)
    assert store.upload(f"{ACCOUNT}/api", upload.id) is None
    assert store.upload(REPOSITORY, "../../etc") is None


def test_a_manifest_is_found_by_tag_and_by_digest(store: RegistryStore) -> None:
    content = image_of(push_blob(store, b"layer"))
    digest = store.put_manifest(REPOSITORY, "1.0", IMAGE, content).digest
    for reference in ("1.0", digest):
        manifest = store.manifest(REPOSITORY, reference)
        assert manifest is not None
        assert (manifest.content, manifest.media_type, manifest.digest) == (content, IMAGE, digest)
    assert store.tags(REPOSITORY) == {"1.0": digest}


def test_a_moved_tag_leaves_the_old_manifest(store: RegistryStore) -> None:
    old = store.put_manifest(REPOSITORY, "1.0", IMAGE, image_of(push_blob(store, b"old")))
    new = store.put_manifest(REPOSITORY, "1.0", IMAGE, image_of(push_blob(store, b"new")))
    assert store.tags(REPOSITORY) == {"1.0": new.digest}
    assert set(store.digests(REPOSITORY)) == {old.digest, new.digest}


def test_deleting_a_tag_keeps_the_manifest_and_deleting_a_digest_takes_its_tags(store: RegistryStore) -> None:
    content = image_of(push_blob(store, b"layer"))
    for tag in ("a", "b", "c"):
        digest = store.put_manifest(REPOSITORY, tag, IMAGE, content).digest
    assert store.delete_manifest(REPOSITORY, "a") == ["a"]
    assert store.resolve(REPOSITORY, digest) == digest
    assert store.delete_manifest(REPOSITORY, digest) == [digest, "b", "c"]
    assert store.resolve(REPOSITORY, "b") is None
    assert store.delete_manifest(REPOSITORY, digest) == []


@pytest.mark.parametrize(
    ("reference", "media_type", "content", "code"),
    [
        ("1.0", IMAGE, image_of(digest_of(b"absent")), "MANIFEST_BLOB_UNKNOWN"),
        ("1.0", INDEX, index_of(digest_of(b"absent")), "MANIFEST_BLOB_UNKNOWN"),
        ("1.0", IMAGE, b"[" * 100_000, "MANIFEST_INVALID"),
        ("1.0", IMAGE, b"not json", "MANIFEST_INVALID"),
        ("1.0", IMAGE, b'{"schemaVersion": 1}', "MANIFEST_INVALID"),
        ("1.0", IMAGE, b'{"schemaVersion": 2, "layers": {}}', "MANIFEST_INVALID"),
        ("1.0", IMAGE, b'{"schemaVersion": 2, "layers": [3]}', "MANIFEST_INVALID"),
        ("1.0", IMAGE, b'{"schemaVersion": 2, "config": {"digest": "md5:x"}}', "MANIFEST_INVALID"),
        ("1.0", IMAGE, b'{"schemaVersion": 2, "mediaType": "text/html"}', "MANIFEST_INVALID"),
        ("1.0", IMAGE, b"[" * 5_000_000, "SIZE_INVALID"),
        ("-1.0", IMAGE, image_of(), "MANIFEST_UNKNOWN"),
        (digest_of(b"other"), IMAGE, image_of(), "DIGEST_INVALID"),
    ],
)
def test_a_manifest_is_refused(
    store: RegistryStore, reference: str, media_type: str, content: bytes, code: str
) -> None:
    with pytest.raises(RegistryError) as refusal:
        store.put_manifest(REPOSITORY, reference, media_type, content)
    assert refusal.value.code == code
    assert store.digests(REPOSITORY) == []


def test_layers_that_live_elsewhere_need_not_be_here(store: RegistryStore) -> None:
    layers = [{"digest": digest_of(b"base"), "urls": ["https://example.com/base"]}]
    content = json.dumps({"schemaVersion": 2, "layers": layers}).encode()
    assert store.put_manifest(REPOSITORY, "1.0", IMAGE, content).blobs == ()


def test_an_index_names_manifests_of_its_repository(store: RegistryStore) -> None:
    child = store.put_manifest(REPOSITORY, "child", IMAGE, image_of())
    assert store.put_manifest(REPOSITORY, "all", INDEX, index_of(child.digest)).manifests == (child.digest,)


def test_referrers_are_found_by_their_subject(store: RegistryStore) -> None:
    image = store.put_manifest(REPOSITORY, "1.0", IMAGE, image_of())
    bill = image_of(subject={"digest": image.digest}, artifactType="application/spdx", annotations={"a": "b"})
    referrer = store.put_manifest(REPOSITORY, digest_of(bill), IMAGE, bill)
    assert [found.descriptor() for found in store.referrers(REPOSITORY, image.digest)] == [
        {
            "mediaType": IMAGE,
            "digest": referrer.digest,
            "size": len(bill),
            "artifactType": "application/spdx",
            "annotations": {"a": "b"},
        }
    ]


def test_garbage_is_what_no_manifest_of_the_repository_names(store: RegistryStore) -> None:
    kept, unused = push_blob(store, b"kept"), push_blob(store, b"unused")
    store.put_manifest(REPOSITORY, "1.0", IMAGE, image_of(kept))
    other = f"{'b' * 32}/web"
    push_blob(store, b"unused", other)
    assert store.collect_garbage(ACCOUNT) == [(REPOSITORY, unused)]
    assert store.blobs(REPOSITORY) == {kept: 4}
    assert store.blob(other, unused) is not None


def test_bytes_that_no_repository_names_leave_the_disk(store: RegistryStore, tmp_path: Path) -> None:
    push_blob(store, b"unused")
    store.collect_garbage(ACCOUNT)
    assert list((tmp_path / "registry" / "content").iterdir()) == []


def test_repositories_are_listed_by_account(store: RegistryStore) -> None:
    for name in (REPOSITORY, f"{ACCOUNT}/team/api", f"{'b' * 32}/web"):
        store.put_manifest(name, "1.0", IMAGE, image_of())
    assert store.repositories(ACCOUNT) == [f"{ACCOUNT}/team/api", REPOSITORY]
    assert len(store.repositories()) == 3
    store.clear()
    assert store.repositories() == []


@pytest.mark.parametrize(
    "name", ["", "..", f"{ACCOUNT}/../b", f"{ACCOUNT}/_tags", "A", "a//b", "/a", "a" * 256]
)
def test_a_name_that_is_no_repository_is_refused(store: RegistryStore, name: str) -> None:
    with pytest.raises(RegistryError) as refusal:
        store.begin_upload(name)
    assert refusal.value.code == "NAME_INVALID"


def test_nobody_else_may_read_the_files(store: RegistryStore, tmp_path: Path) -> None:
    store.put_manifest(REPOSITORY, "1.0", IMAGE, image_of(push_blob(store, b"layer")))
    store.begin_upload(REPOSITORY)
    for path in (tmp_path / "registry").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_store_without_a_folder_leaves_nothing_behind() -> None:
    store = RegistryStore()
    push_blob(store, b"hello")
    folder = store._folder
    del store
    assert not folder.exists()


def test_a_manifest_without_a_config_describes_itself_plainly() -> None:
    manifest = read_manifest(image_of(), IMAGE)
    assert manifest.descriptor() == {
        "mediaType": IMAGE,
        "digest": manifest.digest,
        "size": len(manifest.content),
    }
