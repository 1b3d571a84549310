"""What the environments of a project remember of a digest: the commit and inputs that it came from, and who ran it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from reconciler.cli.memories import Memory, all_memories
from reconciler.cli.options import Common
from reconciler.errors import ReconcilerError
from reconciler.model.resource import Prior


def descent_of(prior: Prior) -> Mapping[str, Any]:
    """What is remembered of an image: `commit`, `dirty`, `inputs`, `environment`, as far as known."""
    found = prior.facts.get("descent")
    return found if isinstance(found, Mapping) else {}


def known_descents(memories: Iterable[Memory]) -> dict[str, Mapping[str, Any]]:
    """By digest, what is remembered of it; whoever knows a commit knows more."""
    found: dict[str, Mapping[str, Any]] = {}
    for prior in _images(memories):
        digest = str(prior.outputs.get("digest") or "")
        if digest and "commit" not in found.get(digest, {}):
            found[digest] = descent_of(prior)
    return found


def _images(memories: Iterable[Memory]) -> Iterator[Prior]:
    for memory in memories:
        for state in (memory.state, *memory.earlier):
            yield from (prior for address, prior in state.resources.items() if address.kind == "image")


def elsewhere(common: Common, environment: str | None, digest: str) -> Mapping[str, Any]:
    """What the other environments know of a digest, and which of them it was; if they cannot be read, nothing."""
    with suppress(ReconcilerError):
        for with_history in (False, True):
            for memory in all_memories(common, with_history=with_history):
                descent = known_descents([memory]).get(digest)
                if memory.environment != environment and descent is not None:
                    return {**descent, "environment": memory.name}
    return {}
