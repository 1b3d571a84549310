"""Which images may be deployed, and their preparation for Durable Object managed applications (reference 4.2, 2.12)."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from dataclasses import dataclass

from reconciler.emulator import registry_store
from reconciler.emulator.answers import Answer, ServiceError, ok
from reconciler.emulator.bodies import PREPARE_IMAGE
from reconciler.emulator.call import Call
from reconciler.emulator.routing import Routes
from reconciler.emulator.shapes import validate
from reconciler.emulator.world import World

MANAGED_HOSTS = ("registry.cloudflare.com", "staging.registry.cloudflare.com", "registry.fed.cloudflare.com")
PREPARATION = "_preparation"

routes = Routes("/accounts/{account}/containers", "/accounts/{account}/cloudchamber")


@dataclass(frozen=True, slots=True)
class Reference:
    """An image's name taken apart; `tag` or `digest` may be empty."""

    host: str
    path: str
    tag: str
    digest: str

    @property
    def is_managed(self) -> bool:
        """Whether it lives in Cloudflare's registry, that is, here."""
        return is_managed_host(self.host)


def parse(image: str) -> Reference:
    """Takes an image reference apart; without a host, `host` is empty."""
    name, _, digest = image.partition("@")
    head, slash, rest = name.partition("/")
    has_host = bool(slash) and ("." in head or ":" in head or head == "localhost")
    host, path = (head, rest) if has_host else ("", name)
    last = path.rpartition("/")[2]
    tag = last.partition(":")[2]
    return Reference(host, path[: len(path) - len(tag) - 1] if tag else path, tag, digest)


def is_managed_host(host: str) -> bool:
    """Cloudflare's registry by its public name, or by the loopback address that stands in for it."""
    if host in MANAGED_HOSTS:
        return True
    name = host.partition(":")[0]
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def check_image(world: World, account: str, image: str) -> None:
    """Refuses an image that the service could not pull (reference 1.6, `IMAGE_REGISTRY_*`)."""
    protocol, separator, path = image.partition("://")
    if separator:
        _check_protocol(world, account, protocol, path)
        return
    reference = parse(image)
    if reference.is_managed:
        _check_managed(world, account, reference)
    elif not _is_configured(world, account, reference.host):
        raise ServiceError(400, "IMAGE_REGISTRY_NOT_CONFIGURED", {"configuration.image": image})


def _is_configured(world: World, account: str, host: str) -> bool:
    return host == "docker.io" or world.has("registry", account, host)


def _check_managed(world: World, account: str, reference: Reference) -> None:
    if reference.path.partition("/")[0] != account:
        reason = f"{reference.path} does not belong to account {account}"
        raise ServiceError(400, "IMAGE_REGISTRY_RETURNED_ERROR", {"reason": reason})
    if world.settings.missing_images == "accept":
        return
    wanted = reference.digest or reference.tag or "latest"
    if registry_store.resolve(world, reference.path, wanted) is None:
        reason = f"{reference.path} has no {wanted}"
        raise ServiceError(400, "IMAGE_REGISTRY_DOESNT_CONTAIN_IMAGE", {"reason": reason})


def _check_protocol(world: World, account: str, protocol: str, path: str) -> None:
    found = world.get("registry_protocol", account, protocol)
    if found is None:
        raise ServiceError(
            400, "IMAGE_REGISTRY_NOT_CONFIGURED", {"configuration.image": f"{protocol}://{path}"}
        )
    refusals = []
    for place in found["domains"]:
        prefix = f"{place['path'].strip('/')}/" if place.get("path", "").strip("/") else ""
        middle = f"{account}/" if is_managed_host(place["domain"]) and not prefix.startswith(account) else ""
        try:
            check_image(world, account, f"{place['domain']}/{middle}{prefix}{path}")
        except ServiceError as refusal:
            refusals.append(refusal)
        else:
            return
    raise refusals[0] if refusals else ServiceError(400, "IMAGE_REGISTRY_NOT_CONFIGURED")


@routes.add("POST", "/image-preparations")
def prepare(call: Call) -> Answer:
    """Begins or looks at the preparation of a digest-pinned managed image; repeating the request polls it."""
    body = call.fields()
    validate(body, PREPARE_IMAGE)
    image = body["image"]
    reference = parse(image)
    if not reference.is_managed or not re.fullmatch(r"sha256:[0-9a-f]{64}", reference.digest):
        raise ServiceError(400, "VALIDATE_INPUT", {"image": "must be a managed image pinned by digest"})
    check_image(call.world, call.account, image)
    begun = call.world.get(PREPARATION, call.account, image)
    if begun is None:
        begun = {"ready_at": call.now + call.world.settings.prepare_seconds}
        call.world.put(PREPARATION, call.account, image, begun)
    if call.now < begun["ready_at"]:
        return ok({"image": image, "status": "pending"}, 202)
    if call.world.settings.is_unhealthy(image):
        return ok({"image": image, "status": "error", "reason": "the image cannot be prepared"})
    artifact = "sha256:" + hashlib.sha256(image.encode()).hexdigest()
    return ok({"image": image, "status": "ready", "artifact_digest": artifact})
