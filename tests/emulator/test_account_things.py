"""Secrets, ssh keys, registries, protocols, credentials and the account itself."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.emulator.cloud import ACCOUNT, IMAGE, Cloud, wish

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHJlY29uY2lsZXI= me"
AUTH = {"public_credential": "me", "private_credential": {"store_id": "s", "secret_name": "n"}}


def test_a_secret_from_beginning_to_end(cloud: Cloud) -> None:
    created = cloud.post("secrets", {"name": "db", "value": "one-secret"})
    assert (created.status, created.result["version"]) == (201, 1)
    assert cloud.post("secrets", {"name": "db", "value": "x"}).error == "SECRET_NAME_ALREADY_EXISTS"
    cloud.wait(1)
    changed = cloud.patch("secrets/db", {"value": "another-secret"}).result
    assert (changed["version"], changed["created_at"]) == (2, created.result["created_at"])
    assert changed["updated_at"] > changed["created_at"]
    assert cloud.get("secrets").result == [cloud.get("secrets/db").result]
    (shown,) = cloud.get("/emulator/world").json["secret"]
    assert shown["value_sha256"] == hashlib.sha256(b"another-secret").hexdigest()
    for page in ("ledger", "world"):
        assert b"-secret" not in cloud.get(f"/emulator/{page}").body
    assert "message" in cloud.delete("secrets/db").result
    for reply in (
        cloud.get("secrets/db"),
        cloud.patch("secrets/db", {"value": "x"}),
        cloud.delete("secrets/db"),
    ):
        assert (reply.status, reply.error) == (404, "SECRET_NAME_NOT_FOUND")


def test_a_secret_is_used_by_name(cloud: Cloud) -> None:
    cloud.post("secrets", {"name": "db", "value": "v"})
    use = {"secrets": [{"name": "DB", "type": "env", "secret": "db"}]}
    assert cloud.post("applications", wish(configuration=use)).status == 201


def test_ssh_keys_may_share_a_name_and_go_by_it(cloud: Cloud) -> None:
    body = {"name": "ops", "public_key": KEY, "_": ["ssh"], "$0": "wrangler"}
    ids = {cloud.post("ssh-public-keys", body).result["id"] for _ in range(2)}
    assert {key["id"] for key in cloud.get("ssh-public-keys").result} == ids
    use = {"ssh_public_key_ids": sorted(ids)}
    assert cloud.post("applications", wish(configuration=use)).status == 201
    assert cloud.delete("ssh-public-keys/ops").result == {}
    assert cloud.delete("ssh-public-keys/ops").error == "SSH_PUBLIC_KEY_NOT_FOUND"


@pytest.mark.parametrize("key", ["ssh-rsa AAAA", "ssh-ed25519", "ssh-ed25519 ###", f"{KEY} more"])
def test_only_plain_ed25519_keys(cloud: Cloud, key: str) -> None:
    assert list(cloud.post("ssh-public-keys", {"name": "a", "public_key": key}).details) == ["public_key"]


def test_a_registry_from_beginning_to_end(cloud: Cloud) -> None:
    body = {"domain": "docker.io", "is_public": False, "kind": "DockerHub", "auth": AUTH}
    created = cloud.post("registries", body).result
    assert (created["public_key"], created["kind"]) == ("me", "DockerHub")
    assert cloud.post("registries", body).error == "IMAGE_REGISTRY_ALREADY_EXISTS"
    kinds = [item["kind"] for item in cloud.get("registries").result]
    assert kinds == ["default", "DockerHub"]
    answer = cloud.post("registries/docker.io/credentials", {}).result
    assert (answer["registry_host"], answer["username"]) == ("docker.io", "me")
    application = cloud.application(image="docker.io/me/private:1")
    assert cloud.delete("registries/docker.io").status == 409
    cloud.delete(f"applications/{application['id']}")
    cloud.wait(1)
    gone = cloud.delete("registries/docker.io").result
    assert gone == {"domain": "docker.io", "secrets_store_ref": "s:n"}
    assert cloud.delete("registries/docker.io").error == "IMAGE_REGISTRY_NOT_FOUND"


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"domain": "ghcr.io"}, 403, "IMAGE_REGISTRY_NOT_ALLOWED"),
        ({"domain": "https://docker.io/x"}, 400, "VALIDATE_INPUT"),
        ({"kind": "ECR"}, 400, "VALIDATE_INPUT"),
        ({"auth": {**AUTH, "private_credential": "plain"}}, 400, "VALIDATE_INPUT"),
        ({"domain": "registry.cloudflare.com"}, 409, "IMAGE_REGISTRY_ALREADY_EXISTS"),
    ],
)
def test_bad_registries_are_refused(cloud: Cloud, change: dict[str, Any], status: int, error: str) -> None:
    reply = cloud.post("registries", {"domain": "docker.io", "kind": "DockerHub", "auth": AUTH} | change)
    assert (reply.status, reply.error) == (status, error)
    assert b"plain" not in cloud.get("/emulator/ledger").body


def test_a_configured_registry_is_pulled_from(cloud: Cloud) -> None:
    domain = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    assert cloud.post("applications", wish(image=f"{domain}/a:1")).error == "IMAGE_REGISTRY_NOT_CONFIGURED"
    assert cloud.post("registries", {"domain": domain, "kind": "ECR", "auth": AUTH}).status == 201
    assert cloud.post("applications", wish(image=f"{domain}/a:1")).status == 201


def test_a_public_registry_has_no_credentials(cloud: Cloud) -> None:
    cloud.post("registries", {"domain": "docker.io", "is_public": True})
    assert cloud.post("registries/docker.io/credentials", {}).error == "IMAGE_REGISTRY_IS_PUBLIC"


def test_credentials_open_the_managed_registry_for_a_while(cloud: Cloud) -> None:
    path = "registries/registry.cloudflare.com/credentials"
    reply = cloud.post(path, {"permissions": ["push", "pull"], "expiration_minutes": 15})
    minted = reply.result
    assert (reply.status, minted["username"], minted["account_id"]) == (201, "v1", ACCOUNT)
    assert minted["password"].encode() not in cloud.get("/emulator/world").body
    assert [item["kind"] for item in cloud.ledger()[-1]["created"]] == ["credential"]
    for body in (
        {},
        {"permissions": ["fly"], "expiration_minutes": 1},
        {"permissions": [], "expiration_minutes": 0},
    ):
        assert cloud.post(path, body).error == "VALIDATE_INPUT"
    assert cloud.post("registries/ghcr.io/credentials", {}).error == "IMAGE_REGISTRY_NOT_FOUND"
    cloud.wait(15 * 60)
    assert "credential" not in cloud.get("/emulator/world").json


def test_a_protocol_from_beginning_to_end(cloud: Cloud) -> None:
    body = {"proto": "cf", "domains": [{"domain": "registry.cloudflare.com"}]}
    assert cloud.post("registries/protos", body).status == 201
    assert cloud.post("registries/protos", body).error == "IMAGE_REGISTRY_PROTOCOL_ALREADY_EXISTS"
    two = {"proto": "cf", "domains": [{"domain": "docker.io", "path": "team"}, *body["domains"]]}
    assert cloud.put("registries/protos", two).result == two
    assert cloud.get("registries/protos").result == [two]
    assert cloud.put("registries/protos", {**two, "proto": "no"}).error == "IMAGE_REGISTRY_PROTOCOL_NOT_FOUND"
    foreign = {"proto": "x", "domains": [{"domain": "ghcr.io"}]}
    assert cloud.post("registries/protos", foreign).error == "IMAGE_REGISTRY_NOT_ALLOWED"
    application = cloud.application(image="cf://hello:1")
    assert cloud.delete("registries/protos/cf").error == "IMAGE_REGISTRY_PROTO_IS_REFERENCED"
    cloud.delete(f"applications/{application['id']}")
    cloud.wait(1)
    assert cloud.delete("registries/protos/cf").result == {}
    assert cloud.delete("registries/protos/cf").error == "IMAGE_REGISTRY_PROTOCOL_NOT_FOUND"


def test_the_account_and_its_defaults(cloud: Cloud) -> None:
    account = cloud.get("me").result
    assert account["external_account_id"] == ACCOUNT
    assert account["limits"]["memory_mib_per_deployment"] == 12288
    assert account["defaults"] == {"vcpus": 0.0625, "memory_mib": 256, "disk_mb": 2000, "memory": "256MB"}
    changed = cloud.patch("me", {"defaults": {"memory_mib": 1024, "vcpus": 0.25, "disk_mb": 4000}}).result
    assert changed["defaults"]["memory"] == "1024MB"
    assert cloud.ledger()[-1]["changed"] == [{"kind": "account", "id": ACCOUNT, "name": ACCOUNT}]
    created = cloud.post("deployments/v2", {"image": f"{IMAGE}:1", "location": "sfo06"}).result
    assert (created["memory_mib"], created["vcpu"], created["disk"]["size_mb"]) == (1024, 0.25, 4000)
    wrong: list[dict[str, Any]] = [{"limits": {}}, {"defaults": {"vcpu": 1}}, {"defaults": {"vcpus": 0}}]
    for body in wrong:
        assert cloud.patch("me", body).error == "VALIDATE_INPUT"


def test_an_image_is_prepared_in_its_time(cloud: Cloud) -> None:
    image = f"{IMAGE}@sha256:{'1' * 64}"
    first = cloud.post("image-preparations", {"image": image})
    assert (first.status, first.result["status"]) == (202, "pending")
    cloud.wait(1)
    ready = cloud.post("image-preparations", {"image": image})
    assert (ready.status, ready.result["status"]) == (200, "ready")
    assert ready.result["artifact_digest"].startswith("sha256:")
    cloud.settings(unhealthy=[{"image": f"sha256:{'1' * 64}"}])
    assert cloud.post("image-preparations", {"image": image}).result["status"] == "error"
    for bad in (f"{IMAGE}:1", f"docker.io/a/b@sha256:{'1' * 64}"):
        assert cloud.post("image-preparations", {"image": bad}).error == "VALIDATE_INPUT"
