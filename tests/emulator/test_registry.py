from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from reconciler.emulator.registry_access import mint
from reconciler.emulator.registry_manifest import digest_of
from reconciler.emulator.server import LocalServer

ACCOUNT = "a" * 32
OTHER = "b" * 32
WEB = f"/v2/{ACCOUNT}/team/web"
IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


@pytest.fixture(scope="module")
def shared_server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


@pytest.fixture
def server(shared_server: LocalServer) -> LocalServer:
    httpx.delete(f"http://127.0.0.1:{shared_server.port}/emulator/world")
    return shared_server


def client_of(server: LocalServer, account: str = ACCOUNT, permissions: str = "pull push") -> httpx.Client:
    password = mint(server.world, account, permissions.split(), minutes=15)
    return httpx.Client(base_url=f"http://127.0.0.1:{server.port}", auth=("v1", password))


@pytest.fixture
def registry(server: LocalServer) -> Iterator[httpx.Client]:
    with client_of(server) as client:
        yield client


def push_blob(registry: httpx.Client, content: bytes, path: str = WEB) -> str:
    digest = digest_of(content)
    answer = registry.post(f"{path}/blobs/uploads/", params={"digest": digest}, content=content)
    assert answer.status_code == 201, answer.text
    return digest


def push_image(registry: httpx.Client, tag: str, layer: bytes = b"layer", **more: Any) -> str:
    layers = [{"mediaType": "x", "digest": push_blob(registry, layer), "size": len(layer)}]
    return push_manifest(registry, tag, {"schemaVersion": 2, "layers": layers, **more})


def push_manifest(registry: httpx.Client, tag: str, manifest: object, media_type: str = IMAGE) -> str:
    content = json.dumps(manifest).encode()
    reference = tag or digest_of(content)
    headers = {"Content-Type": media_type}
    answer = registry.put(f"{WEB}/manifests/{reference}", content=content, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.headers["Docker-Content-Digest"]


def ledger(server: LocalServer) -> list[dict[str, Any]]:
    answer = httpx.get(f"http://127.0.0.1:{server.port}/emulator/ledger")
    entries: list[dict[str, Any]] = answer.json()
    return entries


def code_of(answer: httpx.Response) -> str:
    complaints = answer.json()["errors"]
    assert set(complaints[0]) == {"code", "message", "detail"}
    return str(complaints[0]["code"])


def test_the_door_opens_to_a_minted_password_only(server: LocalServer, registry: httpx.Client) -> None:
    assert registry.get("/v2/").status_code == 200
    for auth in (None, ("v1", "guess"), ("someone", "guess")):
        answer = httpx.get(f"http://127.0.0.1:{server.port}/v2/", auth=auth)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
        assert code_of(answer) == "UNAUTHORIZED"


def test_a_password_ends_by_the_worlds_clock(server: LocalServer, registry: httpx.Client) -> None:
    server.world.clock.advance(15 * 60 + 1)
    assert registry.get("/v2/").status_code == 401


def test_a_password_opens_its_own_account_only(server: LocalServer, registry: httpx.Client) -> None:
    push_image(registry, "1.0")
    with client_of(server, OTHER) as stranger:
        answer = stranger.get(f"{WEB}/manifests/1.0")
        assert (answer.status_code, code_of(answer)) == (403, "DENIED")
        assert stranger.get("/v2/_catalog?tags=true").json() == {"repositories": {}}


def test_permissions_are_kept(server: LocalServer, registry: httpx.Client) -> None:
    push_image(registry, "1.0")
    with client_of(server, permissions="pull") as reader:
        assert reader.get(f"{WEB}/manifests/1.0").status_code == 200
        for answer in (reader.post(f"{WEB}/blobs/uploads/"), reader.delete(f"{WEB}/manifests/1.0")):
            assert (answer.status_code, code_of(answer)) == (403, "DENIED")
    with client_of(server, permissions="push") as writer:
        assert writer.head(f"{WEB}/manifests/1.0").status_code == 200
        assert writer.get(f"{WEB}/manifests/1.0").status_code == 403


def test_a_blob_goes_in_at_once_and_comes_out(registry: httpx.Client) -> None:
    digest = push_blob(registry, b"hello")
    found = registry.get(f"{WEB}/blobs/{digest}")
    assert (found.content, found.headers["Docker-Content-Digest"]) == (b"hello", digest)
    head = registry.head(f"{WEB}/blobs/{digest}")
    assert (head.status_code, head.headers["Content-Length"]) == (200, "5")
    assert registry.head(f"{WEB}/blobs/{digest_of(b'other')}").status_code == 404


@pytest.mark.parametrize(
    ("wanted", "status", "content", "content_range"),
    [
        ("bytes=1-3", 206, b"ell", "bytes 1-3/5"),
        ("bytes=3-", 206, b"lo", "bytes 3-4/5"),
        ("bytes=-2", 206, b"lo", "bytes 3-4/5"),
        ("bytes=2-99", 206, b"llo", "bytes 2-4/5"),
        ("bytes=0-1,3-4", 200, b"hello", None),
        ("nonsense", 200, b"hello", None),
        ("bytes=5-", 416, None, "bytes */5"),
    ],
)
def test_a_part_of_a_blob(
    registry: httpx.Client, wanted: str, status: int, content: bytes | None, content_range: str | None
) -> None:
    digest = push_blob(registry, b"hello")
    answer = registry.get(f"{WEB}/blobs/{digest}", headers={"Range": wanted})
    assert (answer.status_code, answer.headers.get("Content-Range")) == (status, content_range)
    assert content is None or answer.content == content


def test_a_blob_goes_in_by_chunks(registry: httpx.Client) -> None:
    location = registry.post(f"{WEB}/blobs/uploads/").headers["Location"]
    first = registry.patch(location, content=b"hel", headers={"Content-Range": "0-2"})
    assert (first.status_code, first.headers["Range"]) == (202, "0-2")
    status = registry.get(first.headers["Location"])
    assert (status.status_code, status.headers["Range"]) == (204, "0-2")
    last = registry.put(location, params={"digest": digest_of(b"hello")}, content=b"lo")
    assert last.status_code == 201
    assert registry.get(last.headers["Location"]).content == b"hello"


@pytest.mark.parametrize(
    ("content_range", "status", "code"),
    [("1-2", 416, "RANGE_INVALID"), ("x", 416, "RANGE_INVALID"), ("0-7", 400, "SIZE_INVALID")],
)
def test_a_chunk_out_of_turn_is_refused(
    registry: httpx.Client, content_range: str, status: int, code: str
) -> None:
    location = registry.post(f"{WEB}/blobs/uploads/").headers["Location"]
    answer = registry.patch(location, content=b"he", headers={"Content-Range": content_range})
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert registry.get(location).headers["Range"] == "0-0"


def test_an_upload_with_the_wrong_digest_is_refused_and_forgotten(registry: httpx.Client) -> None:
    for digest in ("sha256:abc", digest_of(b"other")):
        location = registry.post(f"{WEB}/blobs/uploads/").headers["Location"]
        answer = registry.put(location, params={"digest": digest}, content=b"hello")
        assert (answer.status_code, code_of(answer)) == (400, "DIGEST_INVALID")
        assert registry.get(location).status_code == 404


def test_an_upload_can_be_given_up(registry: httpx.Client) -> None:
    location = registry.post(f"{WEB}/blobs/uploads/").headers["Location"]
    assert registry.delete(location).status_code == 204
    assert code_of(registry.patch(location, content=b"x")) == "BLOB_UPLOAD_UNKNOWN"


def test_an_upload_goes_on_after_a_broken_connection(server: LocalServer, registry: httpx.Client) -> None:
    location = registry.post(f"{WEB}/blobs/uploads/").headers["Location"]
    request = registry.build_request("PATCH", location, content=b"hello")
    authorized = next(registry.auth.sync_auth_flow(request)) if registry.auth else request
    head = f"PATCH {location} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n"
    head += f"Authorization: {authorized.headers['Authorization']}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as broken:
        broken.sendall(head.encode() + b"hel")
    while registry.get(location).headers["Range"] != "0-2":
        pass
    answer = registry.put(location, params={"digest": digest_of(b"hello")}, content=b"lo")
    assert answer.status_code == 201


def test_a_blob_is_mounted_from_a_repository_of_the_same_account(
    server: LocalServer, registry: httpx.Client
) -> None:
    digest = push_blob(registry, b"hello")
    mount = {"mount": digest, "from": f"{ACCOUNT}/team/web"}
    answer = registry.post(f"/v2/{ACCOUNT}/api/blobs/uploads/", params=mount)
    assert answer.status_code == 201
    assert registry.get(answer.headers["Location"]).content == b"hello"
    with client_of(server, OTHER) as stranger:
        assert stranger.post(f"/v2/{OTHER}/api/blobs/uploads/", params=mount).status_code == 202


def test_an_image_is_read_back_by_tag_and_digest(registry: httpx.Client) -> None:
    digest = push_image(registry, "1.0")
    for reference in ("1.0", digest):
        answer = registry.get(f"{WEB}/manifests/{reference}")
        assert (answer.headers["Content-Type"], digest_of(answer.content)) == (IMAGE, digest)
        head = registry.head(f"{WEB}/manifests/{reference}")
        assert head.headers["Docker-Content-Digest"] == digest
        assert head.headers["Content-Length"] == str(len(answer.content))
    assert code_of(registry.get(f"{WEB}/manifests/2.0")) == "MANIFEST_UNKNOWN"


@pytest.mark.parametrize(
    ("reference", "manifest", "status", "code"),
    [
        ("1.0", {"schemaVersion": 2, "layers": [{"digest": digest_of(b"absent")}]}, 400, "MANIFEST_BLOB_UNKNOWN"),
        ("1.0", {"schemaVersion": 1}, 400, "MANIFEST_INVALID"),
        (digest_of(b"other"), {"schemaVersion": 2}, 400, "DIGEST_INVALID"),
        ("-1.0", {"schemaVersion": 2}, 400, "MANIFEST_INVALID"),
        ("1.0", {"schemaVersion": 2, "x": "x" * 5_000_000}, 413, "PAYLOAD_TOO_LARGE"),
    ],
)  # fmt: skip
def test_a_manifest_is_refused(
    registry: httpx.Client, reference: str, manifest: object, status: int, code: str
) -> None:
    answer = registry.put(f"{WEB}/manifests/{reference}", json=manifest, headers={"Content-Type": IMAGE})
    assert (answer.status_code, code_of(answer)) == (status, code)


def test_a_tag_is_deleted_by_its_name(registry: httpx.Client) -> None:
    digest = push_image(registry, "1.0")
    assert registry.delete(f"{WEB}/manifests/1.0").status_code == 202
    assert registry.get(f"{WEB}/manifests/1.0").status_code == 404
    assert registry.get(f"{WEB}/manifests/{digest}").status_code == 200
    assert registry.delete(f"{WEB}/manifests/{digest}").status_code == 202
    assert registry.delete(f"{WEB}/manifests/{digest}").status_code == 404


def test_garbage_goes_when_asked(server: LocalServer, registry: httpx.Client) -> None:
    kept = push_blob(registry, b"kept")
    push_image(registry, "1.0", b"kept")
    unused = push_blob(registry, b"unused")
    assert registry.put("/v2/gc/layers").json() == {"deleted": [f"{ACCOUNT}/team/web@{unused}"]}
    assert registry.head(f"{WEB}/blobs/{kept}").status_code == 200
    assert registry.head(f"{WEB}/blobs/{unused}").status_code == 404


def test_a_blob_is_deleted(registry: httpx.Client) -> None:
    digest = push_blob(registry, b"hello")
    assert registry.delete(f"{WEB}/blobs/{digest}").status_code == 202
    assert registry.delete(f"{WEB}/blobs/{digest}").status_code == 404


def test_the_catalog_is_a_map_for_those_who_ask_for_tags(registry: httpx.Client) -> None:
    for tag in ("b", "a"):
        push_image(registry, tag)
    name = f"{ACCOUNT}/team/web"
    assert registry.get("/v2/_catalog?tags=true").json() == {"repositories": {name: ["a", "b"]}}
    assert registry.get("/v2/_catalog").json() == {"repositories": [name]}


def test_lists_come_in_pages(registry: httpx.Client) -> None:
    for tag in ("a", "b", "c"):
        push_image(registry, tag)
    first = registry.get(f"{WEB}/tags/list?n=2")
    assert first.json() == {"name": f"{ACCOUNT}/team/web", "tags": ["a", "b"]}
    rest = registry.get(first.links["next"]["url"])
    assert (rest.json()["tags"], rest.links) == (["c"], {})
    assert code_of(registry.get(f"/v2/{ACCOUNT}/none/tags/list")) == "NAME_UNKNOWN"


def test_referrers_are_found_by_their_subject(registry: httpx.Client) -> None:
    image = push_image(registry, "1.0")
    bill = {"schemaVersion": 2, "subject": {"digest": image}, "artifactType": "application/spdx"}
    digest = push_manifest(registry, "", bill)
    found = registry.get(f"{WEB}/referrers/{image}")
    assert found.headers["Content-Type"] == INDEX
    assert [one["digest"] for one in found.json()["manifests"]] == [digest]
    other = registry.get(f"{WEB}/referrers/{image}?artifactType=other")
    assert (other.json()["manifests"], other.headers["OCI-Filters-Applied"]) == ([], "artifactType")


def test_a_manifest_with_a_subject_is_acknowledged(registry: httpx.Client) -> None:
    subject = digest_of(b"not there yet")
    manifest = {"schemaVersion": 2, "subject": {"digest": subject}}
    answer = registry.put(f"{WEB}/manifests/1", json=manifest, headers={"Content-Type": IMAGE})
    assert answer.headers["OCI-Subject"] == subject


def test_the_ledger_tells_what_a_push_made(server: LocalServer, registry: httpx.Client) -> None:
    digest = push_image(registry, "1.0")
    blob, manifest = ledger(server)[-2:]
    assert [fact["kind"] for fact in blob["created"]] == ["blob"]
    assert manifest["created"] == [
        {"kind": "manifest", "id": f"{ACCOUNT}/team/web@{digest}", "name": f"{ACCOUNT}/team/web:1.0"}
    ]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_is_no_operation_is_refused(registry: httpx.Client, method: str) -> None:
    answer = registry.request(method, f"{WEB}/manifests/1.0")
    assert (answer.status_code, code_of(answer)) == (405, "UNSUPPORTED")
    assert registry.request(method, f"/v2/{ACCOUNT}/x/y").status_code == 404


def test_a_large_body_is_refused_with_its_reason(registry: httpx.Client) -> None:
    answer = registry.patch(f"{WEB}/blobs/uploads/{'0' * 32}", content=b"x" * 3_000_000)
    assert (answer.status_code, code_of(answer)) == (404, "BLOB_UPLOAD_UNKNOWN")
