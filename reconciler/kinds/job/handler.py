"""Everything the house knows about jobs: runs to completion of an application that was made for them (reference 2.3).

There is no list of jobs, so what ran is remembered. A run knows itself by RECONCILER_RUN, which is also how one whose
answer was lost is found again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from reconciler.errors import NotFoundError, ProviderError, ReconcilerError
from reconciler.kinds.job.bind import RUN_VARIABLE, read_job
from reconciler.kinds.job.standing import (
    body_of,
    health_of,
    history_of,
    observed,
    parts_of,
    told,
    variable_of,
    waiting_for,
    why_bad,
)
from reconciler.kinds.job.table import KIND
from reconciler.kinds.shared.image_resolving import ResolveImage, image_details, image_facts, pinned_images
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Change
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
from reconciler.model.value import Attributes

BEGAN = "began"
ENDED = "ended"
ON_LOST = "on_lost"
"""What is to happen to a lost run, remembered for runs that no manifest asks for."""
_STOPPED = "Stopped"
_STAGES = ("Queued", "Scheduled", "Placed", "Running")
_AGAIN_IN = 2.0


class JobsApi(Protocol):
    """The part of Cloudflare's API that jobs need."""

    def create_job(self, application_id: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Starts a job."""

    def get_job(self, application_id: str, job_id: str) -> Mapping[str, Any]:
        """One job with its events."""

    def find_job(
        self, application_id: str, is_it: Callable[[dict[str, Any]], bool]
    ) -> Mapping[str, Any] | None:
        """The one among the jobs that an application knows; None once none can be hidden any more."""


class JobHandler(Handler):
    """Knows jobs. `resolve_image` says what an image comes to that a job names by itself."""

    kind = KIND

    def __init__(self, api: JobsApi | None = None, *, resolve_image: ResolveImage | None = None) -> None:
        self._api = api
        self._resolve_image = resolve_image

    # thinking

    def bind(self, block: Attributes, context: BindContext) -> Bound:
        """What the run is given, and when it is to run."""
        return read_job(block, context)

    def judge(self, change: Change) -> Judgement:
        """A run stops nothing; its own image is told."""
        return replace(super().judge(change), details=image_details(change), reads=1)

    # looking

    def prepare(
        self, wishes: Sequence[Desired], context: PrepareContext
    ) -> Mapping[ResourceAddress, Prepared]:
        """Pins images that are named by their tag."""
        return pinned_images(self._resolve_image, wishes, context)

    def observe(self, look: Look) -> Sighting:
        """What ran is remembered, and asks for nothing; a run that a user names is read."""
        seen = {subject.address: self._seen(subject) for subject in look.subjects}
        return Sighting({address: one for address, one in seen.items() if one is not None})

    def _seen(self, subject: Subject) -> Observed | None:
        if subject.import_id:
            return self._named(subject.import_id)
        prior = subject.prior
        if prior is None or not prior.identity:
            return None
        return Observed(prior.identity, "", {}, {**prior.outputs, **prior.facts.get(ENDED, {})})

    def _named(self, identity: str) -> Observed | None:
        try:
            return observed(self._jobs.get_job(*parts_of(identity)))
        except NotFoundError:
            return None

    @property
    def _jobs(self) -> JobsApi:
        if self._api is None:
            raise ReconcilerError("jobs cannot be asked for here")
        return self._api

    # doing

    def create(self, change: Change, work: Work) -> Result:
        """Starts a run, unless an earlier attempt turns out to have started it."""
        run = str(work.before.get(BEGAN, {}).get("run", work.operation))
        job = self._lost(change, run) if work.again else None
        if job is None:
            work.checkpoint(BEGAN, {"run": run})
            job = self._jobs.create_job(str(change.wanted["application"]), body_of(change.wanted, run))
        return replace(
            waiting_for(change.address, job), facts={ON_LOST: _on_lost(change), **image_facts(change)}
        )

    def _lost(self, change: Change, run: str) -> Mapping[str, Any] | None:
        """The job that was started under this id; raises where there is none and the manifest says to stop then."""
        application = str(change.wanted["application"])
        job = self._jobs.find_job(application, lambda job: variable_of(job, RUN_VARIABLE) == run)
        if job is None and _on_lost(change) == "stop":
            raise ProviderError(
                f"a run was begun ({RUN_VARIABLE}={run}), its answer lost, and the service knows of none",
                fix="find out whether it ran; the next apply starts it again (`on_lost: stop`)",
            )
        return job

    def update(self, change: Change, work: Work) -> Result:
        """Takes over a run that was started elsewhere."""
        del work
        assert change.observed is not None
        return waiting_for(change.address, self._jobs.get_job(*parts_of(change.observed.identity)))

    def delete(self, change: Change, work: Work) -> Pending | None:
        """Deletes nothing: what ran, ran."""
        del change, work
        return None

    # waiting

    def settle(self, waiting: Sequence[Pending]) -> Mapping[ResourceAddress, Standing]:
        """One question for each: there is no list of jobs."""
        return {pending.address: self._standing(pending) for pending in waiting}

    def _standing(self, pending: Pending) -> Standing:
        application, job_id = str(pending.token["application"]), str(pending.token["job"])
        try:
            job = self._jobs.get_job(application, job_id)
        except NotFoundError:
            return Stuck(f"the job {job_id} is gone, and nobody can say how it ended", "failed")
        health = health_of(job)
        if health != _STOPPED:
            done = _STAGES.index(health) if health in _STAGES else 0
            return Moving(done, 0, told(job), _AGAIN_IN)
        seen = observed(job)
        facts = {ENDED: {key: seen.outputs.get(key) for key in ("status", "exit_code")}}
        history = history_of(job)
        if reason := why_bad(job):
            what = f"{reason} ({history})" if history else reason
            return Stuck(what, "failed", fix="correct it and apply again", facts=facts)
        return Settled(seen, facts, (history,) if history else ())


def _on_lost(change: Change) -> str:
    settings = change.desired.settings if change.desired else {}
    return str(settings.get(ON_LOST, "rerun"))
