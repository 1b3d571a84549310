from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from reconciler.clients.content_digest import digest_of
from reconciler.clients.registry import Registry
from reconciler.clients.registry_auth import Credentials
from reconciler.clients.registry_connection import RegistryConnection
from reconciler.errors import AuthenticationError, ProviderError, RateLimitedError, UnavailableError
from tests.clients.clock import Clock
from tests.clients.faulty_registry import FaultyRegistry, running
from tests.clients.images import image

Connect = Callable[..., Registry]
BLOB = b"some content" * 100
DIGEST = digest_of(BLOB)


def read(registry: Registry) -> bytes:
    return b"".join(registry.open_blob("app", DIGEST, len(BLOB)))


@pytest.mark.parametrize(
    ("host", "endpoint", "url"),
    [
        ("ghcr.io", "", "https://ghcr.io/v2/"),
        ("docker.io", "", "https://registry-1.docker.io/v2/"),
        ("localhost:5000", "", "http://localhost:5000/v2/"),
        ("127.0.0.2", "", "http://127.0.0.2/v2/"),
        ("[::1]:5000", "", "http://[::1]:5000/v2/"),
        ("registry.cloudflare.com", "http://127.0.0.1:8787", "http://127.0.0.1:8787/v2/"),
        ("registry.cloudflare.com", "http://127.0.0.1:8787/client/v4", "http://127.0.0.1:8787/v2/"),
    ],
)
def test_a_name_is_spoken_to_where_it_is(host: str, endpoint: str, url: str) -> None:
    connection = RegistryConnection(host, credentials=lambda: None, endpoint=endpoint)
    assert connection.url("/v2/") == url


def test_behind_an_endpoint_the_public_server_is_never_asked() -> None:
    connection = RegistryConnection(
        "registry.cloudflare.com", credentials=lambda: None, endpoint="http://127.0.0.1:1"
    )
    assert connection.url("https://registry.cloudflare.com/v2/x?y=1") == "http://127.0.0.1:1/v2/x?y=1"


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ProviderError, match="is not the address of a registry"):
        RegistryConnection("ghcr.io", credentials=lambda: None, endpoint="nonsense")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_passing_fault_is_waited_out(
    faulty: FaultyRegistry, connect: Connect, clock: Clock, status: int
) -> None:
    faulty.blobs[DIGEST] = BLOB
    faulty.answers("HEAD", "blobs", status, times=2)
    assert connect().has_blob("app", DIGEST)
    assert clock.slept == [0.5, 1.0]


def test_the_service_says_how_long_to_wait(faulty: FaultyRegistry, connect: Connect, clock: Clock) -> None:
    faulty.answers("HEAD", "blobs", 429, headers={"Retry-After": "17"})
    assert not connect().has_blob("app", DIGEST)
    assert clock.slept == [17.0]


def test_a_wait_of_hours_is_an_error(faulty: FaultyRegistry, connect: Connect, clock: Clock) -> None:
    faulty.answers("GET", "manifests", 429, headers={"Retry-After": "7200"})
    with pytest.raises(RateLimitedError, match="wait 7200 s") as caught:
        connect().get_manifest("app", "1")
    assert caught.value.retry_after == 7200
    assert clock.slept == []


def test_a_lost_answer_is_asked_for_again(faulty: FaultyRegistry, connect: Connect) -> None:
    faulty.blobs[DIGEST] = BLOB
    faulty.drop_after = ["HEAD", "HEAD"]
    assert connect().has_blob("app", DIGEST)
    assert len(faulty.asked("HEAD")) == 3


def test_patience_ends(faulty: FaultyRegistry, connect: Connect, clock: Clock) -> None:
    faulty.answers("HEAD", "blobs", 503, times=99)
    with pytest.raises(UnavailableError, match="HTTP 503") as caught:
        connect().has_blob("app", DIGEST)
    assert (caught.value.sent, caught.value.status) == (True, 503)
    assert len(clock.slept) == 4


def test_a_server_that_is_not_there_was_sent_nothing(clock: Clock) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{probe.getsockname()[1]}"
        with Registry(host, sleep=clock.sleep) as registry, pytest.raises(UnavailableError) as caught:
            registry.has_blob("app", DIGEST)
    assert caught.value.sent is False
    assert caught.value.message.startswith(f"{host}: no answer from http://{host} (")


def test_work_that_may_have_been_done_is_not_forgotten(
    faulty: FaultyRegistry, connect: Connect, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_listening(seconds: float) -> None:
        faulty.server.socket.close()

    faulty.drop_after = ["PUT"]
    monkeypatch.setattr(clock, "sleep", stop_listening)
    with pytest.raises(UnavailableError) as caught:
        connect().put_manifest("app", "1", image(b"x").top)
    assert caught.value.sent
    assert "1" in faulty.manifests


def test_a_login_is_done_when_it_is_asked_for(faulty: FaultyRegistry, connect: Connect) -> None:
    faulty.password = "pa55word"
    faulty.blobs[DIGEST] = BLOB
    registry = connect("pa55word")
    assert registry.has_blob("app", DIGEST)
    assert read(registry) == BLOB
    assert ["authorization" in seen.headers for seen in faulty.seen] == [False, True, True]


def test_a_wrong_login_is_refused_without_repeating_it(faulty: FaultyRegistry, connect: Connect) -> None:
    faulty.password = "pa55word"
    with pytest.raises(AuthenticationError, match=rf"docker login {faulty.host}") as caught:
        connect("wr0ng").has_blob("app", DIGEST)
    assert len(faulty.seen) == 2
    assert "wr0ng" not in str(caught.value)


def test_a_bearer_token_is_fetched(faulty: FaultyRegistry, connect: Connect) -> None:
    faulty.password, faulty.token, faulty.realm = "pa55word", "t0ken", f"{faulty.url}/token"
    faulty.blobs[DIGEST] = BLOB
    assert read(connect("pa55word")) == BLOB
    assert faulty.asked("GET", "/token")[0].query == {"service": ["test"], "scope": ["repository:app:pull"]}


def test_a_token_that_ran_out_is_fetched_again(faulty: FaultyRegistry, connect: Connect) -> None:
    faulty.token, faulty.realm = "first", f"{faulty.url}/token"
    faulty.blobs[DIGEST] = BLOB
    registry = connect()
    assert read(registry) == BLOB
    faulty.token = "second"
    assert read(registry) == BLOB


def test_a_realm_elsewhere_gets_no_credentials(faulty: FaultyRegistry, connect: Connect) -> None:
    with running() as elsewhere:
        elsewhere.password = elsewhere.token = "x"
        faulty.token, faulty.realm = "x", f"{elsewhere.url}/token"
        with pytest.raises(AuthenticationError, match=r"credentials for .* are not sent"):
            connect("pa55word").has_blob("app", DIGEST)
        assert all("authorization" not in seen.headers for seen in elsewhere.seen)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_without_credentials(
    faulty: FaultyRegistry, connect: Connect, status: int
) -> None:
    faulty.password = "pa55word"
    with running() as storage:
        storage.blobs[DIGEST] = BLOB
        registry = connect("pa55word")
        registry.list_tags("app")
        faulty.answers("GET", "blobs", status, headers={"Location": f"{storage.url}/blobs/{DIGEST}?signed=1"})
        assert read(registry) == BLOB
        assert "authorization" in faulty.seen[-1].headers
        assert "authorization" not in storage.seen[-1].headers


def test_a_redirect_to_the_same_server_keeps_credentials(faulty: FaultyRegistry, connect: Connect) -> None:
    faulty.password = "pa55word"
    faulty.blobs[DIGEST] = BLOB
    registry = connect("pa55word")
    registry.list_tags("app")
    faulty.answers("GET", "v2/app/blobs", 307, headers={"Location": f"/elsewhere/blobs/{DIGEST}"})
    assert read(registry) == BLOB


def test_a_redirect_without_end_is_an_error(faulty: FaultyRegistry, connect: Connect) -> None:
    faulty.answers("GET", "blobs", 307, times=99, headers={"Location": f"/v2/app/blobs/{DIGEST}"})
    with pytest.raises(ProviderError, match="round in circles"):
        read(connect())


def test_a_redirect_to_cloud_metadata_is_refused(faulty: FaultyRegistry, connect: Connect) -> None:
    faulty.answers("GET", "blobs", 307, headers={"Location": "http://169.254.169.254/latest/"})
    with pytest.raises(ProviderError, match="not followed because it is a link-local address"):
        read(connect())


def test_an_endless_answer_is_cut_off(faulty: FaultyRegistry, connect: Connect) -> None:
    faulty.answers("GET", "manifests", 200, body=b" " * (4 * 1024 * 1024 + 1))
    with pytest.raises(ProviderError, match="larger than"):
        connect().get_manifest("app", "1")


def test_what_a_server_repeats_of_our_secrets_is_not_shown(faulty: FaultyRegistry, connect: Connect) -> None:
    faulty.password = "pa55word"
    registry = connect("pa55word")
    registry.list_tags("app")
    sent = Credentials("user", "pa55word").basic()
    body = b'{"errors": [{"code": "DENIED", "message": "pa55word ' + sent.encode() + b'"}]}'
    faulty.answers("HEAD", "blobs", 403, body=body)
    faulty.answers("GET", "manifests", 403, body=body)
    with pytest.raises(AuthenticationError) as caught:
        registry.get_manifest("app", "1")
    assert "DENIED, (sensitive) Basic (sensitive)" in str(caught.value)
