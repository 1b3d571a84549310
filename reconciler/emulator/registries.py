"""Image registries of an account, their credentials, and protocols over several of them (reference 2.7, 2.8)."""

from __future__ import annotations

import base64
import hashlib
import re

from reconciler.emulator import bodies
from reconciler.emulator.answers import Answer, ServiceError, ok
from reconciler.emulator.call import Call
from reconciler.emulator.clock import iso
from reconciler.emulator.images import MANAGED_HOSTS, is_managed_host, parse
from reconciler.emulator.registry_access import USER, mint
from reconciler.emulator.routing import Routes
from reconciler.emulator.shapes import validate
from reconciler.emulator.world import Object

REGISTRY = "registry"
PROTOCOL = "registry_protocol"
HOSTS = {
    "ECR": re.compile(r"[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com"),
    "DockerHub": re.compile(r"docker\.io"),
    "GAR": re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?-docker\.pkg\.dev"),
}

routes = Routes("/accounts/{account}/containers", "/accounts/{account}/cloudchamber")


@routes.add("POST", "/registries")
def create(call: Call) -> Answer:
    """Adds a registry of a kind that the service can pull from."""
    body = call.fields()
    validate(body, bodies.CREATE_REGISTRY)
    domain = body["domain"]
    if is_managed_host(domain) or call.world.has(REGISTRY, call.account, domain):
        raise ServiceError(409, "IMAGE_REGISTRY_ALREADY_EXISTS")
    kind = next((kind for kind, host in HOSTS.items() if host.fullmatch(domain)), None)
    if kind is None:
        raise ServiceError(
            403, "IMAGE_REGISTRY_NOT_ALLOWED", {"domain": f"{domain} is not a supported registry"}
        )
    _check_kind(body, kind)
    registry: Object = {"domain": domain, "kind": kind, "created_at": iso(call.now)}
    if "auth" in body:
        registry["public_key"] = body["auth"]["public_credential"]
        registry["private_credential"] = body["auth"]["private_credential"]
    call.world.put(REGISTRY, call.account, domain, registry)
    return ok(registry, 201)


def _check_kind(body: Object, kind: str) -> None:
    details = {}
    if body.get("kind", kind) != kind:
        details["kind"] = f"{body['domain']} is of the kind {kind}"
    if ("auth" in body) == body.get("is_public", False):
        details["auth"] = "required, unless is_public is true"
    if details:
        raise ServiceError(400, "VALIDATE_INPUT", details)


@routes.add("GET", "/registries")
def list_registries(call: Call) -> Answer:
    """Lists the managed registry and those that were added."""
    key = base64.b64encode(hashlib.sha256(call.account.encode()).digest()).decode()
    managed = {"domain": MANAGED_HOSTS[0], "kind": "default", "public_key": key, "created_at": iso(0)}
    return ok([managed, *call.world.all(REGISTRY, call.account)])


@routes.add("DELETE", "/registries/{domain}")
def delete(call: Call, domain: str) -> Answer:
    """Removes a registry that no application refers to; the secret in the Secrets Store stays (reference 2.7.1)."""
    registry = call.world.get(REGISTRY, call.account, domain)
    if registry is None:
        raise ServiceError(404, "IMAGE_REGISTRY_NOT_FOUND")
    users = [name for name, image in _images(call) if parse(image).host == domain]
    if users:
        raise ServiceError(409, "Image registry is still referenced by applications", {"applications": users})
    call.world.remove(REGISTRY, call.account, domain)
    secret = registry.get("private_credential")
    reference = {"secrets_store_ref": f"{secret['store_id']}:{secret['secret_name']}"} if secret else {}
    return ok({"domain": domain, **reference})


def _images(call: Call) -> list[tuple[str, str]]:
    applications = call.world.all("application", call.account)
    return [(item["name"], item.get("configuration", {}).get("image") or "") for item in applications]


@routes.add("POST", "/registries/{domain}/credentials")
def credentials(call: Call, domain: str) -> Answer:
    """Mints a password for the managed registry; for others tells the one that was configured (reference 2.7.4)."""
    body = call.fields() if call.body else {}
    answer = {"account_id": call.account, "registry_host": domain}
    if is_managed_host(domain):
        validate(body, bodies.CREDENTIALS)
        password = mint(call.world, call.account, body["permissions"], body["expiration_minutes"])
        return ok({**answer, "username": USER, "password": password}, 201)
    registry = call.world.get(REGISTRY, call.account, domain)
    if registry is None:
        raise ServiceError(404, "IMAGE_REGISTRY_NOT_FOUND")
    if "private_credential" not in registry:
        raise ServiceError(409, "IMAGE_REGISTRY_IS_PUBLIC")
    return ok({**answer, "username": registry["public_key"], "password": "emulated"}, 201)


@routes.add("POST", "/registries/protos")
def create_protocol(call: Call) -> Answer:
    """Adds a protocol."""
    body = _protocol(call)
    if call.world.has(PROTOCOL, call.account, body["proto"]):
        raise ServiceError(409, "IMAGE_REGISTRY_PROTOCOL_ALREADY_EXISTS")
    call.world.put(PROTOCOL, call.account, body["proto"], body)
    return ok(body, 201)


@routes.add("GET", "/registries/protos")
def list_protocols(call: Call) -> Answer:
    """Lists all protocols."""
    return ok(call.world.all(PROTOCOL, call.account))


@routes.add("PUT", "/registries/protos")
def modify_protocol(call: Call) -> Answer:
    """Replaces the domains of the protocol that the body names."""
    body = _protocol(call)
    if not call.world.has(PROTOCOL, call.account, body["proto"]):
        raise ServiceError(404, "IMAGE_REGISTRY_PROTOCOL_NOT_FOUND")
    call.world.put(PROTOCOL, call.account, body["proto"], body)
    return ok(body)


@routes.add("DELETE", "/registries/protos/{proto}")
def delete_protocol(call: Call, proto: str) -> Answer:
    """Removes a protocol that no image is named by."""
    if not call.world.has(PROTOCOL, call.account, proto):
        raise ServiceError(404, "IMAGE_REGISTRY_PROTOCOL_NOT_FOUND")
    users = [name for name, image in _images(call) if image.startswith(f"{proto}://")]
    if users:
        raise ServiceError(400, "IMAGE_REGISTRY_PROTO_IS_REFERENCED", {"applications": users})
    call.world.remove(PROTOCOL, call.account, proto)
    return ok({})


def _protocol(call: Call) -> Object:
    body = call.fields()
    validate(body, bodies.PROTOCOL)
    for place in body["domains"]:
        domain = place["domain"]
        known = (
            is_managed_host(domain) or domain == "docker.io" or call.world.has(REGISTRY, call.account, domain)
        )
        if not known:
            raise ServiceError(403, "IMAGE_REGISTRY_NOT_ALLOWED", {"domain": domain})
    return body
