"""Does one thing to one application under the lock, waits for what follows, and says what came of it.

Shared by `rollout next|previous|revert`, `rollback` and `restart`; nothing is asked, and no manifest is read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import click

from reconciler.cli.interrupts import interruptible, note_interrupted
from reconciler.cli.operating import Operations, open_operations
from reconciler.cli.options import Common
from reconciler.cli.rollout_report import report_of
from reconciler.cli.saying import answer, note
from reconciler.engine.executor import Run, execute
from reconciler.engine.operate import Operator, watch
from reconciler.engine.recover import recover
from reconciler.engine.scrubbing import scrubbed
from reconciler.errors import NotFoundError, ReconcilerError
from reconciler.model.address import ResourceAddress
from reconciler.model.event import Event
from reconciler.model.handler import Gate, Handler
from reconciler.model.plan import Plan
from reconciler.model.resource import Pending, Prior
from reconciler.model.state import State
from reconciler.model.stop import StopSignal
from reconciler.render.machine import render_json
from reconciler.render.progress import LineProgress, LiveProgress, Progress, Tally
from reconciler.render.rollouts import report_text
from reconciler.storage.journal import NotDurableError

Function = Callable[..., Any]


@dataclass(slots=True)
class Desk:
    """One application, seen under the lock; what happens to it is durable before the next thing does."""

    operations: Operations
    address: ResourceAddress
    state: State
    run: str
    tally: Tally = field(default_factory=Tally)
    progress: Progress | None = None
    application: Mapping[str, Any] = field(default_factory=dict)

    @property
    def prior(self) -> Prior:
        """What is remembered of it."""
        return self.state.resources[self.address]

    @property
    def handler(self) -> Handler:
        """Who knows its kind."""
        return self.operations.house.handlers[self.address.kind]

    @property
    def operator(self) -> Operator:
        """Who works, and where it is recorded."""
        house = self.operations.house
        return Operator(self.record, house.clock, house.stop, house.by, self.run, house.new_id)

    def record(self, batch: tuple[Event, ...]) -> None:
        """Makes events durable, and then known."""
        batch = scrubbed(batch, self.operations.house.scrub)
        self.operations.store.append(batch)
        self.state = self.state.after(batch)
        self.tally.take(batch)
        if self.progress is not None:
            self.progress.report(batch)


Deed = Callable[[Desk], Pending | None]
"""What a command does; it gives what is to be watched afterwards."""


def rolling_options(function: Function) -> Function:
    """Adds `--yes` and `--no-wait`."""
    function = click.option("--no-wait", is_flag=True, help="Do not wait for what follows.")(function)
    return click.option("--yes", is_flag=True, help="Nothing is asked anyway.")(function)


def carry_out(common: Common, app: str, command: str, deed: Deed, *, wait: bool) -> int:
    """Does it; gives the exit code."""
    stop = StopSignal()
    with interruptible(stop), open_operations(common, stop=stop) as operations:
        address = operations.application(app).address
        operations.store.check_writable()
        with operations.store.lock(command):
            desk = _open(operations, address)
            with _committed(desk):
                _do(desk, deed, wait=wait)
        return _conclude(desk, interrupted=stop())


@contextmanager
def _committed(desk: Desk) -> Iterator[None]:
    """Writes the state at the end, however it ends; where the disk has refused events, the error tells what they were."""
    try:
        yield
    except NotDurableError:
        raise
    except BaseException:
        desk.operations.store.commit(desk.state)
        raise
    desk.operations.store.commit(desk.state)


def _open(operations: Operations, address: ResourceAddress) -> Desk:
    """The application under the lock, with what an earlier run began on it and never ended settled first."""
    run = operations.house.new_id()
    state = operations.store.begin_run(operations.read(), run)
    desk = Desk(operations, address, state, run)
    open_here = {key: one for key, one in state.intents.items() if one.begun.address == address}
    if open_here:
        mine = replace(state, intents=open_here)
        desk.record(recover(mine, operations.house.handlers, operations.house.clock).events)
    try:
        desk.application = operations.api.get_application(desk.prior.identity)
    except NotFoundError:
        raise ReconcilerError(
            f"{address} ({desk.prior.identity}) is gone: somebody deleted it",
            fix="`apply` makes it anew",
            address=str(address),
        ) from None
    return desk


def _do(desk: Desk, deed: Deed, *, wait: bool) -> None:
    pending = deed(desk)
    if pending is None or not wait:
        return
    blueprint = watch(desk.prior, pending, desk.state, desk.operations.house.handlers)
    desk.progress = _progress(desk.operations.common, len(blueprint.steps), blueprint.plan)
    house = desk.operations.house
    run = Run(desk.run, house.by, house.clock, house.stop, _leave_to_a_person, house.new_id)
    try:
        for batch in execute(blueprint, house.handlers, run):
            desk.record(batch)
    finally:
        desk.progress.close()
        desk.progress = None


def _leave_to_a_person(_gate: Gate) -> str:
    """The next step is another command."""
    return "stop"


def _progress(common: Common, steps: int, plan: Plan) -> Progress:
    lives = sys.stderr.isatty() and not common.no_color and os.environ.get("TERM") != "dumb"
    return LiveProgress(sys.stderr, steps, plan) if lives and not common.json else LineProgress(sys.stderr)


def _conclude(desk: Desk, *, interrupted: bool) -> int:
    common, tally = desk.operations.common, desk.tally
    report = report_of(desk.operations.api, desk.prior)
    answer(render_json(report) if common.json else report_text(report))
    for line in tally.notes:
        note(line)
    for failure in tally.failed:
        note(f"error: {failure.address}: {failure.message}" + (f"; {failure.fix}" if failure.fix else ""))
    late = [left for left in tally.unsettled if not left.on_purpose]
    for left in late:
        note(f"{left.address}: its {left.pending.what} is still under way: {left.reason}")
    if interrupted:
        note_interrupted()
        return 130
    return 4 if tally.failed or late else 0
