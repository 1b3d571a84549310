"""Every registry that a command speaks to, by host: Cloudflare's with minted credentials, others with Docker's own.

Minted credentials are asked for when a registry rejects what it was shown, and are kept nowhere (reference 2.7.4).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from reconciler.clients.registry import Registry
    from reconciler.clients.registry_auth import Credentials

_MINUTES = 15


class CredentialsApi(Protocol):
    """The part of Cloudflare's API that mints credentials."""

    def create_registry_credentials(
        self, domain: str, permissions: tuple[str, ...], expiration_minutes: int
    ) -> Mapping[str, Any]:
        """A user name and a password."""


class Registries:
    """Opens each registry once. `managed_host` is spoken to at `managed_url`; `scrub` is told every password."""

    def __init__(
        self,
        api: CredentialsApi | None,
        managed_host: str,
        managed_url: str,
        environ: Mapping[str, str],
        *,
        permissions: tuple[str, ...] = ("pull", "push"),
        scrub: Callable[[str], object] = lambda _value: None,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self._api = api
        self._managed_host = managed_host
        self._managed_url = managed_url
        self._environ = environ
        self._permissions = permissions
        self._scrub = scrub
        self._sleep = sleep
        self._lock = threading.Lock()
        self._open: dict[str, Registry] = {}

    def __call__(self, host: str) -> Registry:
        """The registry of a host; the same object for the same host."""
        with self._lock:
            if host not in self._open:
                self._open[host] = self._opened(host)
            return self._open[host]

    def _opened(self, host: str) -> Registry:
        from reconciler.clients.registry import Registry
        from reconciler.clients.upload_memory import UploadMemory
        from reconciler.clients.user_cache import cache_folder

        waiting: dict[str, Any] = {"sleep": self._sleep} if self._sleep else {}
        if host == self._managed_host:
            uploads = UploadMemory(cache_folder(self._environ, "uploads"))
            return Registry(
                host, credentials=self._mint, endpoint=self._managed_url, uploads=uploads, **waiting
            )
        return Registry(host, credentials=lambda: self._known_to_docker(host), **waiting)

    def _known_to_docker(self, host: str) -> Credentials | None:
        from reconciler.clients.docker_config import docker_credentials

        return docker_credentials(host, self._environ)

    def _mint(self) -> Credentials | None:
        from reconciler.clients.registry_auth import Credentials

        if self._api is None:
            return None
        minted = self._api.create_registry_credentials(self._managed_host, self._permissions, _MINUTES)
        password = minted.get("password")
        if not password:
            return None
        self._scrub(str(password))
        return Credentials(str(minted["username"]), str(password))

    def close(self) -> None:
        """Gives all connections back."""
        with self._lock:
            for registry in self._open.values():
                registry.close()
            self._open.clear()
