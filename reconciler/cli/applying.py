"""Carries a plan out under the lock, shows it happening, and says what came of it. Shared by apply and destroy."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from reconciler.cli.interrupts import note_interrupted
from reconciler.cli.planning import show_plan
from reconciler.cli.saying import answer, note
from reconciler.cli.workplace import Workplace
from reconciler.engine.guards import Allowance
from reconciler.engine.planner import Blueprint
from reconciler.engine.recover import Again
from reconciler.engine.saved_plan import check_same, check_serial, go_on
from reconciler.errors import AuthenticationError, ReconcilerError, RefusedError, StalePlanError
from reconciler.frozen import frozen
from reconciler.model.event import Event, StepFailed
from reconciler.model.handler import Gate
from reconciler.model.plan import Plan, PlannedSource
from reconciler.model.state import State
from reconciler.render.progress import LineProgress, LiveProgress, Progress, Tally, Together
from reconciler.storage.identity import is_loopback
from reconciler.workflow import (
    Wish,
    carry_out,
    check_allowed,
    check_sound,
    make_plan,
    recover_state,
)


@frozen
class Going:
    """How an apply was asked for."""

    yes: bool
    allowance: Allowance
    wait: bool = True
    saved: Plan | None = None
    plan_file: str = ""
    question: str = "Apply this plan?"
    expected_answer: str = "yes"
    command: str = "apply"


def apply_wish(workplace: Workplace, wish: Wish, going: Going, chosen: Mapping[str, Any]) -> int:
    """Plans, shows, asks, carries out; gives the exit code."""
    workplace.store.check_writable()
    shown = None
    if not going.yes and going.saved is None:
        shown = make_plan(workplace.manifest, workplace.state(), workplace.house, wish).plan
        _show(shown, workplace, chosen, going)
        if shown.is_empty:
            return _code_of_empty(shown)
        check_sound(shown)
        check_allowed(shown, going.allowance)
        _ask(going)
    with workplace.store.lock(going.command):
        return _under_lock(workplace, wish, going, chosen, going.saved or shown)


def _under_lock(
    workplace: Workplace,
    wish: Wish,
    going: Going,
    chosen: Mapping[str, Any],
    promised: Plan | None,
) -> int:
    house, store = workplace.house, workplace.store
    lineage = promised.state.lineage if promised else ""
    state = workplace.state(lineage)
    if promised is not None and promised.state.lineage != state.lineage:
        raise StalePlanError("the plan was made for another state", fix="plan again")
    run_id = house.new_id()
    again: Again = {}
    begun = {str(intent.begun.address) for intent in state.intents.values()}
    if begun:
        if promised is not None:
            check_serial(promised, state.serial)
        state = store.begin_run(state, run_id)
        state, again = recover_state(state, store, house)
    blueprint = make_plan(workplace.manifest, state, house, replace(wish, must_fetch=True))
    if promised is not None and not begun:
        blueprint = check_same(promised, blueprint)
    elif promised is not None:
        blueprint = go_on(promised, blueprint, begun)
    else:
        _show(blueprint.plan, workplace, chosen, going)
    check_sound(blueprint.plan)
    check_allowed(blueprint.plan, going.allowance)
    if blueprint.plan.is_empty:
        if begun:
            store.commit(state)
        return _code_of_empty(blueprint.plan)
    _check_permissions(workplace, blueprint.plan)
    if not begun:
        state = store.begin_run(state, run_id)
    return _carry_out(workplace, blueprint, state, going, run_id, again)


def _check_permissions(workplace: Workplace, plan: Plan) -> None:
    """Raises AuthenticationError where the API says that the token may not do what the plan needs; nothing is touched then.

    A stand-in on this machine takes any token for anything.
    """
    if is_loopback(workplace.identity.api_base_url) or not plan.permissions:
        return
    from reconciler.clients.cloudflare import Cloudflare
    from reconciler.clients.token_permissions import lacking

    api = Cloudflare(workplace.transport, workplace.identity.account_id)
    if missing := list(lacking(api, plan.permissions)):
        raise AuthenticationError(
            f"the token lacks {' and '.join(missing)}, which this plan needs; nothing was done",
            fix="give it that permission, or set another token in CLOUDFLARE_API_TOKEN",
        )


def _carry_out(
    workplace: Workplace,
    blueprint: Blueprint,
    state: State,
    going: Going,
    run_id: str,
    again: Again,
) -> int:
    house, store = workplace.house, workplace.store
    tally = Tally()
    progress = progress_for(workplace, blueprint)

    def report(batch: tuple[Event, ...]) -> None:
        tally.take(batch)
        progress.report(batch)

    try:
        state = carry_out(
            blueprint,
            state,
            store,
            house,
            run_id=run_id,
            decide_gate=_gatekeeper(progress),
            report=report,
            wait=going.wait,
            again=again,
        )
    finally:
        progress.close()
    state = store.commit(state)
    return _conclude(workplace, blueprint, state, tally)


def _conclude(workplace: Workplace, blueprint: Blueprint, state: State, tally: Tally) -> int:
    for line in tally.notes:
        note(line)
    interrupted = workplace.house.stop()
    refused = [change for change in blueprint.plan.changes if change.action == "refused"]
    if not workplace.common.json:
        answer(_summary(state, tally, len(refused)))
    places = {change.address: change.source for change in blueprint.plan.changes}
    for failure in tally.failed:
        note(f"error: {_said_of(failure, places.get(str(failure.address)))}")
        for line in failure.output.splitlines():
            note(f"  | {line}")
    for left in tally.unsettled:
        note(f"{left.address}: its {left.pending.what} is still under way: {left.reason}")
    if interrupted:
        note_interrupted()
        return 130
    if tally.failed or refused:
        return 4 if tally.done or any(one.uncertain or one.prior for one in tally.failed) else 1
    return 4 if any(not left.on_purpose for left in tally.unsettled) else 0


def _said_of(failure: StepFailed, source: PlannedSource | None) -> str:
    """Where, what, and what to do; what has left the manifest has no place there."""
    place = f"{source.file}:{source.line}:{source.column}  " if source and source.line else ""
    what_to_do = f"; {failure.fix}" if failure.fix else ""
    return f"{place}{failure.address}: {failure.message}{what_to_do}"


def _summary(state: State, tally: Tally, refused: int) -> str:
    parts = [f"{tally.done} done"]
    parts += [f"{len(tally.failed)} failed"] if tally.failed else []
    parts += [f"{len(tally.skipped)} skipped"] if tally.skipped else []
    parts += [f"{refused} refused"] if refused else []
    parts += [f"{len(tally.unsettled)} still under way"] if tally.unsettled else []
    lines = [f"Applied: {', '.join(parts)} (state #{state.serial})."]
    if state.outputs:
        from reconciler.render.values import shown

        lines.append("Outputs:")
        lines += [f"  {name} = {shown(value)}" for name, value in sorted(state.outputs.items())]
    return "\n".join(lines) + "\n"


def _show(plan: Plan, workplace: Workplace, chosen: Mapping[str, Any], going: Going) -> None:
    """The plan comes before what it leads to; with --json the events are the answer."""
    if workplace.common.json:
        return
    show_plan(plan, workplace, chosen, plan_file=going.plan_file)


def _code_of_empty(plan: Plan) -> int:
    return 1 if any(one.severity == "error" for one in plan.diagnostics) else 0


def _ask(going: Going) -> None:
    if not sys.stdin.isatty():
        raise RefusedError(
            "there is no terminal to ask on, and the plan was not allowed beforehand",
            fix="say --yes, or save the plan with `plan -o FILE` and apply that",
        )
    given = click.prompt(
        f"{going.question} ({going.expected_answer}/no)", default="no", show_default=False, err=True
    )
    if given.strip() != going.expected_answer:
        raise RefusedError("the answer was no; nothing was done")


def progress_for(workplace: Workplace, blueprint: Blueprint) -> Progress:
    """A display in place on a terminal, plain lines elsewhere; with --json events on stdout, the display beside them."""
    as_json = workplace.common.json
    in_place = sys.stderr.isatty() and not workplace.common.no_color and os.environ.get("TERM") != "dumb"
    if not in_place or (as_json and sys.stdout.isatty()):
        return JsonProgress() if as_json else LineProgress(sys.stderr)
    display = LiveProgress(sys.stderr, len(blueprint.steps), blueprint.plan)
    return Together(JsonProgress(), display) if as_json else display


class JsonProgress:
    """One event per line on stdout."""

    def report(self, batch: tuple[Event, ...]) -> None:
        """Prints a batch."""
        from reconciler.render.machine import event_json

        answer("".join(f"{event_json(event)}\n" for event in batch))

    def close(self) -> None:
        """Nothing to tidy up."""


def _gatekeeper(progress: Progress) -> Any:
    """Asks a person where there is one; elsewhere a gate stays closed, and the plan goes on another day."""

    def decide(gate: Gate) -> str:
        if not sys.stdin.isatty():
            return "stop"
        progress.close()
        return str(click.prompt(gate.question, type=click.Choice(gate.choices), err=True))

    return decide


def allowance_from(allow: tuple[str, ...], destroy: int | None) -> Allowance:
    """What `--allow HAZARD[:ADDRESS]` and `--allow-destroy N` come to. Raises ReconcilerError for PROTECTED without address."""
    hazards = set()
    for text in allow:
        code, _, address = text.partition(":")
        if code == "PROTECTED" and not address:
            raise ReconcilerError("--allow PROTECTED needs an address", fix="say --allow PROTECTED:ADDRESS")
        hazards.add((code, address))
    return Allowance(frozenset(hazards), destroy)
