"""Which version an application goes back to, and what that and a restart change. Pure.

A version is good that was applied and that nothing is known against: it settled, and its rollout did not fail.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from reconciler.errors import RefusedError
from reconciler.frozen import frozen
from reconciler.kinds.application.forms import MANAGED, lives_in_configuration
from reconciler.kinds.application.judging import AT_ONCE, RESTART
from reconciler.model.change import Change
from reconciler.model.resource import Observed, Prior
from reconciler.model.value import Value, path_text

ROLLED_BACK = "rolled_back"


@frozen
class Version:
    """What the state with this serial remembers of an application."""

    serial: int
    prior: Prior


def refuse_managed(prior: Prior, application: Mapping[str, Any]) -> None:
    """Raises RefusedError where there are no rollouts at all (reference 2.2)."""
    if application.get("scheduling_policy") != MANAGED:
        return
    raise RefusedError(
        f"{prior.address} is managed by its Durable Object, which knows no rollouts",
        fix="its images go with its worker: change them in the manifest and apply",
        address=str(prior.address),
    )


def last_good(now: Version, versions: Iterable[Version]) -> Version | None:
    """The newest good version with another configuration; after a rollback, one from before the version it went back to.

    `versions` come newest first. Of a change that stopped half-way, what is remembered is the version before it.
    """
    present = now.prior
    fact = present.facts.get(ROLLED_BACK)
    to = fact.get("to") if fact else 0
    known = list(versions)
    reached = next((one for one in known if to and one.serial == to), None)
    is_done = reached is not None and _configuration(reached.prior) == _configuration(present)
    before = replace(present, owes=())
    if set(present.owes) - {RESTART} and (is_done or not fact) and is_good(before):
        return Version(now.serial, before)
    if fact and not to:
        return None
    for one in known:
        if to and (one.serial > to or (is_done and one.serial == to)):
            continue
        if is_good(one.prior) and _configuration(one.prior) != _configuration(present):
            return one
    return None


def is_good(prior: Prior) -> bool:
    """Whether nothing is known against what it ran."""
    return not (prior.pending or prior.owes or prior.facts.get("failed"))


def owing(present: Prior, good: Version) -> Prior:
    """The present version; where an earlier attempt to go back was cut off, its instances may still have to be moved."""
    was_begun = (present.facts.get(ROLLED_BACK) or {}).get("to") == good.serial
    return replace(present, owes=("rollout",)) if was_begun else present


def with_configuration(present: Prior, good: Prior) -> dict[str, Value]:
    """What is remembered of the present version, with the configuration of a good one."""
    stays = {key: value for key, value in present.attributes.items() if not _is_configured(key)}
    return {**stays, **_configuration(good)}


def as_seen(attributes: Mapping[str, Value], observed: Observed) -> dict[str, Value]:
    """Attributes with what lies outside of the configuration as it is: going back leaves alone what others set there."""
    live = observed.attributes
    return {
        key: live[key] if key in live and not _is_configured(key) else value
        for key, value in attributes.items()
    }


def unchanged(prior: Prior, observed: Observed) -> dict[str, Value]:
    """Everything as it is: what cannot be read, as it is remembered."""
    return {key: observed.attributes.get(key, value) for key, value in prior.attributes.items()}


def rollback_settings(prior: Prior) -> dict[str, Value]:
    """All at once: what is left behind is not wanted any more."""
    return {**restart_settings(prior), "rollout_step_percentage": 100}


def restart_settings(prior: Prior) -> dict[str, Value]:
    """In the steps of the last apply."""
    return {AT_ONCE: True, "rollout_step_percentage": prior.facts.get("rollout_steps")}


def rolled_back(change: Change, version: Value, to: int, at: str) -> dict[str, Value]:
    """What is remembered of a rollback: when, from which version, to which state, and what it put back."""
    before = (change.prior.facts.get(ROLLED_BACK) if change.prior else None) or {}
    paths = [path_text(one.path) for one in change.attributes if lives_in_configuration(one.path)]
    if not paths:  # an earlier attempt, cut off, has put it back already
        return {ROLLED_BACK: before}
    image = change.wanted.get("image")
    return {ROLLED_BACK: {"at": at, "version": version, "to": to, "image": image, "paths": paths}}


def _configuration(prior: Prior) -> dict[str, Value]:
    return {key: value for key, value in prior.attributes.items() if _is_configured(key)}


def _is_configured(key: str) -> bool:
    return key != "generation" and lives_in_configuration((key,))
