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

    def __init__(self, common: Common, *, may_push: bool = False) -> None:
        self._common = common
        self._may_push = may_push
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

    def located(self, name: str) -> ImageReference:
        """What a manifest names, in full and by digest; raises ReconcilerError."""
        reference = self._placed(ImageReference.parse(name))
        return replace(reference, tag="", digest=self._of(reference))

    def registry(self, host: str) -> Registry:
        """The registry of something that was located."""
        return self._registry(host) if host in self._managed else self._others(host)

    def _of(self, reference: ImageReference) -> str:
        if not reference.version:
            reference = replace(reference, tag="latest")
        if reference not in self._known:
            self._known[reference] = self._asked(self._placed(reference))
        return self._known[reference]

    def _placed(self, reference: ImageReference) -> ImageReference:
        """The reference in full: without a host, and by either of its names, Cloudflare's registry is meant."""
        if reference.host and reference.host not in self._managed:
            return reference
        text = str(replace(reference, host="", tag=reference.tag if reference.version else "latest"))
        return place_image(text, self._opened().rules).reference

    def _asked(self, reference: ImageReference) -> str:
        return ImageLookup(self.registry).digest_of(reference)

    def _registry(self, host: str) -> Registry:
        return self._opened().registries(host)

    def _opened(self) -> Account:
        if self._account is None:
            self._account = self._stack.enter_context(
                open_cloud(self._common, may_push=self._may_push)
            ).only()
        return self._account
