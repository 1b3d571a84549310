from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.clients.content_digest import digest_of
from reconciler.clients.image_manifest import DOCKER_CONFIG, DOCKER_MANIFEST, OCI_MANIFEST
from reconciler.clients.registry import Registry
from reconciler.clients.registry_auth import Credentials
from reconciler.clients.upload_memory import UploadMemory
from reconciler.emulator.registry_access import mint
from reconciler.emulator.server import LocalServer
from reconciler.errors import AuthenticationError, IntegrityError, NotFoundError, ProviderError
from tests.clients.clock import Clock
from tests.clients.conftest import ACCOUNT, HOST, drive
from tests.clients.faulty_registry import FaultyRegistry
from tests.clients.images import entry, image, index, manifest_of, pieces_of, pull, push, reader
from tests.clients.uploads import Uploads

Connect = Callable[..., Registry]
REPOSITORY = f"{ACCOUNT}/team/app"
BLOB = bytes(range(256)) * 100
DIGEST = digest_of(BLOB)


@pytest.fixture(params=["emulator", pytest.param("docker", marks=pytest.mark.registry)])
def registry(request: pytest.FixtureRequest, clock: Clock) -> Iterator[Registry]:
    """A real registry, twice: the emulator's and Debian's."""
    if request.param == "emulator":
        drive(request.getfixturevalue("emulator"), "DELETE", "world")
        yield request.getfixturevalue("managed")
        return
    with Registry(request.getfixturevalue("docker_registry"), sleep=clock.sleep) as found:
        yield found


def test_an_image_comes_back_as_it_went(registry: Registry) -> None:
    pushed = image(b"one", BLOB, b"")
    push(registry, REPOSITORY, "1.0", pushed)
    content = {pushed.top.digest: pushed.top.content} | pushed.blobs
    assert pull(registry, REPOSITORY, "1.0") == content
    assert pull(registry, REPOSITORY, pushed.top.digest) == content


def test_an_index_comes_back_as_it_went(registry: Registry) -> None:
    pushed = index(("linux/amd64", image(b"a")), ("linux/arm64", image(b"b", architecture="arm64")))
    push(registry, REPOSITORY, "all", pushed)
    assert set(pushed.blobs) < set(pull(registry, REPOSITORY, "all"))


def test_dockers_own_manifests_keep_their_type(registry: Registry) -> None:
    push(registry, REPOSITORY, "docker", image(b"x", media_type=DOCKER_MANIFEST, config_type=DOCKER_CONFIG))
    assert registry.get_manifest(REPOSITORY, "docker").media_type == DOCKER_MANIFEST


def test_a_tag_is_looked_up_without_reading_it(registry: Registry) -> None:
    pushed = image(b"x")
    push(registry, REPOSITORY, "2.0", pushed)
    found = registry.head_manifest(REPOSITORY, "2.0")
    assert found is not None
    assert (found.digest, found.size) == (pushed.top.digest, len(pushed.top.content))
    assert found.media_type == OCI_MANIFEST
    assert registry.head_manifest(REPOSITORY, "absent") is None


def test_what_is_not_there_says_what_was_asked_for(registry: Registry) -> None:
    with pytest.raises(NotFoundError, match=f"{registry.host}/{REPOSITORY}:absent: not found"):
        registry.get_manifest(REPOSITORY, "absent")
    assert registry.list_tags(f"{REPOSITORY}-absent") == ()
    assert not registry.has_blob(REPOSITORY, digest_of(b"absent"))


@pytest.mark.parametrize("chunk_size", [7000, len(BLOB), 10**9])
def test_a_blob_is_uploaded_in_chunks_of_any_size(registry: Registry, chunk_size: int) -> None:
    registry._chunk_size = chunk_size
    repository = f"{REPOSITORY}-{chunk_size}"
    registry.upload_blob(repository, DIGEST, len(BLOB), reader(BLOB))
    assert b"".join(registry.open_blob(repository, DIGEST, len(BLOB))) == BLOB


def test_a_blob_that_does_not_match_is_not_stored(registry: Registry) -> None:
    absent = digest_of(b"absent")
    with pytest.raises(IntegrityError, match=f"the content of {absent} has digest"):
        registry.upload_blob(REPOSITORY, absent, len(BLOB), reader(BLOB))
    assert not registry.has_blob(REPOSITORY, absent)


def test_an_upload_goes_on_in_another_run(registry: Registry, tmp_path: Path) -> None:
    registry._chunk_size, registry._uploads = 10_000, UploadMemory(tmp_path)
    positions: list[int] = []

    def stop(position: int) -> None:
        positions.append(position)
        if position > 12_000:
            raise KeyboardInterrupt

    content = BLOB[::-1]
    digest = digest_of(content)
    with pytest.raises(KeyboardInterrupt):
        registry.upload_blob(REPOSITORY, digest, len(content), reader(content), on_position=stop)
    assert len(list(tmp_path.iterdir())) == 1
    registry.upload_blob(REPOSITORY, digest, len(content), reader(content))
    assert b"".join(registry.open_blob(REPOSITORY, digest, len(content))) == content
    assert list(tmp_path.iterdir()) == []


def test_a_forgotten_upload_starts_over(registry: Registry) -> None:
    registry._uploads = Uploads(url=f"/v2/{REPOSITORY}/blobs/uploads/3f1b6a3e-0000-4000-8000-000000000000")
    registry.upload_blob(REPOSITORY, DIGEST, len(BLOB), reader(BLOB))
    assert registry.has_blob(REPOSITORY, DIGEST)


def test_a_blob_is_mounted_from_another_repository(registry: Registry) -> None:
    registry.upload_blob(REPOSITORY, DIGEST, len(BLOB), reader(BLOB))
    assert registry.mount_blob(f"{REPOSITORY}-mounted", DIGEST, REPOSITORY)
    assert registry.has_blob(f"{REPOSITORY}-mounted", DIGEST)
    assert not registry.mount_blob(f"{REPOSITORY}-mounted", digest_of(b"absent"), REPOSITORY)


def test_tags_and_repositories_are_listed(registry: Registry) -> None:
    for tag in ("b", "a", "c"):
        push(registry, f"{REPOSITORY}-listed", tag, image(b"same"))
    assert sorted(registry.list_tags(f"{REPOSITORY}-listed")) == ["a", "b", "c"]
    assert sorted(registry.catalog_with_tags()[f"{REPOSITORY}-listed"]) == ["a", "b", "c"]


def test_a_digest_is_deleted_once(registry: Registry) -> None:
    digest = push(registry, f"{REPOSITORY}-deleted", "1", image(b"gone"))
    assert registry.delete_manifest(f"{REPOSITORY}-deleted", digest)
    assert registry.head_manifest(f"{REPOSITORY}-deleted", "1") is None
    assert not registry.delete_manifest(f"{REPOSITORY}-deleted", digest)


def test_cloudflare_deletes_by_tag_and_collects_layers(managed: Registry) -> None:
    digest = push(managed, REPOSITORY, "gone", image(b"gone"))
    assert managed.delete_manifest(REPOSITORY, "gone")
    assert managed.head_manifest(REPOSITORY, "gone") is None
    managed.collect_garbage()
    assert digest


def test_a_refused_deletion_says_what(connect: Connect, faulty: FaultyRegistry) -> None:
    body = b'{"errors": [{"code": "UNSUPPORTED", "message": "The operation is unsupported."}]}'
    faulty.answers("DELETE", "manifests", 405, body=body)
    with pytest.raises(
        ProviderError, match=r"/app:1: refused \(HTTP 405, UNSUPPORTED, The operation"
    ) as caught:
        connect().delete_manifest("app", "1")
    assert caught.value.code == "UNSUPPORTED"


def test_what_refers_to_an_image_is_listed(managed: Registry) -> None:
    subject = image(b"signed")
    push(managed, REPOSITORY, "signed", subject)
    signature = image(b"signature")
    document = {**signature.top.document, "subject": entry(OCI_MANIFEST, subject.top.content)}
    signature.top = manifest_of(document | {"artifactType": "application/x-signature"})
    push(managed, REPOSITORY, "signature", signature)
    (found,) = managed.referrers(REPOSITORY, subject.top.digest)
    assert (found.digest, found.artifact_type) == (signature.top.digest, "application/x-signature")


def test_without_the_api_referrers_are_under_a_tag(connect: Connect, faulty: FaultyRegistry) -> None:
    referring = index(("linux/amd64", image(b"signature"))).top
    faulty.manifests[DIGEST.replace(":", "-")] = referring.media_type, referring.content
    assert connect().referrers("app", DIGEST) == referring.children()
    assert connect().referrers("app", digest_of(b"other")) == ()


def test_pages_are_followed_to_the_last(connect: Connect, faulty: FaultyRegistry) -> None:
    pages = [
        ({"tags": ["a"]}, {"Link": '</v2/app/tags/list?n=1&last=a>; rel="next"'}),
        ({"tags": ["b"]}, {"Link": f'<{faulty.url}/v2/app/tags/list?n=1&last=b>; rel="next"'}),
        ({"tags": None}, {}),
    ]
    for body, headers in pages:
        faulty.answers("GET", "tags/list", 200, body=json.dumps(body).encode(), headers=headers)
    assert connect().list_tags("app") == ("a", "b")


def test_cloudflares_cursor_is_followed(connect: Connect, faulty: FaultyRegistry) -> None:
    pages = [{"repositories": {"/acc/a": ["1"]}, "cursor": "x y"}, {"repositories": {"acc/b": ["2", "3"]}}]
    for body in pages:
        faulty.answers("GET", "_catalog", 200, body=json.dumps(body).encode())
    assert connect().catalog_with_tags() == {"acc/a": ("1",), "acc/b": ("2", "3")}
    assert faulty.seen[-1].query == {"tags": ["true"], "cursor": ["x y"]}


def test_pages_in_a_circle_end(connect: Connect, faulty: FaultyRegistry) -> None:
    link = {"Link": '</v2/app/tags/list?n=1000>; rel="next"'}
    faulty.answers("GET", "tags/list", 200, times=99, body=b'{"tags": ["a"]}', headers=link)
    assert set(connect().list_tags("app")) == {"a"}


@pytest.mark.parametrize("headers", [{}, {"Docker-Content-Digest": "nonsense"}])
def test_a_look_without_a_digest_reads_instead(
    connect: Connect, faulty: FaultyRegistry, headers: dict[str, str]
) -> None:
    manifest = image(b"x").top
    faulty.manifests["1"] = manifest.media_type, manifest.content
    faulty.answers("HEAD", "manifests", 200, headers=headers)
    found = connect().head_manifest("app", "1")
    assert found is not None
    assert found.digest == manifest.digest


def test_a_manifest_that_does_not_match_is_refused(connect: Connect, faulty: FaultyRegistry) -> None:
    faulty.manifests[DIGEST] = OCI_MANIFEST, b"{}"
    with pytest.raises(IntegrityError, match="app@sha256"):
        connect().get_manifest("app", DIGEST)


def test_a_registry_that_changes_a_manifest_is_found_out(connect: Connect, faulty: FaultyRegistry) -> None:
    faulty.answers("PUT", "manifests", 201, headers={"Docker-Content-Digest": DIGEST})
    with pytest.raises(IntegrityError, match="stored sha256"):
        connect().put_manifest("app", "1", image(b"x").top)


def test_a_broken_download_goes_on(connect: Connect, faulty: FaultyRegistry, clock: Clock) -> None:
    faulty.blobs[DIGEST] = BLOB
    faulty.cut_blob_after = [9_000, 0, 9_000]
    assert b"".join(connect().open_blob("app", DIGEST, len(BLOB))) == BLOB
    assert [s.headers.get("range") for s in faulty.asked("GET")] == [
        None,
        *["bytes=9000-"] * 2,
        "bytes=18000-",
    ]
    assert clock.slept == [0.5, 1.0, 0.5]


def test_a_download_goes_on_where_ranges_are_unknown(connect: Connect, faulty: FaultyRegistry) -> None:
    faulty.blobs[DIGEST], faulty.ranges, faulty.cut_blob_after = BLOB, False, [9_000]
    assert b"".join(connect().open_blob("app", DIGEST, len(BLOB))) == BLOB


def test_a_download_that_never_arrives_gives_up(connect: Connect, faulty: FaultyRegistry) -> None:
    faulty.blobs[DIGEST], faulty.cut_blob_after = BLOB, [0] * 99
    with pytest.raises(ProviderError, match="no answer from"):
        list(connect().open_blob("app", DIGEST, len(BLOB)))


def test_a_damaged_blob_is_never_read_whole(connect: Connect, faulty: FaultyRegistry) -> None:
    faulty.blobs[DIGEST] = BLOB[:-1] + b"?"
    read: list[bytes] = []
    with pytest.raises(IntegrityError):
        read.extend(connect().open_blob("app", DIGEST, len(BLOB)))
    assert sum(map(len, read)) < len(BLOB)


def test_expired_credentials_are_renewed_in_the_middle_of_a_push(emulator: LocalServer, clock: Clock) -> None:
    def mint_again() -> Credentials:
        minted.append(mint(emulator.world, ACCOUNT, ["pull", "push"], minutes=15))
        return Credentials("v1", minted[-1])

    def expire(position: int) -> None:
        if position > 30_000 and len(minted) == 1:
            drive(emulator, "POST", "clock", {"advance": 16 * 60})

    url, minted, content = f"http://127.0.0.1:{emulator.port}", list[str](), BLOB * 3
    with Registry(
        HOST, credentials=mint_again, endpoint=url, sleep=clock.sleep, chunk_size=10_000
    ) as registry:
        repository = f"{ACCOUNT}/renewed"
        registry.upload_blob(
            repository, digest_of(content), len(content), reader(content), on_position=expire
        )
        assert registry.has_blob(repository, digest_of(content))
    assert len(minted) == 2


def test_another_account_is_refused(managed: Registry) -> None:
    with pytest.raises(AuthenticationError, match=f"{HOST}/{'b' * 32}/app:1: not allowed"):
        managed.get_manifest(f"{'b' * 32}/app", "1")


@pytest.mark.parametrize(
    ("repository", "reference"), [("../app", "1"), ("a//b", "1"), ("app", "../1"), ("app", ""), ("a?b", "1")]
)
def test_a_name_that_would_change_the_path_is_refused(repository: str, reference: str) -> None:
    with Registry("localhost:1") as registry, pytest.raises(ProviderError, match="check the image's name"):
        registry.get_manifest(repository, reference)


def test_a_source_that_fails_is_not_the_registrys_fault(connect: Connect, faulty: FaultyRegistry) -> None:
    with pytest.raises(IntegrityError, match="5 bytes instead of 25600"):
        connect().upload_blob("app", DIGEST, len(BLOB), lambda _: pieces_of(b"short"))
    assert faulty.asked("DELETE", "uploads")
    assert faulty.uploads == {}
