"""`jobs run ADDRESS`: runs a job once more with its last inputs, under the lock, recorded as an apply records it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import click

from reconciler.cli.interrupts import interruptible, note_interrupted
from reconciler.cli.job_repeating import repeated
from reconciler.cli.jobs_status import job_run
from reconciler.cli.operating import Operations, open_operations
from reconciler.cli.options import Common, common_options
from reconciler.cli.saying import answer, note, width
from reconciler.cli.workplace import asker, config_folder, house_for, manifest_for
from reconciler.engine.planner import Blueprint
from reconciler.engine.recover import Again
from reconciler.errors import ApplyError, ReconcilerError, RefusedError
from reconciler.frozen import frozen
from reconciler.manifest import peek
from reconciler.model.address import ResourceAddress
from reconciler.model.event import Event
from reconciler.model.handler import Gate
from reconciler.model.manifest import Manifest
from reconciler.model.state import State
from reconciler.model.stop import StopSignal
from reconciler.render.amounts import age_text
from reconciler.render.jobs import JobsReport, jobs_text
from reconciler.render.machine import render_json
from reconciler.render.progress import LineProgress, Tally
from reconciler.workflow import carry_out, recover_state


@click.command("run")
@common_options
@click.argument("address")
@click.option("--yes", is_flag=True, help="Nothing is asked anyway.")
def command(common: Common, address: str, yes: bool) -> int:
    """Run the job ADDRESS now, as it was last applied, and wait for its end; exit 4 if it ends badly."""
    del yes
    stop = StopSignal()
    with interruptible(stop), open_operations(common, stop=stop) as operations:
        job = operations.only(address, "job").address
        tally = run_now(_with_secrets(operations), job)
        if tally.done:
            run = job_run(operations.api, operations.read().resources[job])
            age = partial(age_text, now=operations.transport.server_time())
            text = jobs_text(JobsReport((run,), ()), age, width(), with_events=True)
            answer(render_json(run) if common.json else text)
    return _conclude(tally, interrupted=stop())


def _with_secrets(operations: Operations) -> Operations:
    """The same, able to fetch secrets and to tell whether they are those of the last run."""
    clients = replace(
        operations.clients,
        keys=config_folder() / "keys",
        ask=asker(),
        fingerprint_key=_fingerprint_key(operations.common),
    )
    return replace(operations, house=house_for(clients, operations.transport, operations.store))


def _fingerprint_key(common: Common) -> Mapping[str, Any]:
    """Where the manifest says that the key of fingerprints is; nothing where it says so to nobody."""
    try:
        return peek(common.manifest_path(), common.environment_name()).state.get("fingerprint_key") or {}
    except ReconcilerError:
        return {}


def run_now(operations: Operations, address: ResourceAddress) -> Tally:
    """Runs a job once more; what began and what came of it is recorded as in an apply."""
    store, house = operations.store, operations.house
    store.check_writable()
    with store.lock("jobs run"):
        state = operations.read()
        _refuse_what_others_left(state, address)
        walk = _Walk(operations, address, house.new_id())
        blueprint = walk.blueprint(state)
        state = store.begin_run(state, walk.run_id)
        state, again = recover_state(state, store, house)
        if pending := state.resources[address].pending:
            note(f"{address}: its run of {pending[0].since} comes first")
            state = walk.carried_out(walk.blueprint(state), state)
            blueprint = walk.blueprint(state)
        tally = Tally()
        if not house.stop():
            state = walk.carried_out(blueprint, state, tally, again)
        store.commit(state)
    return tally


def _refuse_what_others_left(state: State, address: ResourceAddress) -> None:
    """Raises RefusedError where an earlier run was cut off that an apply has to look into."""
    others = sorted({str(one.begun.address) for one in state.intents.values()} - {str(address)})
    if others:
        raise RefusedError(
            f"an earlier run was cut off while it worked on {', '.join(others)}",
            fix="`apply` settles that first",
        )


@frozen
class _Walk:
    """One run of this command: everything in it is recorded under the same id."""

    operations: Operations
    address: ResourceAddress
    run_id: str

    def blueprint(self, state: State) -> Blueprint:
        """What has to be done for the job: watch the run that is under way, or run it again."""
        operations = self.operations
        prior = state.resources[self.address]
        return repeated(prior, state, operations.house, lambda: _manifest(operations.common))

    def carried_out(
        self, blueprint: Blueprint, state: State, tally: Tally | None = None, again: Again | None = None
    ) -> State:
        """The state after it."""
        counted, progress = tally or Tally(), LineProgress(sys.stderr)

        def report(batch: tuple[Event, ...]) -> None:
            counted.take(batch)
            progress.report(batch)

        operations = self.operations
        return carry_out(
            blueprint,
            state,
            operations.store,
            operations.house,
            run_id=self.run_id,
            decide_gate=_nobody,
            report=report,
            again=again,
        )


def _manifest(common: Common) -> Manifest:
    """The manifest, for the sources of secrets."""
    return manifest_for(common, common.manifest_path(), None)


def _nobody(gate: Gate) -> str:
    """Jobs have no gates."""
    del gate
    return "stop"


def _conclude(tally: Tally, *, interrupted: bool) -> int:
    """Says what went wrong; the exit code is that of an apply (interface 3). Raises what kept the run from starting."""
    for failure in tally.failed:
        if not tally.done:
            family = ApplyError if failure.uncertain or failure.prior else ReconcilerError
            raise family(failure.message, fix=failure.fix, address=str(failure.address))
        note(f"error: {failure.address}: {failure.message}" + (f"; {failure.fix}" if failure.fix else ""))
    for left in tally.unsettled:
        note(f"{left.address}: its run is still under way: {left.reason}")
    if interrupted:
        note_interrupted()
        return 130
    return 4 if tally.failed or tally.unsettled else 0
