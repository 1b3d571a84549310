"""A rollout under way: where it stands, and what went wrong with it (interface 1.4, reference 2.2).

Only asks; a gate is answered, and a rollout undone, in `reverting`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from reconciler.errors import NotFoundError
from reconciler.kinds.application.judging import failed_instances, running_instances
from reconciler.kinds.application.looking import observed
from reconciler.kinds.application.pending import iso
from reconciler.kinds.shared.durations import spelled
from reconciler.model.handler import PAUSED, Gate, Moving, Settled, Standing, Stuck
from reconciler.model.resource import Pending
from reconciler.model.value import Value

if TYPE_CHECKING:
    from reconciler.clients.cloudflare import Cloudflare

_BY_ITSELF = ("full_auto", "durable_objects_auto")
_SOON, _LATER = 0.5, 2.0
_NAMED_STRAGGLERS = 5
_WRONG = "the rollout went wrong: "
FORGOTTEN: Mapping[str, Value] = {"reverted": None, "undone": None, "failed": None}
"""What is no longer worth telling once a version runs well."""


class RolloutWatch:
    """Tells where rollouts stand. What it keeps between two looks is only when something last moved."""

    def __init__(self, client: Cloudflare, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._moved: dict[str, tuple[object, float]] = {}

    def standing(self, pending: Pending, application: Mapping[str, Any] | None) -> Standing:
        """Where one rollout stands, seen from its application in the list and, where needed, by itself."""
        if application is None:
            return Stuck("the application is gone, and its rollout with it", "failed")
        token = pending.token
        if token.get("undoing"):
            return Stuck("it was being taken back when an earlier run was cut off", "reverted", "revert")
        is_active = application.get("active_rollout_id") == token["rollout"]
        if is_active and token["kind"] in _BY_ITSELF and not _is_suspicious(token, application):
            return self._moving(pending, application, *_share_by_hint(application))
        try:
            rollout = self._client.get_rollout(token["application"], token["rollout"])
        except NotFoundError:
            return self._gone(pending, "the rollout is not there any more")
        return self._told(pending, application, rollout)

    def _told(self, pending: Pending, application: Mapping[str, Any], rollout: Mapping[str, Any]) -> Standing:
        status = rollout.get("status")
        if status == "reverted":
            return self._ended_badly(pending, rollout, "it was reverted", "reverted")
        if status == "replaced":
            active = application.get("active_rollout_id")
            other = f", {active}, which is under way" if active else ""
            return self._gone(pending, f"another rollout{other} took its place")
        failed = self._failing(pending, application)
        if failed > pending.token["gate"]["max_failed"]:
            what = f"{failed} {'instance' if failed == 1 else 'instances'} of the new version failed"
            return self._ended_badly(pending, rollout, what, "failed")
        if status == "completed":
            self._forget(pending)
            return Settled(
                observed(application),
                FORGOTTEN if pending.token.get("forgets", True) else {},
                tuple(self._stragglers(pending, application)),
            )
        if rollout.get("kind") == "full_manual":
            return self._manual(pending, application, rollout)
        return self._moving(pending, application, *_share(rollout))

    # under way

    def _moving(self, pending: Pending, application: Mapping[str, Any], done: float, of: float) -> Standing:
        token = pending.token
        idle = self._idle(token["rollout"], (done, of, application.get("health")))
        if idle > token["timeout"] + token["grace_seconds"]:
            patience = spelled(f"{token['timeout']:g}s")
            reason = f"nothing has moved for {patience} and the grace period"
            fix = f"run apply again to watch on, or {_undoing(pending)}"
            return Stuck(reason, "timeout", fix=fix)
        note = f"{done:g} of {of:g} instances" if of > 1 else "rolling over"
        return Moving(done, of, note, _SOON if idle < _LATER else _LATER)

    def _idle(self, key: str, signature: object) -> float:
        """Seconds since this was first seen as it is."""
        now = self._clock()
        known = self._moved.get(key)
        if known is None or known[0] != signature:
            self._moved[key] = (signature, now)
            return 0.0
        return now - known[1]

    def _forget(self, pending: Pending) -> None:
        for key in (pending.token["rollout"], f"{pending.token['rollout']}:good"):
            self._moved.pop(key, None)

    def _manual(
        self, pending: Pending, application: Mapping[str, Any], rollout: Mapping[str, Any]
    ) -> Standing:
        """A step that is done must stay good for a while before the next one is asked for."""
        steps = list(rollout.get("steps") or ())
        upcoming = next(
            (n for n, step in enumerate(steps) if step.get("status") in ("pending", "reverted")), None
        )
        is_busy = any(step.get("status") in ("progressing", "reverting") for step in steps)
        if upcoming is None or is_busy:
            return self._moving(pending, application, *_share(rollout))
        gate = pending.token["gate"]
        if upcoming:
            good = self._idle(f"{pending.token['rollout']}:good", upcoming)
            if good < gate["for"]:
                note = f"step {upcoming} of {len(steps)} is done and watched for {gate['for']:g} s"
                return Moving(*_share(rollout), note, min(_LATER, gate["for"] - good))
        percentage = steps[upcoming].get("step_size", {}).get("percentage")
        step = f"step {upcoming + 1} of {len(steps)}, to {percentage} % of the instances"
        question = f"{pending.token['name']}: take {step}? (`{_next(pending)}`)"
        facts = {"step": upcoming + 1, "of": len(steps), "percentage": percentage, "command": _next(pending)}
        return Gate(question, ("next", "revert", "stop"), facts, then="next" if gate.get("drives") else "")

    # ended

    def _gone(self, pending: Pending, what: str) -> Stuck:
        """Somebody else has put an end to it: what runs now is not for this rollout to say."""
        self._forget(pending)
        fix = f"`reconciler rollout status {pending.address}` shows what goes on; plan again to bring back what is wanted"
        failed = self._memory(pending, {}, what)
        return Stuck(f"the rollout was given up: {what}", "replaced", fix=fix, facts={"failed": failed})

    def _ended_badly(self, pending: Pending, rollout: Mapping[str, Any], what: str, end: str) -> Stuck:
        self._forget(pending)
        reached = sum(step.get("status") == "completed" for step in rollout.get("steps") or ())
        count = len(rollout.get("steps") or ())
        why = f"{what} at step {min(reached + 1, count)} of {count}" if count else what
        failed = self._memory(pending, rollout, why)
        match pending.token["on_failure"], end:
            case "revert", _:
                return Stuck(_WRONG + why, end, "revert", facts={"reverted": failed, "failed": failed})
            case "pause", "failed":
                return Stuck(_WRONG + why, PAUSED, fix=f"{_going_on(pending)}, or {_undoing(pending)}")
            case _, "reverted":
                facts = {"reverted": failed, "failed": failed}
                return Stuck(_WRONG + why, end, fix=_after_revert(pending), facts=facts)
            case _:
                return Stuck(_WRONG + why, end, fix=_undoing(pending), facts={"failed": failed})

    def _memory(self, pending: Pending, rollout: Mapping[str, Any], why: str) -> dict[str, Value]:
        """What is remembered of a version that failed: enough to name it, and to take it back later."""
        token = pending.token
        return {
            "why": why,
            "at": iso(self._client.transport.server_time()),
            "version": token["target_version"],
            "image": (rollout.get("target_configuration") or {}).get("image"),
            "rollout": token["rollout"],
            "previous": token["previous"],
        }

    def _failing(self, pending: Pending, application: Mapping[str, Any]) -> int:
        """How many instances of the new version fail; those of the old one are no reason to stop."""
        if failed_instances(application) <= pending.token["gate"]["max_failed"]:
            return 0
        return sum(_runs_target(pending, one) and _has_failed(one) for one in self._instances(pending))

    def _stragglers(self, pending: Pending, application: Mapping[str, Any]) -> Iterator[str]:
        """Compares what runs with what was meant, once it is said to be over."""
        is_mixed = application.get("scheduling_hint") is not None
        if not is_mixed and not running_instances(application):
            return
        late = [one for one in self._instances(pending) if not _runs_target(pending, one)]
        if late:
            names = ", ".join(str(one.get("name") or one.get("id")) for one in late[:_NAMED_STRAGGLERS])
            more = f" and {len(late) - _NAMED_STRAGGLERS} more" if len(late) > _NAMED_STRAGGLERS else ""
            verb = "runs" if len(late) == 1 else "run"
            yield f"the rollout is complete, but {names}{more} still {verb} another version"

    def _instances(self, pending: Pending) -> list[dict[str, Any]]:
        found = self._client.list_dash_instances(pending.token["application"])["instances"]
        return [one for one in found if isinstance(one, dict)]


def _is_suspicious(token: Mapping[str, Value], application: Mapping[str, Any]) -> bool:
    return bool(failed_instances(application) > token["gate"]["max_failed"])


def _share_by_hint(application: Mapping[str, Any]) -> tuple[float, float]:
    hint = application.get("scheduling_hint") or {}
    old, new = (int((hint.get(side) or {}).get("instances") or 0) for side in ("current", "target"))
    return (new, old + new) if old + new else (0, 1)


def _share(rollout: Mapping[str, Any]) -> tuple[float, float]:
    progress = rollout.get("progress") or {}
    return float(progress.get("updated_instances") or 0), float(progress.get("total_instances") or 1)


def _runs_target(pending: Pending, instance: Mapping[str, Any]) -> bool:
    target = pending.token["target_version"]
    return target is None or int(instance.get("app_version") or 0) >= int(target)


def _has_failed(instance: Mapping[str, Any]) -> bool:
    status = (instance.get("current_placement") or {}).get("status") or {}
    return bool({"failed", "unhealthy"} & {status.get("health"), status.get("container_status")})


def _next(pending: Pending) -> str:
    return f"reconciler rollout next {pending.address}"


def _going_on(pending: Pending) -> str:
    return f"go on all the same with `{_next(pending)}`"


def _undoing(pending: Pending) -> str:
    return f"undo it with `reconciler rollout revert {pending.address}`"


def _after_revert(pending: Pending) -> str:
    """The instances are back, and the configuration is not: new instances would start on it (hard-flows A4)."""
    return f"put its configuration back, too, with `reconciler rollout revert {pending.address}`, or apply to try again"
