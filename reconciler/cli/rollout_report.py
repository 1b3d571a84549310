"""What there is to say of an application's rollout: the one under way, else the last one, and the commands that apply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from reconciler.errors import AuthenticationError, NotFoundError
from reconciler.kinds.application.judging import failed_instances, running_instances
from reconciler.kinds.application.pending import newest_first
from reconciler.model.resource import Prior
from reconciler.render.rollouts import UNDER_WAY, Report, Rollout, RolloutStep

if TYPE_CHECKING:
    from reconciler.clients.cloudflare import Cloudflare

Document = Mapping[str, Any]


def report_of(api: Cloudflare, prior: Prior) -> Report:
    """The report at this moment. Raises ProviderError where the application is not there any more."""
    application = api.get_application(prior.identity)
    found = _shown(application, _rollouts(api, prior.identity))
    rollout = _rollout(found) if found else None
    return Report(
        str(prior.address),
        str(application.get("name", prior.name)),
        prior.identity,
        application.get("version"),
        _by_version(application),
        failed_instances(application),
        rollout,
        tuple(_notes(prior)),
        tuple(_commands(prior, application, rollout)),
    )


def _rollouts(api: Cloudflare, identity: str) -> list[Document]:
    """None where the application cannot have any, or the account is not shown them."""
    try:
        return newest_first(api.list_rollouts(identity))
    except (AuthenticationError, NotFoundError):
        return []


def _shown(application: Document, rollouts: list[Document]) -> Document | None:
    active = application.get("active_rollout_id")
    return next((one for one in rollouts if one["id"] == active), rollouts[0] if rollouts else None)


def _rollout(found: Document) -> Rollout:
    progress = found.get("progress") or {}
    steps = found.get("steps") or ()
    return Rollout(
        id=str(found["id"]),
        kind=str(found.get("kind", "")),
        status=str(found.get("status", "")),
        from_version=found.get("current_version"),
        target_version=found.get("target_version"),
        from_image=str((found.get("current_configuration") or {}).get("image", "")),
        target_image=str((found.get("target_configuration") or {}).get("image", "")),
        started_at=str(found.get("started_at") or found.get("created_at", "")),
        updated_at=str(found.get("last_updated_at", "")),
        steps=tuple(_step(number, one) for number, one in enumerate(steps, 1)),
        updated_instances=int(progress.get("updated_instances") or 0),
        total_instances=int(progress.get("total_instances") or 0),
    )


def _step(number: int, found: Document) -> RolloutStep:
    return RolloutStep(
        int(found.get("id") or number),
        float((found.get("step_size") or {}).get("percentage") or 0),
        str(found.get("status", "")),
        str(found.get("started_at") or ""),
        str(found.get("completed_at") or ""),
    )


def _by_version(application: Document) -> dict[str, int]:
    hint = application.get("scheduling_hint") or {}
    sides = [hint.get(side) or {} for side in ("current", "target")]
    if any(sides):
        return {str(side.get("version")): int(side.get("instances") or 0) for side in sides}
    running = running_instances(application)
    return {str(application.get("version")): running} if running else {}


def _notes(prior: Prior) -> Iterator[str]:
    facts = prior.facts
    for key, what in (("failed", "failed"), ("reverted", "was reverted"), ("undone", "was taken back")):
        if fact := facts.get(key):
            yield f"version {fact.get('version')} {what} at {fact.get('at')}: {fact.get('why')}"
            break
    if fact := facts.get("rolled_back"):
        yield f"rolled back from version {fact.get('version')} at {fact.get('at')}"


def _commands(prior: Prior, application: Document, rollout: Rollout | None) -> Iterator[str]:
    """What may be done now, as it is typed."""
    if rollout is None:
        return
    address = prior.address
    if rollout.status in UNDER_WAY:
        waits = rollout.kind == "full_manual" and not any(
            step.status in ("progressing", "reverting") for step in rollout.steps
        )
        if waits:
            yield f"reconciler rollout next {address}"
            if any(step.status == "completed" for step in rollout.steps):
                yield f"reconciler rollout previous {address}"
        yield f"reconciler rollout revert {address}"
        return
    failed = prior.facts.get("failed") or {}
    is_half_back = rollout.status == "reverted" and rollout.target_version == application.get("version")
    if failed.get("rollout") == rollout.id or is_half_back:
        yield f"reconciler rollout revert {address}"
