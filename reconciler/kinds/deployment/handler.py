"""The verbs of the kind `deployment`: look, create, change or recreate, delete, and wait until it is placed and runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol

from reconciler.errors import NotFoundError, ReconcilerError
from reconciler.kinds.deployment import bodies
from reconciler.kinds.deployment.bind import RUN_LABEL, read_deployment
from reconciler.kinds.deployment.table import KIND
from reconciler.kinds.shared.image_resolving import ResolveImage, image_details, image_facts, pinned_images
from reconciler.model.address import ResourceAddress
from reconciler.model.change import SHOWN, Action, Change, Effect, Hazard
from reconciler.model.describing import Described, Known
from reconciler.model.handler import (
    BindContext,
    Bound,
    Handler,
    Judgement,
    Look,
    Moving,
    PrepareContext,
    Prepared,
    Result,
    Settled,
    Sighting,
    Standing,
    Stuck,
    Subject,
    Work,
)
from reconciler.model.resource import Desired, Observed, Pending
from reconciler.model.value import Attributes, at_path

_AGAIN_IN = 2.0
_LONGEST = 600.0
_RESTART = Hazard("DOWNTIME", SHOWN, "its container is placed anew, and stops for that")

Document = Mapping[str, Any]


class DeploymentsApi(Protocol):
    """The part of Cloudflare's API that deployments need."""

    def list_deployments(self, *, labels: Sequence[str] = ()) -> Sequence[Document]:
        """All of them, those of applications too."""

    def create_deployment(self, body: Mapping[str, Any]) -> Document:
        """A new one."""

    def update_deployment(self, deployment_id: str, body: Mapping[str, Any]) -> Document:
        """Changes one, which is then placed anew."""

    def recreate_deployment(self, deployment_id: str, body: Mapping[str, Any]) -> Document:
        """Replaces one by another, with another id."""

    def delete_deployment(self, deployment_id: str) -> None:
        """Deletes one with its placements."""

    def replace_placement(self, placement_id: str) -> Document:
        """Places its container anew."""

    def list_placements(self, deployment_id: str) -> Sequence[Document]:
        """Where one ran and runs, with events."""


class DeploymentHandler(Handler):
    """Knows deployments. `resolve_image` says what an image comes to that one names by itself; `clock` counts seconds."""

    kind = KIND

    def __init__(
        self,
        api: DeploymentsApi | None = None,
        *,
        resolve_image: ResolveImage | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._resolve_image = resolve_image
        self._clock = clock
        self._since: dict[str, float] = {}

    # thinking

    def bind(self, block: Attributes, context: BindContext) -> Bound:
        """The keys of interface 1.4 that concern one container, and its location."""
        return read_deployment(block, context)

    def judge(self, change: Change) -> Judgement:
        """Whatever changes, the container is placed anew (reference 2.6)."""
        judged = replace(super().judge(change), details=image_details(change))
        if _owes(change) and not change.attributes:
            return Judgement(Effect.NONE, reason="its container does not run, and is placed anew")
        if judged.effect is Effect.DOWNTIME and change.action in (Action.UPDATE, Action.ADOPT):
            return replace(judged, hazards=(_RESTART,))
        return replace(judged, effect=Effect.NONE) if change.action is Action.CREATE else judged

    # looking

    def prepare(
        self, wishes: Sequence[Desired], context: PrepareContext
    ) -> Mapping[ResourceAddress, Prepared]:
        """Pins images that are named by their tag."""
        return pinned_images(self._resolve_image, wishes, context)

    def observe(self, look: Look) -> Sighting:
        """One list for all; the instances of applications are in it too, and are none of ours."""
        alone = [one for one in self._deployments.list_deployments() if not one.get("app_id")]
        by_id = {str(one["id"]): one for one in alone}
        by_identity: dict[ResourceAddress, Observed] = {}
        by_key: dict[ResourceAddress, tuple[Observed, ...]] = {}
        for subject in look.subjects:
            document = by_id.get(subject.identity or subject.import_id)
            if document is not None:
                by_identity[subject.address] = bodies.observed(document, subject)
            by_key[subject.address] = tuple(_begun_by(subject, alone))
        known = {one.identity for one in by_identity.values()}
        others = [bodies.observed(one) for one in alone if look.others and str(one["id"]) not in known]
        return Sighting(by_identity, by_key, tuple(others))

    def describe(self, observed: Observed, known: Known) -> Described | None:
        """What the service shows of it; what it does not show is as it was made."""
        return bodies.described(observed, known)

    @property
    def _deployments(self) -> DeploymentsApi:
        if self._api is None:
            raise ReconcilerError("deployments cannot be asked for here")
        return self._api

    # doing

    def create(self, change: Change, work: Work) -> Result:
        """Creates it, or recreates the one whose place it takes; an earlier attempt is found by its label."""
        body = bodies.create_body(change.wanted, work.operation)
        document = self._begun(work.operation) if work.again else None
        if document is None:
            document = self._made(change, body)
        return self._result(change, document)

    def _begun(self, operation: str) -> Document | None:
        labelled = self._deployments.list_deployments(labels=[f"{RUN_LABEL}:{operation}"])
        return next((one for one in labelled if bodies.operation_of(one) == operation), None)

    def _made(self, change: Change, body: Mapping[str, Any]) -> Document:
        if change.action is Action.REPLACE and change.observed is not None:
            # Where what it uses is replaced too, the old one had to go first.
            with suppress(NotFoundError):
                return self._deployments.recreate_deployment(change.observed.identity, body)
        return self._deployments.create_deployment(body)

    def update(self, change: Change, work: Work) -> Result:
        """Sends what differs; the container is placed anew, for that or because it has ended."""
        assert change.observed is not None
        body = bodies.modify_body(change, work.operation)
        if body:
            return self._result(change, self._deployments.update_deployment(change.observed.identity, body))
        if not _owes(change):
            return Result(change.observed)
        placement = at_path(change.observed.raw, ("current_placement", "id"))
        return self._result(change, self._deployments.replace_placement(str(placement)))

    def _result(self, change: Change, document: Document) -> Result:
        return Result(bodies.observed(document), bodies.waiting_for(document, change), image_facts(change))

    def delete(self, change: Change, work: Work) -> Pending | None:
        """Deletes it with its placements; after `recreate` the old one is gone already."""
        del work
        assert change.observed is not None
        self._deployments.delete_deployment(change.observed.identity)
        return None

    # waiting

    def settle(self, waiting: Sequence[Pending]) -> Mapping[ResourceAddress, Standing]:
        """One list for all that wait."""
        by_id = {str(one["id"]): one for one in self._deployments.list_deployments()}
        return {one.address: self._standing(one, by_id) for one in waiting}

    def _standing(self, pending: Pending, by_id: Mapping[str, Document]) -> Standing:
        identity = str(pending.token["deployment"])
        since = self._since.setdefault(identity, self._clock())
        document = by_id.get(identity)
        if document is not None and bodies.is_placed(document):
            del self._since[identity]
            return self._ended(document)
        if self._clock() - since > _LONGEST:
            del self._since[identity]
            told = bodies.why_queued(document) if document is not None else "is not in the list"
            return Stuck(f"it {told} for {_LONGEST:.0f} s", "timeout", fix="run again to watch on")
        return Moving(0, 0, bodies.why_queued(document or {}), _AGAIN_IN)

    def _ended(self, document: Document) -> Standing:
        if not bodies.has_failed(document):
            return Settled(bodies.observed(document))
        fix = "look at its logs, correct it and apply again"
        return Stuck(
            f"its container {bodies.health_of(document)}{self._last_event(document)}", "failed", fix=fix
        )

    def _last_event(self, document: Document) -> str:
        try:
            placements = self._deployments.list_placements(str(document["id"]))
        except NotFoundError:
            return ""
        events = placements[-1].get("events") if placements else None
        return f": {events[-1].get('message') or events[-1].get('name')}" if events else ""


def _owes(change: Change) -> bool:
    """Whether its container ended although nothing of it is to change: it was made, and does not run."""
    return change.observed is not None and bodies.PLACEMENT in change.observed.owes


def _begun_by(subject: Subject, documents: Sequence[Document]) -> Sequence[Observed]:
    """What an earlier run began and lost sight of."""
    if not subject.operation:
        return ()
    mine = [one for one in documents if bodies.operation_of(one) == subject.operation]
    return [bodies.observed(one, subject) for one in mine]
