"""The parsed, bound `containers.yaml`, and what was fed into it from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field

from reconciler.frozen import frozen
from reconciler.model.address import ResourceAddress
from reconciler.model.diagnostic import Diagnostic, Source
from reconciler.model.resource import Desired
from reconciler.model.value import Value


@frozen
class Inputs:
    """What a manifest may refer to outside itself. With `offline` (validate) unset things are Unknown, never errors.

    `git` answers `sha`, `short_sha`, `branch`, `dirty`, `describe`; it raises LookupError where there is no repository.
    """

    environ: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)  # --var, as texts
    git: Callable[[str], Value] | None = None
    account_id: str = ""  # overrides what the manifest says (a local universe)
    registry_host: str = "registry.cloudflare.com"
    offline: bool = False


@frozen
class ManifestOutput:
    """A value the manifest publishes; may hold pointers."""

    name: str
    value: Value
    source: Source = Source()


@frozen
class Move:
    """`moved`: what was known under one address is now known under another."""

    origin: ResourceAddress
    target: ResourceAddress
    source: Source = Source()


@frozen
class Manifest:
    """Everything one environment of a manifest declares. `used` is what it took from outside, kept in a saved plan.

    `declares_nothing`: version and project, but no resource. `warnings` never stop; errors were raised as ManifestError.
    """

    path: str
    sha256: str
    project: str
    environment: str | None
    account_id: Value
    resources: Mapping[ResourceAddress, Desired]
    outputs: Mapping[str, ManifestOutput] = field(default_factory=dict)
    moved: tuple[Move, ...] = ()
    state: Mapping[str, Value] = field(default_factory=dict)
    check: Mapping[str, Value] = field(default_factory=dict)
    dev: Mapping[str, Value] = field(default_factory=dict)
    used: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)  # {"env": .., "var": .., "git": ..}
    warnings: tuple[Diagnostic, ...] = ()

    @property
    def declares_nothing(self) -> bool:
        """Whether there is not one resource."""
        return not self.resources
