"""Asks registries which digest stands behind a name, each name once: for what is written to files rather than deployed.

Cloudflare's registry is opened, with the account's credentials, only when a name lies there.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING

from reconciler.cli.account import Account, open_cloud
from reconciler.cli.options import Common
from reconciler.clients.image_lookup import ImageLookup
from reconciler.clients.image_reference import DOCKER_HUB, ImageReference
from reconciler.clients.image_rules import place_image
from reconciler.clients.registries import Registries

if TYPE_CHECKING:
    from reconciler.clients.registry import Registry

_MANAGED_HOST = "registry.cloudflare.com"


class ImageDigests:
    """A context: its connections are given back at its end."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._stack = ExitStack()
        named = os.environ.get("CLOUDFLARE_CONTAINER_REGISTRY", "").rstrip("/")
        self._managed = {_MANAGED_HOST, named.partition("://")[2] or named} - {""}
        self._others = Registries(None, "", "", os.environ)
        self._account: Account | None = None
        self._known: dict[ImageReference, str] = {}

    def __enter__(self) -> ImageDigests:
        self._stack.callback(self._others.close)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def of_dockerfile(self, name: str) -> str:
        """The digest of what a Dockerfile names, where no host means Docker Hub; raises ReconcilerError."""
        reference = ImageReference.parse(name)
        if not reference.host:
            reference = ImageReference.parse(f"{DOCKER_HUB}/{name}")
        return self._of(reference)

    def of_manifest(self, name: str) -> str:
        """The digest of what a manifest names, where no host means Cloudflare's registry; raises ReconcilerError."""
        return self._of(ImageReference.parse(name))

    def _of(self, reference: ImageReference) -> str:
        if not reference.version:
            reference = replace(reference, tag="latest")
        if reference not in self._known:
            self._known[reference] = self._asked(reference)
        return self._known[reference]

    def _asked(self, reference: ImageReference) -> str:
        if reference.host and reference.host not in self._managed:
            return ImageLookup(self._others).digest_of(reference)
        account = self._opened()
        # Both names of the registry mean the one that is spoken to.
        ours = place_image(str(replace(reference, host="")), account.rules).reference
        return ImageLookup(self._registry).digest_of(ours)

    def _registry(self, host: str) -> Registry:
        return self._opened().registries(host)

    def _opened(self) -> Account:
        if self._account is None:
            self._account = self._stack.enter_context(open_cloud(self._common)).only()
        return self._account
