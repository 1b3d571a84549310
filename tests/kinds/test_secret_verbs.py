from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from reconciler.clients.cloudflare import Cloudflare
from reconciler.clients.fingerprint import VARIABLE, FingerprintKeys
from reconciler.clients.settings import ApiCredentials
from reconciler.clients.transport import Transport
from reconciler.emulator.server import LocalServer
from reconciler.errors import ReconcilerError
from reconciler.kinds.secret import SecretHandler
from reconciler.model.address import ResourceAddress
from reconciler.model.event import StepVoided
from reconciler.model.resource import Desired
from tests.kinds.kind_bench import ACCOUNT, KindBench, changes, failures

DB = ResourceAddress("secret", "db")
LOCAL: dict[str, Any] = {"from": {"env": "DB_PASSWORD"}}
SHARED: dict[str, Any] = {**LOCAL, "targets": {"account": True}}


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


@dataclass
class Cloud:
    """The emulator's side, and the secrets' sources."""

    server: LocalServer
    folder: Path
    environ: dict[str, str] = field(default_factory=lambda: {"DB_PASSWORD": "hunter2"})

    def __post_init__(self) -> None:
        self.drive("DELETE", "world")
        self.drive("PUT", "faults", [])
        keys = FingerprintKeys({VARIABLE: "00" * 32}, self.folder)
        self.api = Cloudflare(Transport(self.server.base_url, ApiCredentials(token="t0ken")), ACCOUNT)
        handler = SecretHandler(self.api, fetch=self.fetch, keys=keys)
        self.bench = KindBench({"secret": handler})

    def fetch(self, source: Mapping[str, Any]) -> str:
        if "file" in source:
            return (self.folder / str(source["file"])).read_text().strip()
        if source["env"] not in self.environ:
            raise ReconcilerError(f"{source['env']} is not set")
        return self.environ[str(source["env"])]

    def drive(self, method: str, page: str, document: Any = None) -> Any:
        url = f"http://127.0.0.1:{self.server.port}/emulator/{page}"
        content = None if document is None else json.dumps(document).encode()
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(url, content, headers, method=method)) as answer:
            return json.loads(answer.read() or b"null")

    def secrets(self) -> dict[str, Mapping[str, Any]]:
        return {one["name"]: one for one in self.drive("GET", "world").get("secret", [])}

    def requests(self) -> list[str]:
        """Method and end of each path since the last time."""
        listed = self.drive("GET", "ledger")
        found = [f"{one['method']} {one['path'].partition('/containers/')[2]}" for one in listed]
        new, self._seen = found[self._seen :], len(found)
        return new

    _seen = 0


@pytest.fixture
def cloud(server: LocalServer, tmp_path: Path) -> Iterator[Cloud]:
    made = Cloud(server, tmp_path)
    made.requests()
    yield made
    made.api.transport.close()


def wish(attributes: Mapping[str, Any] = SHARED, name: str = "shop-db", **options: Any) -> Desired:
    return Desired(DB, dict(attributes), name=name, **options)


def test_what_goes_nowhere_by_itself_sends_nothing(cloud: Cloud) -> None:
    assert failures(cloud.bench.apply(wish(LOCAL))) == []
    assert cloud.requests() == []
    assert changes(cloud.bench.plan(wish(LOCAL))) == {}
    assert set(cloud.bench.prior(DB).attributes["value"]) == {"$secret"}


def test_a_rotation_shows_even_where_nothing_is_sent(cloud: Cloud) -> None:
    cloud.bench.apply(wish(LOCAL))
    cloud.environ["DB_PASSWORD"] = "hunter3"
    change = changes(cloud.bench.plan(wish(LOCAL)))["secret.db"]
    assert (change.action, change.effect) == ("update", "none")
    assert [hazard.code for hazard in change.hazards] == ["ROTATES_SECRET"]
    assert [(one.path, one.sensitive) for one in change.attributes] == [("value", True)]
    cloud.bench.apply(wish(LOCAL))
    assert changes(cloud.bench.plan(wish(LOCAL))) == {}
    assert cloud.requests() == []


def test_an_account_secret_is_created_once(cloud: Cloud) -> None:
    assert failures(cloud.bench.apply(wish())) == []
    assert cloud.secrets()["shop-db"]["version"] == 1
    assert cloud.bench.prior(DB).outputs == {"name": "shop-db", "version": 1}
    assert cloud.requests() == ["GET secrets", "POST secrets"]
    assert changes(cloud.bench.plan(wish())) == {}
    assert cloud.requests() == ["GET secrets"]


def test_no_value_is_remembered(cloud: Cloud) -> None:
    cloud.bench.apply(wish())
    assert "hunter2" not in repr((cloud.bench.state, cloud.bench.events))


def test_a_rotated_account_secret_is_sent(cloud: Cloud) -> None:
    cloud.bench.apply(wish())
    before = cloud.secrets()["shop-db"]["value_sha256"]
    cloud.environ["DB_PASSWORD"] = "hunter3"
    change = changes(cloud.bench.plan(wish()))["secret.db"]
    assert change.effect == "hot"
    assert change.notes == (
        "running instances get the new value when they are next placed, unless their `rollout_on` names it",
    )
    cloud.bench.apply(wish())
    assert cloud.secrets()["shop-db"]["version"] == 2
    assert cloud.secrets()["shop-db"]["value_sha256"] != before
    assert changes(cloud.bench.plan(wish())) == {}


def test_another_source_of_the_same_value_sends_nothing(cloud: Cloud) -> None:
    cloud.bench.apply(wish())
    (cloud.folder / "db").write_text("hunter2\n")
    moved = wish({**SHARED, "from": {"file": "db"}})
    assert changes(cloud.bench.plan(moved))["secret.db"].effect == "none"
    cloud.bench.apply(moved)
    assert cloud.secrets()["shop-db"]["version"] == 1


def test_what_somebody_else_changed_is_sent_again(cloud: Cloud) -> None:
    cloud.bench.apply(wish())
    mine = cloud.secrets()["shop-db"]["value_sha256"]
    cloud.api.update_secret("shop-db", "theirs")
    blueprint = cloud.bench.plan(wish())
    change = changes(blueprint)["secret.db"]
    assert change.notes[1] == "somebody else changed it (version 2; we sent version 1), so it is sent again"
    assert [(one.path, one.verdict) for one in blueprint.plan.drift] == [("as_sent", "revert")]
    cloud.bench.apply(wish())
    assert (cloud.secrets()["shop-db"]["version"], cloud.secrets()["shop-db"]["value_sha256"]) == (3, mine)
    assert changes(cloud.bench.plan(wish())) == {}


def test_what_somebody_else_deleted_is_made_again(cloud: Cloud) -> None:
    cloud.bench.apply(wish())
    cloud.api.delete_secret("shop-db")
    assert changes(cloud.bench.plan(wish()))["secret.db"].action == "create"
    assert failures(cloud.bench.apply(wish())) == []
    assert cloud.secrets()["shop-db"]["version"] == 1


def test_a_secret_that_an_application_begins_to_use_goes_into_the_account(cloud: Cloud) -> None:
    cloud.bench.apply(wish(LOCAL))
    assert failures(cloud.bench.apply(wish(SHARED))) == []
    assert cloud.secrets()["shop-db"]["version"] == 1
    assert changes(cloud.bench.plan(wish(SHARED))) == {}


def test_a_secret_that_nothing_uses_any_more_stays_until_it_leaves_the_manifest(cloud: Cloud) -> None:
    cloud.bench.apply(wish(SHARED))
    change = changes(cloud.bench.plan(wish(LOCAL)))["secret.db"]
    assert "it stays there until it leaves the manifest" in change.notes[0]
    cloud.bench.apply(wish(LOCAL))
    cloud.environ["DB_PASSWORD"] = "hunter3"
    cloud.bench.apply(wish(LOCAL))
    assert cloud.secrets()["shop-db"]["version"] == 2
    cloud.bench.apply()
    assert cloud.secrets() == {}
    assert cloud.bench.state.resources == {}


def test_what_never_was_in_the_account_is_not_deleted_there(cloud: Cloud) -> None:
    cloud.bench.apply(wish(LOCAL))
    cloud.api.create_secret("shop-db", "theirs")
    assert failures(cloud.bench.apply()) == []
    assert set(cloud.secrets()) == {"shop-db"}


def test_a_new_name_is_a_new_secret_before_the_old_one_goes(cloud: Cloud) -> None:
    cloud.bench.apply(wish())
    renamed = wish(name="database", named_by_default=False)
    assert changes(cloud.bench.plan(renamed))["secret.db"].action == "replace"
    cloud.requests()
    cloud.bench.apply(renamed)
    assert cloud.requests() == ["GET secrets", "POST secrets", "DELETE secrets/shop-db"]
    assert set(cloud.secrets()) == {"database"}


def test_a_strangers_secret_of_that_name_is_an_error_that_offers_both_ways(cloud: Cloud) -> None:
    cloud.api.create_secret("shop-db", "theirs")
    change = changes(cloud.bench.plan(wish()))["secret.db"]
    assert change.action == "refused"
    assert "exists already" in change.reason


def test_an_adopted_secret_is_sent_once(cloud: Cloud) -> None:
    cloud.api.create_secret("shop-db", "theirs")
    adopting = wish(adopt=True)
    assert changes(cloud.bench.plan(adopting))["secret.db"].action == "adopt"
    cloud.bench.apply(adopting)
    assert cloud.secrets()["shop-db"]["version"] == 2
    assert changes(cloud.bench.plan(adopting)) == {}


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_leaves_one_secret_with_our_value(cloud: Cloud, when: str) -> None:
    cloud.drive("PUT", "faults", [{"method": "POST", "path": "/secrets$", "fault": {"drop": when}}])
    assert failures(cloud.bench.apply(wish())) == []
    assert set(cloud.secrets()) == {"shop-db"}
    assert changes(cloud.bench.plan(wish())) == {}


def test_a_conflict_that_the_plan_did_not_see_is_an_error(cloud: Cloud) -> None:
    cloud.drive("PUT", "faults", [{"method": "GET", "path": "/secrets$", "fault": {"stale": 3600}}])
    cloud.api.create_secret("shop-db", "theirs")
    assert failures(cloud.bench.apply(wish())) == [
        'the account has a secret "shop-db" already; take it over with `adopt: true`, or choose another `name`'
    ]


def test_a_value_that_has_to_be_sent_and_is_not_there_is_an_error_without_it(cloud: Cloud) -> None:
    cloud.bench.apply(wish())
    cloud.api.delete_secret("shop-db")
    del cloud.environ["DB_PASSWORD"]
    assert failures(cloud.bench.apply(wish())) == [
        "its value has to be sent and is not at hand; make its source `env` available and run again"
    ]


def test_a_secret_that_was_sent_needs_no_source_to_stay_as_it_is(cloud: Cloud) -> None:
    cloud.bench.apply(wish())
    del cloud.environ["DB_PASSWORD"]
    assert changes(cloud.bench.plan(wish())) == {}
    cloud.bench.apply(wish())
    cloud.environ["DB_PASSWORD"] = "hunter3"
    assert changes(cloud.bench.plan(wish()))["secret.db"].action == "update"


def test_a_thorough_look_names_secrets_that_nobody_asked_for(cloud: Cloud) -> None:
    from reconciler.model.handler import Look

    cloud.api.create_secret("other", "x")
    sighting = cloud.bench.handlers["secret"].observe(Look(1, [], others=True))
    assert [one.identity for one in sighting.others] == ["other"]


def test_nothing_is_voided(cloud: Cloud) -> None:
    cloud.bench.apply(wish())
    assert not [event for event in cloud.bench.events if isinstance(event, StepVoided)]
