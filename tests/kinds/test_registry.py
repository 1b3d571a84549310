from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.emulator.server import LocalServer
from reconciler.kinds.registry import RegistryHandler
from reconciler.kinds.registry.credential import as_stored
from reconciler.model.address import ResourceAddress
from reconciler.model.handler import Look
from reconciler.model.resource import Desired
from reconciler.model.value import Secret, Unknown
from tests.kinds.emulated import Emulated, bind, emulated
from tests.kinds.kind_bench import changes, failures

HUB = ResourceAddress("registry", "hub")
WHERE = "registry.hub"
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
GAR = "europe-west1-docker.pkg.dev"
NAME = "registry-docker-io"
KEY = {"private_key": "-----BEGIN", "client_email": "me@google", "private_key_id": "1"}


def secret(value: str = "dckr_pat_1") -> Secret:
    return Secret(f"k1:{zlib.crc32(value.encode()):032x}", lambda: value)


def wish(
    public: str | None = "shop", value: str = "dckr_pat_1", domain: str = "docker.io", **options: Any
) -> Desired:
    attributes: dict[str, Any] = {"domain": domain, "kind": "DockerHub" if domain == "docker.io" else "ECR"}
    if public is not None:
        attributes |= {"public_credential": public, "private_credential": secret(value)}
    return Desired(HUB, attributes, name=domain if public else "", **options)


@pytest.fixture
def cloud(shared_emulator: LocalServer) -> Iterator[Emulated]:
    with emulated(shared_emulator, RegistryHandler) as made:
        yield made


def application(cloud: Emulated, image: str) -> None:
    configuration = {"image": image, "instance_type": "lite"}
    cloud.api.create_application(
        {"name": "shop-api", "scheduling_policy": "default", "instances": 1, "configuration": configuration}
    )


# reading


@pytest.mark.parametrize(("domain", "kind"), [("docker.io", "DockerHub"), (ECR, "ECR"), (GAR, "GAR")])
@pytest.mark.parametrize("said", [True, False])
def test_the_kind_is_told_from_the_domain(domain: str, kind: str, said: bool) -> None:
    block = {"domain": domain, "public_credential": "x", "private_credential": secret()}
    bound, errors = bind(RegistryHandler(), {**block, **({"kind": kind} if said else {})})
    assert (bound.attributes["kind"], bound.name, errors) == (kind, domain, [])


@pytest.mark.parametrize(
    ("block", "code", "said"),
    [
        ({}, "R101", "say `domain`"),
        ({"domain": "ghcr.io"}, "R102", "copy others with `push: true`"),
        ({"domain": "https://docker.io"}, "R102", "scheme and path"),
        ({"domain": "registry.cloudflare.com"}, "R102", "needs no entry"),
        ({"domain": "docker.io", "kind": "ECR"}, "R103", "is of the kind DockerHub, not ECR"),
        ({"domain": ECR}, "R104", "say `public_credential`"),
        ({"domain": "docker.io", "public_credential": "x"}, "R104", "`private_credential` is missing"),
        ({"domain": "docker.io", "private_credential": secret()}, "R104", "`public_credential` is missing"),
    ],
)
def test_what_is_wrong_with_a_block_is_told(block: dict[str, Any], code: str, said: str) -> None:
    [(_, found, told)] = bind(RegistryHandler(), block)[1]
    assert (found, said in told) == (code, True)


def test_a_registry_has_no_other_name_than_its_domain() -> None:
    assert [one[1] for one in bind(RegistryHandler(), {"domain": "docker.io"}, name="hub")[1]] == ["R105"]


def test_a_domain_that_is_not_known_yet_is_not_judged() -> None:
    assert bind(RegistryHandler(), {"domain": Unknown(None, "${env.HOST}")})[1] == []


# a public one


def test_a_public_docker_hub_makes_nothing(cloud: Emulated) -> None:
    change = changes(cloud.bench.plan(wish(None)))[WHERE]
    assert (change.action, change.effect) == ("create", "none")
    assert failures(cloud.bench.apply(wish(None))) == []
    assert changes(cloud.bench.plan(wish(None))) == {}
    assert failures(cloud.bench.apply()) == []
    assert cloud.requests(reads=True) == []


def test_credentials_make_it_one_of_the_account_and_back(cloud: Emulated) -> None:
    cloud.bench.apply(wish(None))
    assert changes(cloud.bench.plan(wish()))[WHERE].action == "replace"
    assert failures(cloud.bench.apply(wish())) == []
    assert [one["domain"] for one in cloud.world("registry")] == ["docker.io"]
    assert changes(cloud.bench.plan(wish())) == {}
    assert failures(cloud.bench.apply(wish(None))) == []
    assert (cloud.world("registry"), cloud.world("store_secret")) == ([], [])
    assert changes(cloud.bench.plan(wish(None))) == {}


# one of the account


def test_the_secret_goes_into_the_store_before_the_entry_points_to_it(cloud: Emulated) -> None:
    assert failures(cloud.bench.apply(wish())) == []
    [store] = cloud.world("secrets_store")
    stores = "secrets_store/stores"
    assert cloud.requests() == [f"POST {stores}", f"POST {stores}/{store['id']}/secrets", "POST registries"]
    [stored] = cloud.world("store_secret")
    assert (stored["name"], stored["scopes"]) == (NAME, ["containers"])
    [registry] = cloud.world("registry")
    assert registry["private_credential"] == {"store_id": store["id"], "secret_name": NAME}
    assert cloud.bench.prior(HUB).outputs == {"domain": "docker.io"}
    assert changes(cloud.bench.plan(wish())) == {}
    assert "dckr_pat_1" not in repr((cloud.bench.state, cloud.bench.events))


def test_a_new_value_goes_into_the_store_in_place(cloud: Emulated) -> None:
    cloud.bench.apply(wish())
    [before] = cloud.world("store_secret")
    other = wish(value="dckr_pat_2")
    change = changes(cloud.bench.plan(other))[WHERE]
    assert (change.action, change.effect) == ("update", "hot")
    assert [hazard.code for hazard in change.hazards] == ["ROTATES_SECRET"]
    cloud.requests()
    assert failures(cloud.bench.apply(other)) == []
    [after] = cloud.world("store_secret")
    assert after["sha256"] != before["sha256"]
    assert cloud.requests() == [f"PATCH secrets_store/stores/{after['store_id']}/secrets/{after['id']}"]
    assert changes(cloud.bench.plan(other)) == {}


@pytest.mark.parametrize("other", [wish("somebody"), wish(domain=ECR)])
def test_everything_else_replaces_and_deletes_first(cloud: Emulated, other: Desired) -> None:
    cloud.bench.apply(wish())
    change = changes(cloud.bench.plan(other))[WHERE]
    assert change.action == "replace"
    cloud.requests()
    assert failures(cloud.bench.apply(other)) == []
    assert [one.partition(" ")[0] for one in cloud.requests()] == ["DELETE", "DELETE", "POST", "POST"]
    assert changes(cloud.bench.plan(other)) == {}
    assert len(cloud.world("store_secret")) == 1


def test_what_is_left_dangling_is_deleted_too(cloud: Emulated) -> None:
    cloud.bench.apply(wish())
    assert failures(cloud.bench.apply()) == []
    assert (cloud.world("registry"), cloud.world("store_secret")) == ([], [])
    assert len(cloud.world("secrets_store")) == 1


def test_a_secret_that_serves_others_too_stays(cloud: Emulated) -> None:
    cloud.bench.apply(wish())
    [stored] = cloud.world("store_secret")
    scopes = {"scopes": ["containers", "workers"]}
    cloud.api.update_store_secret(stored["store_id"], stored["id"], scopes)
    assert failures(cloud.bench.apply()) == []
    assert len(cloud.world("store_secret")) == 1


def test_a_deletion_that_was_cut_off_goes_on_with_the_secret(cloud: Emulated) -> None:
    cloud.bench.apply(wish())
    cloud.api.delete_registry("docker.io")
    assert changes(cloud.bench.plan())[WHERE].action == "delete"
    assert failures(cloud.bench.apply()) == []
    assert cloud.world("store_secret") == []


def test_what_somebody_else_deleted_is_made_again(cloud: Emulated) -> None:
    cloud.bench.apply(wish())
    cloud.api.delete_registry("docker.io")
    assert failures(cloud.bench.apply(wish())) == []
    assert changes(cloud.bench.plan(wish())) == {}
    [stored] = cloud.world("store_secret")
    cloud.api.delete_store_secret(stored["store_id"], stored["id"])
    assert failures(cloud.bench.apply(wish(value="dckr_pat_2"))) == []
    assert len(cloud.world("store_secret")) == 1


def test_one_that_applications_use_is_reported_with_its_users(cloud: Emulated) -> None:
    cloud.bench.apply(wish())
    application(cloud, "docker.io/shop/api:1")
    assert failures(cloud.bench.apply()) == [
        "docker.io still serves images to shop-api; give these another `image` first, then run again"
    ]
    assert len(cloud.world("store_secret")) == 1


# clashes, lost answers, refusals


def test_a_strangers_registry_is_taken_over_when_asked_to(cloud: Emulated) -> None:
    cloud.bench.apply(wish())
    cloud.bench.state = type(cloud.bench.state)("lineage", project="shop")
    refused = changes(cloud.bench.plan(wish()))[WHERE]
    assert (refused.action, '"docker.io" exists already' in refused.reason) == ("refused", True)
    assert failures(cloud.bench.apply(wish(value="dckr_pat_2", adopt=True))) == []
    assert changes(cloud.bench.plan(wish(value="dckr_pat_2"))) == {}
    assert failures(cloud.bench.apply()) == []
    assert cloud.world("store_secret") == []


def test_one_that_came_between_leaves_no_secret_behind(cloud: Emulated) -> None:
    auth = {"public_credential": "x", "private_credential": {"store_id": "s", "secret_name": "theirs"}}
    cloud.api.create_registry({"domain": "docker.io", "auth": auth})
    cloud.faults({"method": "GET", "path": "/registries$", "fault": {"stale": 3600}})
    assert failures(cloud.bench.apply(wish())) == [
        "the account has the registry docker.io already; take it over with `adopt: true`, or leave it out"
    ]
    assert cloud.world("store_secret") == []


def test_a_store_that_came_between_is_used(cloud: Emulated) -> None:
    store = cloud.api.create_secrets_store("theirs")["id"]
    cloud.faults({"method": "GET", "path": "/stores$", "fault": {"stale": 3600}})
    assert failures(cloud.bench.apply(wish())) == []
    assert [one["store_id"] for one in cloud.world("store_secret")] == [store]


def test_a_secret_of_that_name_is_not_overwritten(cloud: Emulated) -> None:
    store = cloud.api.create_secrets_store("mine")["id"]
    cloud.api.create_store_secret(store, NAME, "theirs")
    [told] = failures(cloud.bench.apply(wish()))
    assert told.startswith(f'the Secrets Store has a secret "{NAME}" already, which is not ours; delete it')


@pytest.mark.parametrize("path", ["/stores$", "/secrets$", "/registries$"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_leaves_one_of_each(cloud: Emulated, path: str, when: str) -> None:
    cloud.faults({"method": "POST", "path": path, "fault": {"drop": when}})
    assert failures(cloud.bench.apply(wish())) == []
    assert (len(cloud.world("registry")), len(cloud.world("store_secret"))) == (1, 1)
    assert changes(cloud.bench.plan(wish())) == {}


def test_a_refused_entry_takes_its_secret_back_and_says_why(cloud: Emulated) -> None:
    [told] = failures(cloud.bench.apply(wish(domain="ghcr.io")))
    assert "IMAGE_REGISTRY_NOT_ALLOWED" in told
    assert "supported" in told
    assert cloud.world("store_secret") == []
    broken = Desired(
        HUB, {**wish().attributes, "kind": "GAR", "private_credential": _key(KEY | {"client_email": "shop"})}
    )
    [told] = failures(cloud.bench.apply(broken))
    assert "VALIDATE_INPUT" in told
    assert told.endswith("check `domain`, `kind` and the two credentials")


def test_a_value_that_is_not_at_hand_is_told(cloud: Emulated) -> None:
    desired = wish()
    hidden = {**desired.attributes, "private_credential": Secret("k1:x")}
    [told] = failures(cloud.bench.apply(Desired(HUB, hidden, name="docker.io")))
    assert "is not at hand; make the source of that secret available" in told


def test_a_look_at_everything_leaves_cloudflares_own_out(cloud: Emulated) -> None:
    cloud.bench.apply(wish())
    sighting = cloud.bench.handlers["registry"].observe(Look(1, [], others=True))
    assert [one.identity for one in sighting.others] == ["docker.io"]


# Google's keys


def _key(key: Any, *, encoded: bool = False) -> Secret:
    text = key if isinstance(key, str) else json.dumps(key)
    return secret(base64.b64encode(text.encode()).decode() if encoded else text)


def _google(key: Secret) -> dict[str, Any]:
    return {"domain": GAR, "kind": "GAR", "public_credential": "me@google", "private_credential": key}


@pytest.mark.parametrize("encoded", [False, True])
def test_googles_key_is_stored_as_base64(encoded: bool) -> None:
    assert json.loads(base64.b64decode(as_stored(_google(_key(KEY, encoded=encoded))))) == KEY


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("-----BEGIN PRIVATE KEY-----", "neither JSON nor base64"),
        ("{", "neither JSON nor base64"),
        (base64.b64encode(b"[]").decode(), "no JSON object"),
        (KEY | {"private_key": ""}, "has no private_key"),
        ({"private_key": "s3cret"}, "has no client_email"),
        (KEY | {"private_key_id": ""}, "private_key_id is empty"),
        (KEY | {"client_email": "you@google"}, "its client_email is not the `public_credential`"),
    ],
)
def test_what_is_no_key_is_told_before_anything_is_touched(cloud: Emulated, key: Any, said: str) -> None:
    blueprint = cloud.bench.plan(Desired(HUB, _google(_key(key)), name=GAR))
    [told] = blueprint.plan.diagnostics
    assert (told.code, said in told.summary, "s3cret" in str(told)) == ("R106", True, False)
