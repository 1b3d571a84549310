"""`jobs cancel ADDRESS`: stops the run of a job that is under way, also one that an apply elsewhere waits for.

It takes no lock and writes no state: whoever started the run records how it ended, or the next apply does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.jobs_status import job_run, run_of
from reconciler.cli.operating import open_operations
from reconciler.cli.options import Common, common_options
from reconciler.cli.saying import answer
from reconciler.cli.watching import pause
from reconciler.errors import ReconcilerError
from reconciler.render.harmless import harmless
from reconciler.render.jobs import JobRun
from reconciler.render.machine import render_json

if TYPE_CHECKING:
    from reconciler.clients.cloudflare import Cloudflare

_PAUSE = 1.0
_PATIENCE = 900  # SIGTERM, at most fifteen minutes, SIGKILL (reference 2.2)


@click.command("cancel")
@common_options
@click.argument("address")
@click.option("--yes", is_flag=True, help="Nothing is asked anyway.")
def command(common: Common, address: str, yes: bool) -> int:
    """Stop the run of the job ADDRESS that is under way, and wait until it has stopped."""
    del yes
    with open_operations(common) as operations:
        run = job_run(operations.api, operations.only(address, "job"))
        was_over = run.is_over
        if not was_over:
            run = _stopped(operations.api, run)
    if common.json:
        answer(render_json(run))
    else:
        what = "is not under way" if was_over else "was stopped"
        answer(harmless(f"{run.address} {what}: {run.told}") + "\n")
    return 0


def _stopped(api: Cloudflare, run: JobRun) -> JobRun:
    """Asks for its end, and waits for it."""
    job = api.terminate_job(run.application_id, run.id)
    for _ in range(_PATIENCE):
        run = run_of(run.address, job)
        if run.is_over:
            return run
        pause(_PAUSE)
        job = api.get_job(run.application_id, run.id)
    raise ReconcilerError(
        f"{run.address} was told to stop and still runs", fix="`jobs status` shows how it goes on"
    )
