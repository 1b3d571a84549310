"""`jobs status [ADDRESS]`: how the last run of each job stands, and what happened to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.operating import Operations, open_operations
from reconciler.cli.options import Common, common_options
from reconciler.cli.saying import width
from reconciler.cli.watching import show, watch_option
from reconciler.errors import NotFoundError
from reconciler.kinds.job.standing import health_of, observed, parts_of, why_bad
from reconciler.model.resource import Prior
from reconciler.model.state import State
from reconciler.render.amounts import age_text
from reconciler.render.happenings import happenings_in
from reconciler.render.jobs import JobRun, JobsReport, Queue, jobs_text

if TYPE_CHECKING:
    from reconciler.clients.cloudflare import Cloudflare


@click.command("status")
@common_options
@click.argument("address", required=False)
@watch_option
def command(common: Common, address: str | None, watch: bool) -> int:
    """Show how the last run of each job stands; with ADDRESS, of one job, with its events."""
    with open_operations(common) as operations:

        def look() -> JobsReport:
            state = operations.read()
            return report(operations.api, state, _chosen(operations, state, address))

        def text(found: JobsReport) -> str:
            age = partial(age_text, now=operations.transport.server_time())
            return jobs_text(found, age, width(), with_events=bool(address))

        show(common, look, text, watch=watch, is_over=lambda found: all(one.is_over for one in found.jobs))
    return 0


def _chosen(operations: Operations, state: State, address: str | None) -> list[Prior]:
    """The jobs that are meant, as they are remembered now: a run may have begun since."""
    if address is None:
        known = sorted(state.resources.values(), key=lambda prior: prior.address)
        return [prior for prior in known if prior.address.kind == "job"]
    meant = [prior.address for prior in operations.all(address, "job")]
    return [state.resources[one] for one in meant if one in state.resources]


def report(api: Cloudflare, state: State, priors: Iterable[Prior]) -> JobsReport:
    """The last runs of these jobs, and the queues of the applications they run in."""
    runs = tuple(job_run(api, prior) for prior in priors)
    names = {prior.identity: str(address) for address, prior in state.resources.items() if prior.identity}
    queues = [_queue(api, one, names) for one in sorted({one.application_id for one in runs if one.status})]
    return JobsReport(runs, tuple(queues))


def job_run(api: Cloudflare, prior: Prior) -> JobRun:
    """The last run that is remembered of a job, as the service has it now."""
    if not prior.identity:
        return JobRun(str(prior.address), "", "", "", None, "", "", "", ())
    application, job_id = parts_of(prior.identity)
    try:
        job = api.get_job(application, job_id)
    except NotFoundError:
        problem = "the service knows of it no more"
        return JobRun(str(prior.address), job_id, application, "", None, problem, "", "", ())
    return run_of(str(prior.address), job)


def run_of(address: str, job: Mapping[str, Any]) -> JobRun:
    """A job of the API as a run of a job of the manifest."""
    status = health_of(job)
    return JobRun(
        address=address,
        id=str(job["id"]),
        application_id=str(job["app_id"]),
        status=status,
        exit_code=observed(job).outputs.get("exit_code"),
        problem=why_bad(job) if status == "Stopped" else "",
        image=str(job.get("image", "")),
        began_at=str(job.get("created_at", "")),
        events=happenings_in(job),
    )


def _queue(api: Cloudflare, application: str, names: Mapping[str, str]) -> Queue:
    try:
        scheduler = api.get_application_status(application).get("scheduler") or {}
    except NotFoundError:
        scheduler = {}
    return Queue(names.get(application, application), scheduler)
