from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from reconciler.emulator.server import LocalServer
from reconciler.kinds.registry_protocol import RegistryProtocolHandler
from reconciler.model.address import ResourceAddress
from reconciler.model.handler import Look
from reconciler.model.resource import Desired
from reconciler.model.value import Ref
from tests.kinds.emulated import Emulated, bind, emulated
from tests.kinds.kind_bench import changes, failures

CF = ResourceAddress("registry_protocol", "cf")
HUB = {"domain": "docker.io", "path": "shop"}
MANAGED = {"domain": "registry.cloudflare.com", "path": "images"}
WHERE = "registry_protocol.cf"


def wish(*domains: dict[str, str], **options: Any) -> Desired:
    return Desired(CF, {"proto": "cf", "domains": list(domains or (HUB,))}, name="cf", **options)


@pytest.fixture
def cloud(shared_emulator: LocalServer) -> Iterator[Emulated]:
    with emulated(shared_emulator, RegistryProtocolHandler) as made:
        yield made


def test_the_key_is_the_protocol_and_its_domains_are_a_set() -> None:
    bound, errors = bind(RegistryProtocolHandler(), {"domains": [MANAGED, HUB]}, "cf")
    assert errors == []
    assert bound.name == "cf"
    assert bound.attributes == {"proto": "cf", "domains": [HUB, MANAGED]}


def test_a_domain_of_this_manifest_is_waited_for_however_it_is_named() -> None:
    hub = ResourceAddress("registry", "hub")
    sections: dict[str, Any] = {"registries": {"hub": {}}}
    written = Ref(hub, ("domain",), "${registries.hub.domain}")
    for domain in ("docker.io", written):
        block = {"domains": [MANAGED, {**HUB, "domain": domain}]}
        bound, _ = bind(
            RegistryProtocolHandler(), block, "cf", sections=sections, text_of=lambda *_: "docker.io"
        )
        assert [entry["domain"] for entry in bound.attributes["domains"]][1] == MANAGED["domain"]
        assert bound.attributes["domains"][0]["domain"].address == hub


@pytest.mark.parametrize(
    ("block", "context", "code"),
    [({}, {}, "L101"), ({"domains": [HUB]}, {"name": "other"}, "L102"), ({}, {"external": True}, "")],
)
def test_what_a_block_must_say(block: dict[str, Any], context: dict[str, Any], code: str) -> None:
    errors = bind(RegistryProtocolHandler(), block, "cf", **context)[1]
    assert [one[1] for one in errors] == ([code] if code else [])


def test_a_protocol_is_made_changed_as_a_whole_and_removed(cloud: Emulated) -> None:
    assert failures(cloud.bench.apply(wish())) == []
    assert changes(cloud.bench.plan(wish())) == {}
    change = changes(cloud.bench.plan(wish(HUB, MANAGED)))[WHERE]
    assert (change.action, change.effect) == ("update", "hot")
    cloud.bench.apply(wish(HUB, MANAGED))
    [made] = cloud.world("registry_protocol")
    assert (made["proto"], made["domains"]) == ("cf", [HUB, MANAGED])
    assert changes(cloud.bench.plan(wish(HUB, MANAGED))) == {}
    cloud.bench.apply()
    assert cloud.world("registry_protocol") == []
    assert cloud.requests() == [
        "POST registries/protos",
        "PUT registries/protos",
        "DELETE registries/protos/cf",
    ]


def test_another_order_at_the_service_is_no_change(cloud: Emulated) -> None:
    cloud.bench.apply(wish(HUB, MANAGED))
    cloud.api.update_registry_protocol("cf", [MANAGED, HUB])
    assert changes(cloud.bench.plan(wish(HUB, MANAGED))) == {}


def test_what_a_hand_changed_is_put_back(cloud: Emulated) -> None:
    cloud.bench.apply(wish())
    cloud.api.update_registry_protocol("cf", [MANAGED])
    assert changes(cloud.bench.plan(wish()))[WHERE].action == "update"
    cloud.api.delete_registry_protocol("cf")
    assert changes(cloud.bench.plan(wish()))[WHERE].action == "create"


def test_moved_to_another_key_it_is_another_protocol(cloud: Emulated) -> None:
    cloud.bench.apply(wish())
    new = ResourceAddress("registry_protocol", "shop")
    moved = replace(cloud.bench.prior(CF), address=new)
    cloud.bench.state = replace(cloud.bench.state, resources={new: moved})
    planned = changes(cloud.bench.plan(Desired(new, {"proto": "shop", "domains": [HUB]}, name="shop")))
    assert planned["registry_protocol.shop"].action == "replace"


def test_a_strangers_protocol_is_taken_over_when_asked_to(cloud: Emulated) -> None:
    cloud.api.create_registry_protocol("cf", [MANAGED])
    refused = changes(cloud.bench.plan(wish()))[WHERE]
    assert (refused.action, '"cf" exists already' in refused.reason) == ("refused", True)
    assert failures(cloud.bench.apply(wish(adopt=True))) == []
    assert cloud.world("registry_protocol")[0]["domains"] == [HUB]
    assert changes(cloud.bench.plan(wish())) == {}


def test_one_that_came_between_is_not_overwritten(cloud: Emulated) -> None:
    cloud.faults({"method": "GET", "path": "/protos$", "fault": {"stale": 3600}})
    cloud.api.create_registry_protocol("cf", [MANAGED])
    [told] = failures(cloud.bench.apply(wish()))
    assert told.startswith('the account has a protocol "cf" already; take it over with `adopt: true`')


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_is_repeated(cloud: Emulated, when: str) -> None:
    cloud.faults({"method": "POST", "path": "/protos$", "fault": {"drop": when}})
    assert failures(cloud.bench.apply(wish())) == []
    assert changes(cloud.bench.plan(wish())) == {}


def test_one_still_in_use_is_reported_with_its_users(cloud: Emulated) -> None:
    cloud.drive("PUT", "settings", {"missing_images": "accept"})
    cloud.bench.apply(wish())
    cloud.api.create_application(
        {
            "name": "shop-api",
            "scheduling_policy": "default",
            "instances": 1,
            "configuration": {"image": "cf://api:1", "instance_type": "lite"},
        }
    )
    assert failures(cloud.bench.apply()) == [
        "images are still named by cf:// in shop-api; give these another `image` first, then run again"
    ]


@pytest.mark.parametrize(
    ("domains", "code", "fix"),
    [
        ([{"domain": "ghcr.io", "path": ""}], "IMAGE_REGISTRY_NOT_ALLOWED", "declare that domain under"),
        ([{"domain": "https://x", "path": 1}], "VALIDATE_INPUT", "write `domains` as a list"),
    ],
)
@pytest.mark.parametrize("exists", [False, True])
def test_refusals_say_what_to_do(
    cloud: Emulated, domains: list[dict[str, Any]], code: str, fix: str, exists: bool
) -> None:
    if exists:
        cloud.bench.apply(wish())
    [told] = failures(cloud.bench.apply(wish(*domains)))
    assert (code in told, fix in told) == (True, True)


def test_a_protocol_that_vanished_before_its_update_says_plan_again(cloud: Emulated) -> None:
    cloud.bench.apply(wish())
    cloud.drive("POST", "clock", {"advance": 60})
    cloud.api.delete_registry_protocol("cf")
    cloud.faults({"method": "GET", "path": "/protos$", "fault": {"stale": 30}})
    [told] = failures(cloud.bench.apply(wish(MANAGED)))
    assert told.endswith("it is gone: plan again")


def test_a_look_at_everything_names_the_others(cloud: Emulated) -> None:
    cloud.api.create_registry_protocol("cf", [MANAGED])
    sighting = cloud.bench.handlers["registry_protocol"].observe(Look(1, [], others=True))
    assert [one.identity for one in sighting.others] == ["cf"]
