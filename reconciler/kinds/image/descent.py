"""Where a digest comes from: the commit and the inputs that it was built from, the environment that it ran in before.

Remembered with the image, and handed on when it is promoted; never compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.frozen import frozen
from reconciler.kinds.image.building import Builder
from reconciler.model.resource import Prior

if TYPE_CHECKING:
    from reconciler.kinds.image.wanted import WantedImage

KnownDescent = Callable[[str], Mapping[str, Any]]

_SHORT = 12


def nothing_known(digest: str) -> Mapping[str, Any]:
    """What is known of a digest where nobody is asked."""
    del digest
    return {}


@frozen
class Descent:
    """Finds it out; `known` says what other environments remember of a digest."""

    builder: Builder | None
    base_dir: Path
    known: KnownDescent = nothing_known

    def of_build(self, wanted: WantedImage, prior: Prior | None, inputs: str) -> dict[str, Any]:
        """Of a build: the commit in which those inputs were first seen here; the same inputs stay what they were."""
        if prior is not None and prior.attributes.get("inputs") == inputs:
            return _remembered(prior)
        assert self.builder is not None
        commit = self.builder.commit(wanted.desired.attributes["build"], self.base_dir)
        stands_in = {"commit": commit.sha, "dirty": commit.dirty} if commit else {}
        return {"descent": {**stands_in, "inputs": inputs}}

    def of_digest(self, wanted: WantedImage, prior: Prior | None, digest: Any) -> dict[str, Any]:
        """Of a digest that is written in the manifest: what the environment knows in which it ran before."""
        if prior is not None and prior.outputs.get("digest") == digest:
            return _remembered(prior)
        known = self.known(str(digest)) if wanted.pinned and digest else {}
        return {"descent": dict(known)} if known else {}


def _remembered(prior: Prior) -> dict[str, Any]:
    descent = prior.facts.get("descent")
    return {"descent": descent} if descent else {}


def descent_details(descent: Mapping[str, Any]) -> dict[str, Any]:
    """What a reader of a plan wants to know of it."""
    commit = str(descent.get("commit") or "")[:_SHORT]
    told = {
        "commit": f"{commit} with changes" if commit and descent.get("dirty") else commit,
        "from_environment": descent.get("environment"),
    }
    return {key: value for key, value in told.items() if value}
