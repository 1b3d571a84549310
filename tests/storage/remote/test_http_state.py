from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from reconciler.errors import (
    AuthenticationError,
    DamagedStateError,
    LockHeldError,
    ReconcilerError,
    StateError,
    UnavailableError,
)
from reconciler.storage.remote import http_state
from reconciler.storage.remote.lease import LeaseLostError, Timing
from reconciler.storage.remote.store import RemoteStore
from reconciler.storage.store import LEASE_SECONDS
from tests.storage import places, samples
from tests.storage.places import StateServer
from tests.storage.remote.memory import Clock

PATH = "/state/shop-default"


@dataclass
class Served:
    server: StateServer
    url: str
    clock: Clock

    def shelf(self, environ: dict[str, str] | None = None, **settings: str) -> http_state.HttpShelf:
        chosen = {"address": f"{self.url}/state/{{project}}-{{environment}}", **settings}
        return http_state.open_shelf(chosen, environ or {}, "shop/default")

    def store(self, environ: dict[str, str] | None = None, **settings: str) -> RemoteStore:
        shelf = self.shelf(environ, **settings)
        timing = Timing(lambda: self.clock.now, self.clock.sleep, beats=False)
        return RemoteStore("http", shelf, samples.SHOP, timing=timing, now=lambda: samples.NOW)

    def lock_as_a_stranger(self) -> None:
        self.server.locks[PATH] = {"ID": "strange", "Who": "bob@laptop", "Info": "", "Created": samples.AT}


@contextmanager
def serving(server: StateServer) -> Iterator[Served]:
    with places.served(server) as url:
        yield Served(server, url, Clock())


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(StateServer()) as it:
        yield it


def run(store: RemoteStore) -> None:
    with store.lock("apply"):
        state = store.begin_run(store.read() or samples.state(), "run-1")
        for batch in ((samples.begun(1),), (samples.succeeded(1),)):
            store.append(batch)
            state = state.after(batch)
        store.commit(state)


def test_a_run_locks_posts_and_unlocks(served: Served) -> None:
    run(served.store())
    methods = [method for method, path in served.server.requests if path == PATH]
    assert methods == ["LOCK", "GET", "LOCK", "POST", "POST", "POST", "POST", "POST", "UNLOCK"]
    served.server.requests.clear()
    run(served.store())
    assert "LOCK" not in [method for method, _ in served.server.requests[1:]]
    assert served.server.locks == {}


def test_the_intents_stand_in_what_is_posted_before_anything_begins(served: Served) -> None:
    store = served.store()
    with store.lock("apply"):
        store.begin_run(store.read() or samples.state(), "run-1")
        store.append([samples.begun(number) for number in range(200)])
        found = served.store().read()
    assert found is not None
    assert len(found.intents) == 200


@pytest.mark.parametrize("kind", ["before", "after"])
@pytest.mark.parametrize("at", range(9))
def test_a_lost_answer_loses_nothing(served: Served, kind: str, at: int) -> None:
    served.server.faults = [""] * at + [kind]
    run(served.store())
    assert served.server.locks == {}
    state = served.store().read()
    assert state is not None
    assert (set(state.resources), state.serial, dict(state.intents)) == ({samples.API}, 1, {})


@pytest.mark.parametrize("kind", ["before", "after"])
@pytest.mark.parametrize("at", range(9))
def test_a_lost_answer_loses_nothing_at_gitlab(kind: str, at: int) -> None:
    with serving(StateServer(quirks=True)) as served:
        served.server.faults = [""] * at + [kind]
        run(served.store())
        assert served.server.locks == {}
        state = served.store().read()
        assert state is not None
        assert (set(state.resources), state.serial) == ({samples.API}, 1)


def test_a_strangers_lock_is_respected_and_can_be_taken_away(served: Served) -> None:
    served.lock_as_a_stranger()
    with pytest.raises(LockHeldError, match="locked by bob@laptop") as refused, served.store().lock("apply"):
        pass
    assert "state unlock" in refused.value.fix
    assert served.clock.slept == 0
    removed = served.store().unlock()
    assert removed is not None
    assert removed.user == "bob@laptop"
    assert served.server.locks == {}


@pytest.mark.parametrize("quirks", [False, True])
def test_a_killed_holders_lock_is_broken(elsewhere: None, quirks: bool) -> None:
    with serving(StateServer(quirks=quirks)) as served:
        holding = served.store().lock("apply")
        holding.__enter__()
        with served.store().lock("apply"):
            assert LEASE_SECONDS < served.clock.slept <= LEASE_SECONDS + 5
        assert served.server.locks == {}


def test_a_lock_of_one_who_was_killed_before_the_first_post_is_broken(
    elsewhere: None, served: Served
) -> None:
    served.server.faults = ["", "", *["before"] * 20]
    with pytest.raises(UnavailableError), served.store().lock("apply"):
        pass
    served.server.faults.clear()
    with served.store().lock("apply"):
        assert served.clock.slept > LEASE_SECONDS


@pytest.mark.parametrize("quirks", [False, True])
def test_a_lock_of_one_who_was_killed_before_the_unlock_is_broken_at_once(quirks: bool) -> None:
    with serving(StateServer(quirks=quirks)) as served:
        store = served.store()
        with store.lock("apply"):
            ticket = served.server.locks[PATH]
        served.server.locks[PATH] = ticket
        with served.store().lock("apply"):
            assert served.clock.slept == 0


def test_a_holder_whose_lock_was_taken_writes_nothing(served: Served) -> None:
    store = served.store()
    with store.lock("apply"):
        store.begin_run(store.read() or samples.state(), "run-1")
        before = served.server.documents[PATH]
        served.lock_as_a_stranger()
        with pytest.raises(LeaseLostError):
            store.append([samples.begun(1)])
    assert served.server.documents[PATH] == before
    assert served.server.locks[PATH]["ID"] == "strange"


def test_a_server_that_gives_its_lock_to_two_is_refused() -> None:
    with serving(StateServer(keeps_locks=False)) as served:
        with pytest.raises(StateError, match="gives its lock to two"), served.store().lock("apply"):
            pass
        assert served.server.documents == {}


@pytest.mark.parametrize("document", [b'{"version": 4, "resources": []}', b"<html>", b'{"serial": 1}'])
def test_what_is_not_ours_is_not_overwritten(served: Served, document: bytes) -> None:
    served.server.documents[PATH] = document
    for use in (served.store().read, lambda: run(served.store())):
        with pytest.raises(DamagedStateError, match="no state of reconciler"):
            use()
    assert served.server.documents[PATH] == document
    assert served.server.locks == {}


def test_a_document_that_was_emptied_is_not_taken_for_none(served: Served) -> None:
    run(served.store())
    served.server.documents[PATH] = b""
    for use in (served.store().read, lambda: run(served.store())):
        with pytest.raises(DamagedStateError, match="is empty, which is not the same as nothing"):
            use()
    assert served.server.documents[PATH] == b""


def test_damage_within_is_noticed(served: Served) -> None:
    run(served.store())
    posted = json.loads(served.server.documents[PATH])
    for name in posted["reconciler"]:
        posted["reconciler"][name] = base64.b64encode(b"no zlib").decode()
    served.server.documents[PATH] = json.dumps(posted).encode()
    with pytest.raises(DamagedStateError):
        served.store().read()


def test_a_bomb_is_not_unpacked(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    run(served.store())
    monkeypatch.setattr(http_state, "_MOST_BYTES", 10_000)
    posted = json.loads(served.server.documents[PATH])
    bomb = base64.b64encode(zlib.compress(bytes(10_000_000))).decode()
    posted["reconciler"] = {f"inputs/{number}": bomb for number in range(9)} | posted["reconciler"]
    served.server.documents[PATH] = json.dumps(posted).encode()
    shelf = served.shelf()
    assert sum(len(item.data) for name in shelf.names("") if (item := shelf.get(name))) <= 10_000
    with pytest.raises(DamagedStateError):
        served.store().read()


@pytest.mark.parametrize("prefix", ["RECONCILER", "TF"])
def test_credentials_come_from_the_environment(prefix: str) -> None:
    basic = "Basic " + base64.b64encode(b"alice:s3cret").decode()
    with serving(StateServer(authorization=basic)) as served:
        run(served.store({f"{prefix}_HTTP_USERNAME": "alice", f"{prefix}_HTTP_PASSWORD": "s3cret"}))
        with pytest.raises(AuthenticationError, match="answered 401") as refused:
            served.store({f"{prefix}_HTTP_PASSWORD": "wr0ng"}).read()
        assert "wr0ng" not in str(refused.value)
        assert b"s3cret" not in served.server.documents[PATH]


def answering(status: int, **headers: str) -> Any:
    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        seen.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        start(f"{status} Said", list(headers.items()))
        return [b""]

    seen: list[tuple[str, str]] = []
    app.seen = seen  # type: ignore[attr-defined]
    return app


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (302, StateError, "answered 302"),
        (401, AuthenticationError, "do not allow this"),
        (403, AuthenticationError, "do not allow this"),
        (405, StateError, "has no lock"),
        (500, UnavailableError, "answered 500"),
        (429, UnavailableError, "answered 429"),
    ],
)
def test_what_a_server_refuses_is_said(status: int, error: type[ReconcilerError], said: str) -> None:
    app = answering(status, Location="/elsewhere")
    with places.served(app) as url:
        served = Served(StateServer(), url, Clock())
        with pytest.raises(error, match=said), served.store({"TF_HTTP_PASSWORD": "s3cret"}).lock("apply"):
            pass
    assert {path for _, path in app.seen} == {PATH}


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://state.example/x", "not sent to http://state.example/x in clear"),
        ("https://me:s3cret@state.example/x", "without a password in it"),
        ("file:///etc/passwd", "http or https address"),
        ("state", "http or https address"),
    ],
)
def test_an_address_that_gives_a_password_away_is_refused(address: str, said: str) -> None:
    with pytest.raises(StateError, match=said) as refused:
        http_state.open_shelf({"address": address}, {"TF_HTTP_PASSWORD": "s3cret"}, "shop/default")
    assert "s3cret" not in str(refused.value)


def test_nobody_there_is_said() -> None:
    served = Served(StateServer(), "http://127.0.0.1:9", Clock())
    with pytest.raises(UnavailableError, match="look at `address`"):
        served.store().read()


def test_a_server_without_a_date_is_watched_for_a_whole_lease(
    elsewhere: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "formatdate", lambda **_: "soon")
    with serving(StateServer()) as served:
        holding = served.store().lock("apply")
        holding.__enter__()
        served.clock.now += 3600
        with served.store().lock("apply"):
            assert served.clock.slept > LEASE_SECONDS
