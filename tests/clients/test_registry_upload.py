from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler.clients.content_digest import digest_of
from reconciler.clients.registry import Registry
from reconciler.errors import AuthenticationError, ProviderError, UnavailableError
from tests.clients.clock import Clock
from tests.clients.faulty_registry import FaultyRegistry, running
from tests.clients.images import reader
from tests.clients.uploads import Uploads

Connect = Callable[..., Registry]
BLOB = bytes(range(256)) * 100
DIGEST = digest_of(BLOB)


def upload(registry: Registry, url: str = "") -> list[str]:
    registry._uploads = uploads = Uploads(url=url)
    registry.upload_blob("app", DIGEST, len(BLOB), reader(BLOB))
    return uploads.heard


def spans(faulty: FaultyRegistry) -> list[str]:
    return [seen.headers["content-range"] for seen in faulty.asked("PATCH")]


def test_chunks_are_sent_one_after_the_other(connect: Connect, faulty: FaultyRegistry) -> None:
    upload(connect(chunk_size=10_000))
    assert faulty.blobs[DIGEST] == BLOB
    assert spans(faulty) == ["0-9999", "10000-19999", "20000-25599"]
    assert [len(seen.body) for seen in faulty.asked("PATCH")] == [10_000, 10_000, 5_600]


def test_an_empty_blob_needs_no_chunk(connect: Connect, faulty: FaultyRegistry) -> None:
    connect().upload_blob("app", digest_of(b""), 0, reader(b""))
    assert faulty.blobs == {digest_of(b""): b""}
    assert faulty.asked("PATCH") == []


def test_after_a_break_the_registry_says_where_to_go_on(
    connect: Connect, faulty: FaultyRegistry, clock: Clock
) -> None:
    faulty.cut_patch_after = [4_000, 3_000]
    upload(connect(chunk_size=10_000))
    assert faulty.blobs[DIGEST] == BLOB
    assert spans(faulty) == ["0-9999", "4000-13999", "7000-16999", "17000-25599"]
    assert clock.slept == [0.5, 0.5]
    assert len(faulty.asked("POST")) == 1


def test_a_broken_chunk_that_was_lost_is_sent_again(connect: Connect, faulty: FaultyRegistry) -> None:
    faulty.cut_patch_after, faulty.keeps_broken_chunks = [4_000], False
    upload(connect(chunk_size=10_000))
    assert faulty.blobs[DIGEST] == BLOB
    assert spans(faulty)[:2] == ["0-9999", "0-9999"]


def test_a_lost_answer_costs_no_second_upload(connect: Connect, faulty: FaultyRegistry) -> None:
    faulty.drop_after = ["PATCH", "PUT"]
    upload(connect(chunk_size=10_000))
    assert faulty.blobs[DIGEST] == BLOB
    assert spans(faulty) == ["0-9999", "10000-19999", "20000-25599"]
    assert [len(faulty.asked(method)) for method in ("POST", "PUT")] == [1, 1]


def test_an_upload_goes_on_where_another_run_stopped(connect: Connect, faulty: FaultyRegistry) -> None:
    faulty.uploads["/v2/app/blobs/uploads/7"] = BLOB[:15_000]
    sessions = upload(connect(chunk_size=10_000), "/v2/app/blobs/uploads/7?state=x")
    assert faulty.blobs[DIGEST] == BLOB
    assert spans(faulty) == ["15000-24999", "25000-25599"]
    assert faulty.asked("POST") == []
    assert set(sessions) == {"/v2/app/blobs/uploads/7?state=x"}


def test_an_upload_that_only_lacked_its_end_is_finished(connect: Connect, faulty: FaultyRegistry) -> None:
    faulty.uploads["/v2/app/blobs/uploads/7"] = BLOB
    upload(connect(), "/v2/app/blobs/uploads/7")
    assert faulty.blobs[DIGEST] == BLOB
    assert faulty.asked("PATCH") == []


@pytest.mark.parametrize("there", [b"x" * 15_000, b"x" * len(BLOB), b"x" * (len(BLOB) + 1)])
def test_an_upload_with_other_bytes_starts_over(
    connect: Connect, faulty: FaultyRegistry, there: bytes
) -> None:
    faulty.uploads["/v2/app/blobs/uploads/7"] = there
    upload(connect(), "/v2/app/blobs/uploads/7")
    assert faulty.blobs == {DIGEST: BLOB}


@pytest.mark.parametrize("status", [404, 416])
def test_a_session_lost_on_the_way_is_replaced(connect: Connect, faulty: FaultyRegistry, status: int) -> None:
    registry = connect(chunk_size=10_000)
    faulty.answers("GET", "uploads", 404)
    faulty.answers("PATCH", "uploads", status)
    upload(registry)
    assert faulty.blobs[DIGEST] == BLOB
    assert len(faulty.asked("POST")) == 2


def test_a_registry_that_always_loses_uploads_is_given_up(connect: Connect, faulty: FaultyRegistry) -> None:
    body = b'{"errors": [{"code": "DIGEST_INVALID", "message": "no match"}]}'
    faulty.answers("PUT", "uploads", 400, times=99, body=body)
    with pytest.raises(ProviderError, match=rf"app: upload of {DIGEST}: refused \(HTTP 400, DIGEST_INVALID"):
        upload(connect())
    assert len(faulty.asked("POST")) == 3


def test_a_registry_that_takes_no_chunks_gets_the_blob_whole(
    connect: Connect, faulty: FaultyRegistry
) -> None:
    faulty.takes_chunks = False
    registry = connect()
    upload(registry)
    assert faulty.blobs[DIGEST] == BLOB
    assert [len(seen.body) for seen in faulty.asked("PUT")] == [len(BLOB)]
    upload(registry)
    assert len(faulty.asked("PATCH")) == 1


def test_a_whole_blob_is_sent_again_after_a_break(connect: Connect, faulty: FaultyRegistry) -> None:
    faulty.answers("PUT", "uploads", 503)
    upload(connect(chunk_size=0))
    assert faulty.blobs[DIGEST] == BLOB
    assert len(faulty.asked("PUT")) == 2


def test_a_whole_blob_whose_answer_was_lost_is_there(connect: Connect, faulty: FaultyRegistry) -> None:
    faulty.drop_after = ["PUT"]
    upload(connect(chunk_size=0))
    assert len(faulty.asked("PUT")) == 1


def test_a_login_that_runs_out_is_renewed_at_that_chunk(connect: Connect, faulty: FaultyRegistry) -> None:
    faulty.token, faulty.realm = "t", f"{faulty.url}/token"
    registry = connect(chunk_size=10_000)
    faulty.answers("PATCH", "uploads", 401, headers={"WWW-Authenticate": f'Bearer realm="{faulty.realm}"'})
    upload(registry)
    assert faulty.blobs[DIGEST] == BLOB
    assert spans(faulty) == ["0-9999", "0-9999", "10000-19999", "20000-25599"]
    assert len(faulty.asked("GET", "/token")) == 2


def test_the_service_says_how_long_a_chunk_must_wait(
    connect: Connect, faulty: FaultyRegistry, clock: Clock
) -> None:
    faulty.answers("PATCH", "uploads", 429, headers={"Retry-After": "30"})
    upload(connect())
    assert clock.slept == [30.0]


def test_a_registry_that_takes_nothing_is_given_up(
    connect: Connect, faulty: FaultyRegistry, clock: Clock
) -> None:
    faulty.cut_patch_after = [0] * 99
    with pytest.raises(UnavailableError, match="no answer from") as caught:
        upload(connect())
    assert caught.value.sent
    assert clock.slept == [0.5, 1.0, 2.0, 4.0]


def test_a_refused_push_says_so(connect: Connect, faulty: FaultyRegistry) -> None:
    faulty.answers("POST", "uploads", 403, body=b'{"errors": [{"code": "DENIED", "message": "read only"}]}')
    with pytest.raises(AuthenticationError, match=r"not allowed \(HTTP 403, DENIED, read only\)"):
        upload(connect())


def test_an_upload_sent_elsewhere_goes_without_credentials(connect: Connect, faulty: FaultyRegistry) -> None:
    faulty.password = "pa55word"
    with running() as storage:
        storage.uploads["/v2/app/blobs/uploads/1"] = b""
        registry = connect("pa55word")
        registry.list_tags("app")
        location = {"Location": f"{storage.url}/v2/app/blobs/uploads/1"}
        faulty.answers("POST", "uploads", 202, headers=location)
        upload(registry)
        assert storage.blobs[DIGEST] == BLOB
        assert all("authorization" not in seen.headers for seen in storage.seen)
