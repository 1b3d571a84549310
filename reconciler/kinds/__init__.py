"""The register: one line per kind, and what their handlers are built from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.clients.scrubber import Scrubber
from reconciler.frozen import frozen
from reconciler.model.handler import Handler
from reconciler.model.stop import StopSignal

if TYPE_CHECKING:
    from reconciler.clients.transport import Transport

SECTIONS = {
    "images": "image",
    "secrets": "secret",
    "ssh_public_keys": "ssh_public_key",
    "registries": "registry",
    "registry_protocols": "registry_protocol",
    "workers": "worker",
    "applications": "application",
    "deployments": "deployment",
    "jobs": "job",
    "account": "account",
}
"""Section to kind, so that an address may be written with either (interface 1.1)."""


@frozen
class Clients:
    """What handlers speak through. Without a transport they can bind manifests, and nothing more."""

    transport: Transport | None = None
    account_id: str = ""
    registry_host: str = "registry.cloudflare.com"
    registry_url: str = ""
    base_dir: Path = field(default_factory=Path)
    environ: Mapping[str, str] = field(default_factory=dict)
    keys: Path | None = None  # where fingerprint keys lie that nobody configured
    fingerprint_key: Mapping[str, Any] = field(default_factory=dict)  # `state.fingerprint_key`
    ask: Callable[[str], str] | None = None
    stop: StopSignal = field(default_factory=StopSignal)
    scrub: Scrubber = field(default_factory=Scrubber)
    may_push: bool = True  # a plan needs read permission only
    builder: str = ""  # of buildx; "": the one that is chosen there
    known_descent: Callable[[str], Mapping[str, Any]] | None = None  # what others know of a digest
    own_folders: tuple[Path, ...] = ()  # where we keep our memory: no build reads it
    closing: ExitStack = field(default_factory=ExitStack)  # what has to be given back at the end


def build_handlers(clients: Clients) -> dict[str, Handler]:
    """A handler for every kind, in the order in which a manifest is usually written."""
    from reconciler.clients.builder import DockerBuilder, DockerImages
    from reconciler.clients.cloudflare import Cloudflare
    from reconciler.clients.fingerprint import FingerprintKeys
    from reconciler.clients.image_lookup import ImageLookup
    from reconciler.clients.registries import Registries
    from reconciler.clients.sbom_memory import SbomMemory
    from reconciler.clients.secret_source import Surroundings, fetch
    from reconciler.clients.temporary_image import TemporaryImages
    from reconciler.kinds.account import AccountHandler
    from reconciler.kinds.application import ApplicationHandler
    from reconciler.kinds.deployment import DeploymentHandler
    from reconciler.kinds.image import ImageHandler
    from reconciler.kinds.job import JobHandler
    from reconciler.kinds.registry import RegistryHandler
    from reconciler.kinds.registry_protocol import RegistryProtocolHandler
    from reconciler.kinds.secret import SecretHandler
    from reconciler.kinds.ssh_public_key import SshPublicKeyHandler
    from reconciler.kinds.worker import WorkerHandler

    api: Any = Cloudflare(clients.transport, clients.account_id) if clients.transport else None
    around = Surroundings(clients.environ, clients.base_dir, clients.ask, clients.stop)
    configured = clients.fingerprint_key
    keys = FingerprintKeys(
        clients.environ,
        clients.keys or Path(),
        configured=(lambda: fetch(configured, around)) if configured else None,
    )
    registries = Registries(
        api,
        clients.registry_host,
        clients.registry_url,
        clients.environ,
        permissions=("pull", "push") if clients.may_push else ("pull",),
        scrub=clients.scrub.add,
        sleep=clients.stop.wait,
    )
    clients.closing.callback(registries.close)
    temporary = clients.closing.enter_context(TemporaryImages())
    resolve_image = ImageLookup(registries).resolve_image
    applications = ApplicationHandler(api, resolve_image=resolve_image)
    handlers = (
        ImageHandler(
            registry=registries,
            base_dir=clients.base_dir,
            builder=DockerBuilder(temporary, clients.environ, clients.builder, clients.own_folders),
            open_daemon=DockerImages(temporary, clients.environ, clients.stop).open,
            sboms=SbomMemory.of(clients.environ),
            known_descent=clients.known_descent,
            registry_host=clients.registry_host,
            account_id=clients.account_id,
        ),
        SecretHandler(api, fetch=lambda source: fetch(source, around), scrub=clients.scrub.add, keys=keys),
        SshPublicKeyHandler(api, base_dir=clients.base_dir),
        RegistryHandler(api),
        RegistryProtocolHandler(api),
        WorkerHandler(
            api,
            applications=applications.listing,
            base_dir=clients.base_dir,
            resolve_image=resolve_image,
        ),
        applications,
        DeploymentHandler(api, resolve_image=resolve_image),
        JobHandler(api, resolve_image=resolve_image),
        AccountHandler(api),
    )
    return {handler.kind.name: handler for handler in handlers}
