from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.emulator.server import LocalServer
from reconciler.errors import UnavailableError
from reconciler.kinds.account import AccountHandler
from reconciler.model.address import ResourceAddress
from reconciler.model.resource import Desired
from tests.kinds.emulated import Emulated, bind, emulated
from tests.kinds.kind_bench import ACCOUNT, changes, failures

ME = ResourceAddress("account", "account")
WHERE = "account.account"


def wish(**defaults: float) -> Desired:
    return Desired(ME, {"defaults": defaults or {"vcpus": 0.25}}, name="account")


@pytest.fixture
def cloud(shared_emulator: LocalServer) -> Iterator[Emulated]:
    with emulated(shared_emulator, AccountHandler) as made:
        yield made


def defaults(cloud: Emulated) -> dict[str, Any]:
    found = cloud.api.get_account()["defaults"]
    return {key: found[key] for key in ("vcpus", "memory_mib", "disk_mb")}


BEFORE = {"vcpus": 0.0625, "memory_mib": 256, "disk_mb": 2000}


def test_what_is_wanted_is_set_and_what_was_there_is_remembered(cloud: Emulated) -> None:
    change = changes(cloud.bench.plan(wish()))[WHERE]
    assert (change.action, change.effect) == ("create", "hot")
    assert failures(cloud.bench.apply(wish())) == []
    assert defaults(cloud) == {**BEFORE, "vcpus": 0.25}
    prior = cloud.bench.prior(ME)
    assert (prior.identity, prior.facts["before"]) == (ACCOUNT, BEFORE)
    assert set(prior.outputs) == {"id", "limits", "locations", "defaults"}
    assert changes(cloud.bench.plan(wish())) == {}


@pytest.mark.parametrize(("key", "value"), [("vcpus", 0.5), ("memory_mib", 512), ("disk_mb", 3000)])
def test_every_default_is_set_changed_and_given_back(cloud: Emulated, key: str, value: float) -> None:
    cloud.bench.apply(wish(vcpus=0.25))
    both = wish(**{"vcpus": 0.25, key: value})
    change = changes(cloud.bench.plan(both))[WHERE]
    assert (change.action, change.effect, [one.path for one in change.attributes]) == (
        "update",
        "hot",
        [f"defaults.{key}"],
    )
    assert failures(cloud.bench.apply(both)) == []
    assert (defaults(cloud)[key], changes(cloud.bench.plan(both))) == (value, {})
    without = Desired(ME, {}, name="account")
    assert changes(cloud.bench.plan(without))[WHERE].action == "update"
    assert failures(cloud.bench.apply(without)) == []
    assert (defaults(cloud), changes(cloud.bench.plan(without))) == (BEFORE, {})


def test_destroying_restores_what_was_there_before_the_first_apply(cloud: Emulated) -> None:
    cloud.bench.apply(wish(vcpus=0.25))
    cloud.bench.apply(wish(vcpus=0.5, memory_mib=1024))
    assert failures(cloud.bench.apply()) == []
    assert defaults(cloud) == BEFORE
    assert cloud.bench.state.resources == {}


def test_what_a_hand_changed_is_put_back_and_what_is_not_managed_left_alone(cloud: Emulated) -> None:
    cloud.bench.apply(wish(vcpus=0.25))
    cloud.api.update_account({"vcpus": 0.5, "memory_mib": 1024})
    assert [one.path for one in changes(cloud.bench.plan(wish(vcpus=0.25)))[WHERE].attributes] == [
        "defaults.vcpus"
    ]
    cloud.bench.apply(wish(vcpus=0.25))
    assert defaults(cloud) == {**BEFORE, "vcpus": 0.25, "memory_mib": 1024}


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_does_not_forget_what_was_there(cloud: Emulated, when: str) -> None:
    cloud.faults({"method": "PATCH", "fault": {"drop": when}})
    assert failures(cloud.bench.apply(wish())) == []
    assert cloud.bench.prior(ME).facts["before"] == BEFORE
    assert changes(cloud.bench.plan(wish())) == {}


def test_an_attempt_that_was_cut_off_told_the_next_one_what_was_there(cloud: Emulated) -> None:
    cut = SimpleNamespace(operation="0" * 32, again=True, before={"before": BEFORE})
    cloud.api.update_account({"vcpus": 0.25})
    change = cloud.bench.plan(wish()).decided.changes[ME]
    result = cloud.bench.handlers["account"].create(change, cut)
    assert result.facts == {"before": BEFORE}


def test_an_account_that_is_only_read_is_never_written(cloud: Emulated) -> None:
    external = Desired(ME, {}, name="account", external=True)
    cloud.requests()
    assert failures(cloud.bench.apply(external)) == []
    assert cloud.requests() == []


def test_an_import_remembers_what_it_found(cloud: Emulated) -> None:
    cloud.api.update_account({"vcpus": 0.5})
    imported = Desired(ME, {"defaults": {"vcpus": 0.25}}, name="account", import_id=ACCOUNT)
    assert changes(cloud.bench.plan(imported))[WHERE].action == "adopt"
    assert failures(cloud.bench.apply(imported)) == []
    assert failures(cloud.bench.apply()) == []
    assert defaults(cloud) == {**BEFORE, "vcpus": 0.5}


def test_a_refusal_says_what_to_do(cloud: Emulated) -> None:
    [told] = failures(cloud.bench.apply(wish(vcpus=-1)))
    assert "VALIDATE_INPUT" in told
    assert told.endswith(
        "keep `defaults` within the account's limits; an output of `${account.limits}` shows them"
    )


@pytest.mark.parametrize(
    "context", [{"name": "mine"}, {"address": ResourceAddress("account", "account", "a")}]
)
def test_there_is_one_account(context: dict[str, Any]) -> None:
    [(_, code, told)] = bind(AccountHandler(), {}, "account", **context)[1]
    assert (code, "there is one account" in told) == ("Q101", True)


def test_without_an_answer_nothing_is_assumed(cloud: Emulated, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.faults({"method": "GET", "path": "/me$", "times": 0, "fault": {"status": 400, "body": {}}})
    with pytest.raises(Exception, match="400") as stopped:
        cloud.bench.plan(wish())
    assert not isinstance(stopped.value, UnavailableError)
