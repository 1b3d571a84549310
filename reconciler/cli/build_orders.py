"""Builds for `images build`: into Docker under a name for developing, or through the kind into Cloudflare's registry.

What a builder says is passed on line by line; where that is not wanted, its last lines are told if it fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.cli.account import Account
from reconciler.cli.saying import note
from reconciler.clients.builder import DockerBuilder
from reconciler.engine.refresh import prepare
from reconciler.errors import ManifestError, ProviderError, ReconcilerError
from reconciler.frozen import frozen
from reconciler.kinds.image import ImageHandler
from reconciler.model.change import Action, Change
from reconciler.model.diagnostic import Severity
from reconciler.model.handler import PrepareContext
from reconciler.model.resource import Desired
from reconciler.model.value import Value, unknowns

DEV = "cloudflare-dev"

_LAST_LINES = 10


@frozen
class BuiltImage:
    """An image that is where it was wanted; `is_new` unless it was there before."""

    address: str
    reference: str
    tag: str
    is_new: bool
    digest: str = ""

    def document(self) -> dict[str, Any]:
        """It as `--json` prints it."""
        return {
            "address": self.address,
            "reference": self.reference,
            "tag": self.tag,
            "digest": self.digest or None,
            "built": self.is_new,
        }


@dataclass(slots=True)
class BuildWork:
    """What the kind is given to build with: nothing is remembered, and what is said is passed on."""

    address: str
    stop: Callable[[], bool]
    quiet: bool = False
    operation: str = ""
    again: bool = False
    before: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def checkpoint(self, name: str, facts: Mapping[str, Value]) -> None:
        """Nothing is kept: what is there is found again."""

    def progress(self, done: float, of: float, text: str) -> None:
        """Passes a builder's lines on; what is told again and again, as it gets on, is said once."""
        if self.quiet or (of and text in self._told):
            return
        self._told.add(text)
        note(f"{self.address}  {text}")

    def stopping(self) -> bool:
        """Whether the user asked to stop."""
        return self.stop()

    def failed(self, error: ReconcilerError) -> ReconcilerError:
        """The error as it is told: with the image, and what the builder said last if nobody has seen it."""
        output = error.details.get("output", ()) if isinstance(error, ProviderError) else ()
        for line in output[-_LAST_LINES:] if self.quiet else ():
            note(f"{self.address}  {line}")
        error.address = error.address or self.address
        return error


@frozen
class DevImages:
    """Images in Docker, named by what went into them."""

    builder: DockerBuilder
    base_dir: Path
    stop: Callable[[], bool]
    quiet: bool

    def bring(self, desired: Desired) -> BuiltImage:
        """Builds an image unless Docker has it already."""
        address, block = str(desired.address), desired.attributes["build"]
        work = BuildWork(address, self.stop, self.quiet)
        _check_known(desired)
        try:
            tag = self.builder.inputs(block, self.base_dir).hash.rpartition(":")[2]
            name = f"{DEV}/{desired.name}:{tag}"
            is_new = self.builder.keep_in_docker(block, self.base_dir, name, work.progress, self.stop)
        except ReconcilerError as error:
            raise work.failed(error) from None
        return BuiltImage(address, name, tag, is_new)


class PushedImages:
    """Images in Cloudflare's registry, as an apply would put them there."""

    def __init__(
        self,
        account: Account,
        builder: DockerBuilder,
        base_dir: Path,
        stop: Callable[[], bool],
        *,
        quiet: bool,
    ) -> None:
        self._stop = stop
        self._quiet = quiet
        self._handler = ImageHandler(
            registry=account.registries,
            base_dir=base_dir,
            registry_host=account.host,
            account_id=account.account_id,
            builder=builder,
        )

    def looked_at(self, wanted: list[Desired]) -> Iterator[Desired]:
        """The images with what is known of them before anything is built. Raises ManifestError for what is wrong."""
        found = prepare(
            {one.address: one for one in wanted}, {"image": self._handler}, PrepareContext({}), {}
        )
        if any(one.severity is Severity.ERROR for one in found.diagnostics):
            raise ManifestError("the images cannot be built", diagnostics=found.diagnostics)
        yield from found.resources.values()

    def bring(self, desired: Desired) -> BuiltImage:
        """Builds and pushes an image unless the registry has it already; its further tags are put on it in any case."""
        address = str(desired.address)
        work = BuildWork(address, self._stop, self._quiet)
        is_new = not desired.outputs.get("digest")
        change = Change(desired.address, Action.CREATE, desired, wanted=desired.attributes)
        try:
            outputs = self._handler.create(change, work).observed.outputs
        except ReconcilerError as error:
            raise work.failed(error) from None
        reference = f"{outputs['repository']}:{outputs['tag']}@{outputs['digest']}"
        return BuiltImage(address, reference, str(outputs["tag"]), is_new, str(outputs["digest"]))


def _check_known(desired: Desired) -> None:
    """Without the outside world, parts of a build may not be known; then it cannot be made."""
    missing = sorted({one.expression for one in unknowns(desired.attributes["build"])})
    if missing:
        raise ReconcilerError(
            f"its build needs {', '.join(missing)}", fix="set what it names", address=str(desired.address)
        )
