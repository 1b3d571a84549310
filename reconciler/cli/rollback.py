"""`rollback APP`: back to the last good version, recorded, so that the next plan can say what it would undo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import click

from reconciler.cli.options import Common, common_options
from reconciler.cli.rolling import Desk, carry_out, rolling_options
from reconciler.cli.saying import note
from reconciler.engine.operate import change_to, choose, make
from reconciler.engine.waiting import REVERT
from reconciler.errors import ReconcilerError
from reconciler.kinds.application import going_back
from reconciler.kinds.application.going_back import ROLLED_BACK, Version
from reconciler.kinds.application.looking import observed
from reconciler.kinds.application.pending import cut_off, last_rollout, undoing
from reconciler.model.resource import Pending, Prior


@click.command("rollback")
@common_options
@click.argument("app")
@rolling_options
def command(common: Common, app: str, yes: bool, no_wait: bool) -> int:
    """Bring APP back to the version that ran well before this one, and remember that."""
    del yes
    return carry_out(common, app, "rollback", _go_back, wait=not no_wait)


def _go_back(desk: Desk) -> Pending | None:
    going_back.refuse_managed(desk.prior, desk.application)
    if pending := cut_off(desk.prior):
        return _taken_back(desk, pending, desk.prior)
    if pending := _begun_before(desk):
        return pending
    good = going_back.last_good(Version(desk.state.serial, desk.prior), _versions(desk))
    return _to(desk, good) if good is not None else _to_what_was_replaced(desk)


def _begun_before(desk: Desk) -> Pending | None:
    """A rollback that an earlier command started and did not see the end of is watched, not repeated."""
    prior = desk.prior
    fact = prior.facts.get(ROLLED_BACK)
    pending = prior.pending[0] if prior.pending else None
    if not fact or pending is None or prior.owes or pending.token.get("forgets", True):
        return None
    note(f"{desk.address}: watching the rollback of {fact['at']}")
    return pending


def _versions(desk: Desk) -> Iterator[Version]:
    """What the state's earlier versions remember of the application, newest first."""
    store, identity = desk.operations.store, desk.prior.identity
    for kept in store.history():
        if kept.serial >= desk.state.serial:
            continue
        for prior in store.read_version(kept.serial).resources.values():
            if prior.address.kind == desk.address.kind and prior.identity == identity:
                yield Version(kept.serial, prior)


def _to(desk: Desk, good: Version) -> Pending | None:
    prior, handler = going_back.owing(desk.prior, good), desk.handler
    attributes = going_back.with_configuration(prior, good.prior)
    seen = observed(desk.application, (prior.attributes.get("generation_variable") or {}).get("name"))
    settings = going_back.rollback_settings(prior)
    change = change_to(going_back.as_seen(attributes, seen), prior, seen, handler, settings=settings)
    now, version = desk.operations.house.clock.now(), desk.application.get("version")
    facts = going_back.rolled_back(change, version, good.serial, now)
    assert change.prior is not None
    change = replace(change, prior=replace(change.prior, facts={**change.prior.facts, **facts}))
    if "generation" in change.wanted:
        attributes["generation"] = change.wanted["generation"]
    note(
        f"{desk.address}: going back from version {version} to what state #{good.serial} remembers: {attributes.get('image')}"
    )
    done = make(change, attributes, handler, "rollback", desk.operator)
    return done.pending[0] if done.pending else None


def _to_what_was_replaced(desk: Desk) -> Pending | None:
    """Where no state remembers a good version, the service does: the configuration that the last rollout replaced."""
    prior, api = desk.prior, desk.operations.api
    rollouts = api.list_rollouts(prior.identity)
    last = None if prior.facts.get(ROLLED_BACK) else last_rollout(prior, desk.application, rollouts)
    if last is None:
        raise ReconcilerError(
            f"no version of {desk.address} is known that ran well before this one",
            fix="neither the states that are kept nor its rollouts know one; change the manifest and apply",
            address=str(desk.address),
        )
    now, version = desk.operations.house.clock.now(), desk.application.get("version")
    image = next(one for one in rollouts if one["id"] == last.token["rollout"])["current_configuration"].get(
        "image"
    )
    fact = {"at": now, "version": version, "to": 0, "image": image, "paths": ["image"]}
    knowing = replace(prior, facts={**prior.facts, ROLLED_BACK: fact})
    note(f"{desk.address}: going back from version {version} to what it replaced: {image}")
    return _taken_back(desk, last, knowing)


def _taken_back(desk: Desk, pending: Pending, prior: Prior) -> Pending | None:
    done = choose(REVERT, pending, prior, desk.handler, desk.operator, undoing(pending))
    return done.pending[0] if done.pending else None
