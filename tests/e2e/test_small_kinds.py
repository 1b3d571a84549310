"""The kinds that are about the account rather than about what runs: made, changed field by field, removed, destroyed."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.harness import Project

HEAD = "version: 1\nproject: shop\n"
_KEY_HEAD = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20"


def key(byte: int, comment: str = "ops") -> str:
    return f"ssh-ed25519 {base64.b64encode(_KEY_HEAD + bytes([byte]) * 32).decode()} {comment}"


SSH = f"ssh_public_keys:\n  ops: {{public_key: {key(1)}}}\n"
REGISTRY = """\
secrets: {hub: {from: {env: HUB_TOKEN}}}
registries:
  hub: {domain: docker.io, public_credential: shop, private_credential: "${secrets.hub}"}
"""
PROTOCOL = """\
registry_protocols:
  shop: {domains: [{domain: docker.io, path: shop}]}
"""
ACCOUNT = "account: {defaults: {vcpus: 0.25}}\n"
USER = """\
applications:
  worker: {image: "shop://worker:1", instances: 1}
"""
HUB_USERS = f"""\
images: {{cache: {{image: "docker.io/shop/cache@sha256:{"a" * 64}"}}}}
applications:
  worker: {{image: "docker.io/shop/worker@sha256:{"b" * 64}", instances: 1}}
  cache: {{image: "${{images.cache}}", instances: 1}}
"""
SSH_USER = """\
images: {api: {archive: image}}
applications:
  api: {image: "${images.api}", instances: 1, ssh_public_key_ids: ["${ssh_public_keys.ops}"]}
"""

Step = tuple[str, str, str, str]  # what stood there, what stands there now, action, effect

STORIES: list[tuple[str, str, list[Step]]] = [
    (
        "ssh_public_key.ops",
        SSH,
        [
            (key(1), key(2), "replace", "hot"),
            (f"{{public_key: {key(2)}}}", "{public_key_file: ops.pub}", "update", "none"),
            ("{public_key_file", "{name: admins, public_key_file", "replace", "hot"),
            ("public_key_file: ops.pub", f"public_key: {key(2, 'new')}", "replace", "hot"),
        ],
    ),
    (
        "registry.hub",
        REGISTRY,
        [
            ("public_credential: shop", "public_credential: other", "replace", "hot"),
            ("domain: docker.io", "domain: 123456789012.dkr.ecr.eu-west-1.amazonaws.com", "replace", "hot"),
            ("domain: 1234", "kind: ECR, domain: 9234", "replace", "hot"),
            ("env: HUB_TOKEN", "env: NEW_TOKEN", "update", "hot"),
        ],
    ),
    (
        "registry_protocol.shop",
        PROTOCOL,
        [
            ("path: shop}", "path: store}", "update", "hot"),
            ("[{", "[{domain: registry.cloudflare.com, path: shop}, {", "update", "hot"),
        ],
    ),
    (
        "account.account",
        ACCOUNT,
        [
            ("vcpus: 0.25", "vcpus: 0.5", "update", "hot"),
            ("vcpus: 0.5", "vcpus: 0.5, memory_mib: 1024", "update", "hot"),
            ("memory_mib: 1024", "memory_mib: 1024, disk_mb: 4000", "update", "hot"),
            ("vcpus: 0.5, memory_mib: 1024, ", "", "update", "hot"),
        ],
    ),
]


@pytest.mark.parametrize(("address", "text", "steps"), STORIES, ids=[one[0] for one in STORIES])
def test_a_life_from_the_first_plan_to_the_last_destroy(
    shop: Project, address: str, text: str, steps: list[Step]
) -> None:
    shop.write(key(2) + "\n", "ops.pub")
    shop.environ |= {"HUB_TOKEN": "dckr_pat_1", "NEW_TOKEN": "dckr_pat_2"}
    account = shop.world("account")
    shop.write(HEAD + text)
    assert shop.actions()[address] == "create"
    shop.apply()
    assert shop.actions() == {}
    for before, after, action, effect in steps:
        assert before in text
        text = text.replace(before, after)
        shop.write(HEAD + text)
        [change] = [one for one in shop.plan()["changes"] if one["address"] == address]
        assert (change["action"], change["effect"]) == (action, effect), after
        applied = shop.apply()
        assert "dckr_pat" not in applied.out + applied.err
        assert shop.actions() == {}, after
    shop.write(HEAD)
    assert shop.actions()[address] == "delete"
    assert shop.run("apply", "--yes", "--allow-destroy", str(len(shop.actions()))).code == 0
    shop.write(HEAD + text)
    shop.apply()
    assert shop.run("destroy", "--yes").code == 0
    assert _left(shop) == {}
    assert account == []


def _left(shop: Project) -> dict[str, Any]:
    kinds = ("ssh_public_key", "registry", "registry_protocol", "store_secret", "secret")
    return {kind: found for kind in kinds if (found := shop.world(kind))}


@pytest.mark.parametrize(
    ("text", "path", "body", "way_out"),
    [
        (PROTOCOL, "registries/protos", {"proto": "shop", "domains": [{"domain": "docker.io"}]}, False),
        (REGISTRY, "registries", {"domain": "docker.io", "kind": "DockerHub", "is_public": True}, False),
        (SSH, "ssh-public-keys", {"name": "shop-ops", "public_key": key(3)}, True),
    ],
    ids=["registry_protocol", "registry", "ssh_public_key"],
)
def test_another_name_is_offered_only_where_there_is_a_name(
    shop: Project, text: str, path: str, body: dict[str, Any], way_out: bool
) -> None:
    shop.environ["HUB_TOKEN"] = "dckr_pat_1"
    shop.by_hand(
        "POST", "containers/registries", {"domain": "docker.io", "kind": "DockerHub", "is_public": True}
    )
    if path != "registries":
        shop.by_hand("POST", f"containers/{path}", body)
    shop.write(HEAD + text)
    [refused] = [one for one in shop.plan()["diagnostics"] if one["code"] == "P115"]
    assert ("choose another `name`" in refused["detail"]) == way_out
    assert ("take it out of the manifest" in refused["detail"]) != way_out


def test_destroying_the_account_restores_what_was_there(shop: Project) -> None:
    shop.by_hand("PATCH", "containers/me", {"defaults": {"vcpus": 0.125}})
    shop.write(HEAD + ACCOUNT)
    shop.apply()
    shop.run("destroy", "--yes")
    assert shop.world("account")[0]["defaults"]["vcpus"] == 0.125


def test_who_uses_a_key_gets_the_new_one_after_it_was_replaced(shop: Project) -> None:
    shop.write(HEAD + SSH + SSH_USER)
    shop.apply()
    shop.write(HEAD + SSH.replace(key(1), key(2)) + SSH_USER)
    assert shop.actions() == {"ssh_public_key.ops": "replace", "application.api": "update"}
    shop.apply()
    [made], [application] = shop.world("ssh_public_key"), shop.world("application")
    assert application["configuration"]["ssh_public_key_ids"] == [made["id"]]
    assert shop.actions() == {}


def test_what_is_in_use_is_refused_with_its_users_and_deleted_after_them(shop: Project) -> None:
    shop.settings(missing_images="accept")
    shop.write(HEAD + PROTOCOL + USER)
    shop.apply()
    application = shop.world("application")[0]["name"]
    shop.run("state", "rm", "--yes", "application.worker")
    shop.write(HEAD)
    ended = shop.run("apply", "--yes", "--allow-destroy", "1")
    assert ended.code == 1
    assert f"registry_protocol.shop: images are still named by shop:// in {application}" in ended.err


@pytest.mark.parametrize("text", [REGISTRY + PROTOCOL + USER, REGISTRY + HUB_USERS])
def test_who_pulls_from_a_registry_waits_for_it_and_goes_before_it(shop: Project, text: str) -> None:
    shop.settings(missing_images="accept")
    shop.environ |= {"HUB_TOKEN": "dckr_pat_1"}
    shop.write(HEAD + text)
    shop.apply()
    assert shop.actions() == {}
    assert shop.run("destroy", "--yes").code == 0
    assert _left(shop) == {}


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("ssh_public_keys:\n  ops: {public_key: ssh-rsa AAAA}\n", "4:9", "only keys that begin with ssh-ed25519"),
        ("registries:\n  hub:\n    domain: ghcr.io\n", "5:5", "Cloudflare does not pull from ghcr.io"),
        ("registry_protocols:\n  shop:\n    domains: [{domain: docker.io}]\n", "5:", "path"),
        ("account:\n  defaults: {vcpu: 1}\n", "4:", "did you mean vcpus?"),
    ],
)  # fmt: skip
def test_mistakes_are_told_where_they_stand(shop: Project, text: str, place: str, said: str) -> None:
    shop.write(HEAD + text)
    ended = shop.run("validate")
    assert ended.code == 1
    assert f"containers.yaml:{place}" in ended.err
    assert said in ended.err
