"""What the tests of images share: a context to bind in, and findings as plain texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.kinds.image import ImageHandler
from reconciler.model.address import ResourceAddress
from reconciler.model.handler import BindContext, Bound
from reconciler.model.value import Path, Unknown, Value

ACCOUNT = "a" * 32
HOST = "registry.cloudflare.com"


@dataclass
class Binding:
    """One block bound, with everything that was said about it."""

    bound: Bound
    errors: list[tuple[Path, str, str]] = field(default_factory=list)
    warnings: list[tuple[Path, str, str]] = field(default_factory=list)

    @property
    def attributes(self) -> dict[str, Value]:
        return self.bound.attributes

    @property
    def messages(self) -> list[str]:
        return [message for _, _, message in self.errors]


def bind_image(
    block: Mapping[str, Any],
    *,
    defaulted: tuple[str, ...] = (),
    registries: Mapping[str, Any] | None = None,
    protocols: tuple[str, ...] = (),
    account_id: Value = ACCOUNT,
    host: str = HOST,
    key: str = "api",
    external: bool = False,
) -> Binding:
    """Binds a block; `defaulted` are its keys that came out of `defaults`, `registries` have their domains by key."""
    errors: list[tuple[Path, str, str]] = []
    warnings: list[tuple[Path, str, str]] = []
    domains = dict(registries or {})

    def text_of(address: ResourceAddress, path: str) -> Value:
        return domains[address.key] if (address.kind, path) == ("registry", "domain") else None

    context = BindContext(
        address=ResourceAddress("image", key),
        project="shop",
        environment=None,
        account_id=account_id,
        name=None,
        default_name=f"shop-{key}",
        registry_host=host,
        sections={
            "images": {key: dict(block)},
            "registries": {name: {"domain": domain} for name, domain in domains.items()},
            "registry_protocols": {name: {} for name in protocols},
        },
        text_of=text_of,
        report=lambda path, code, summary, detail: errors.append((path, code, f"{summary}; {detail}")),
        warn=lambda path, code, summary, detail: warnings.append((path, code, f"{summary}; {detail}")),
        external=external,
        defaulted=frozenset(defaulted),
    )
    return Binding(ImageHandler().bind(block, context), errors, warnings)


UNKNOWN = Unknown(None, "${env.X}")
