"""Who uses which image: whatever the account's live objects and a project's memories say, read generously.

Any digest that stands anywhere in them counts as used, so that nothing is missed that has a form nobody thought of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.cli.account import Account
from reconciler.cli.memories import Memory
from reconciler.clients.image_reference import ImageReference
from reconciler.errors import ReconcilerError
from reconciler.model.address import ResourceAddress
from reconciler.model.resource import Prior
from reconciler.model.state import State
from reconciler.render.machine import plain

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_KINDS = ("image", "application")


@dataclass(slots=True)
class Uses:
    """Users by digest, and by repository and tag where no digest is named."""

    host: str
    by_digest: dict[str, list[str]] = field(default_factory=dict)
    by_tag: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def note(self, user: str, value: Any) -> None:
        """Takes down every image that stands in a value."""
        for text in texts_in(plain(value)):
            for digest in _DIGEST.findall(text):
                _add(self.by_digest, digest, user)
            if tagged := self._tagged(text):
                _add(self.by_tag, tagged, user)

    def of(self, repository: str, digest: str, tags: Iterable[str]) -> tuple[str, ...]:
        """Everybody who uses an image, under its digest or one of these tags; the repository has its account."""
        found = list(self.by_digest.get(digest, ()))
        for tag in tags:
            found += self.by_tag.get((repository, tag), ())
        return tuple(dict.fromkeys(found))

    def _tagged(self, text: str) -> tuple[str, str] | None:
        if not text.startswith(f"{self.host}/"):
            return None
        try:
            reference = ImageReference.parse(text)
        except ReconcilerError:
            return None
        return (reference.repository, reference.tag) if reference.tag and not reference.digest else None


def _add(users: dict[Any, list[str]], key: Any, user: str) -> None:
    known = users.setdefault(key, [])
    if user not in known:
        known.append(user)


def texts_in(value: Any) -> Iterator[str]:
    """Every text in plain data, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from texts_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts_in(inner)


def digests_in(value: Any) -> set[str]:
    """Every digest that stands somewhere in a value."""
    return {digest for text in texts_in(plain(value)) for digest in _DIGEST.findall(text)}


def live_uses(account: Account, uses: Uses) -> None:
    """Takes down what the account runs, whoever made it; while a rollout goes, also what it rolls over from."""
    users: dict[str, str] = {}
    for application in account.api.list_applications():
        application_id = str(application.get("id"))
        users[application_id] = user = f"application {application.get('name') or application_id}"
        uses.note(user, application)
        if application.get("active_rollout_id"):
            uses.note(user, account.api.list_application_versions(application_id))
    for deployment in account.api.list_deployments():
        alone = f"deployment {deployment.get('id')}"
        uses.note(users.get(str(deployment.get("app_id")), alone), deployment)


def remembered_uses(memories: Iterable[Memory], uses: Uses) -> None:
    """Takes down what every state says, what began and never ended included."""
    for memory in memories:
        for address, prior in memory.state.resources.items():
            uses.note(f"{memory.name}: {address}", prior)
        uses.note(f"{memory.name}: what began there", list(memory.state.intents.values()))


def rollback_targets(memories: Iterable[Memory], keep: int) -> dict[str, str]:
    """The last `keep` images that each image and application had before the present one, by digest, with the reason."""
    found: dict[str, str] = {}
    for memory in memories:
        states = (memory.state, *memory.earlier)
        addresses = {one for state in states for one in state.resources if one.kind in _KINDS}
        for address in sorted(addresses):
            for digest in _before(memory.state, memory.earlier, address, keep):
                found.setdefault(digest, f"rollback target of {address} in {memory.name}")
    return found


def _before(present: State, earlier: Iterable[State], address: ResourceAddress, keep: int) -> set[str]:
    targets: set[str] = set()
    known = _deployed(present.resources.get(address))
    for state in earlier:
        new = _deployed(state.resources.get(address)) - known
        if not new:
            continue
        if keep <= 0:
            break
        keep -= 1
        known |= new
        targets |= new
    return targets


def _deployed(prior: Prior | None) -> set[str]:
    """What was deployed, and no hash besides: other inputs that gave the same image are no target of their own."""
    if prior is None:
        return set()
    return digests_in(prior.outputs.get("digest") if prior.address.kind == "image" else prior.attributes)
