from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from reconciler.emulator.server import LocalServer
from reconciler.errors import ProviderError, ReconcilerError
from reconciler.kinds.job.bind import _seconds, read_job
from reconciler.kinds.job.handler import JobHandler
from reconciler.kinds.job.standing import body_of, parts_of, why_bad
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Action, Change
from reconciler.model.resource import Desired, Pending, Prior
from reconciler.model.value import Ref, Secret
from tests.kinds.emulated import Emulated, bind, emulated
from tests.kinds.kind_bench import ACCOUNT, changes, failures

MIGRATE = ResourceAddress("job", "migrate")
TASKS = ResourceAddress("application", "tasks")
IMAGE = f"registry.cloudflare.com/{ACCOUNT}/shop:1"


@dataclass
class Attempt:
    """The work of one attempt."""

    operation: str = "run-2"
    before: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    again: bool = False

    def checkpoint(self, name: str, facts: Mapping[str, Any]) -> None:
        self.before = {**self.before, name: facts}

    def progress(self, done: float, of: float, note: str) -> None: ...

    def stopping(self) -> bool:
        return False


@pytest.fixture
def cloud(shared_emulator: LocalServer) -> Iterator[Emulated]:
    with emulated(shared_emulator, JobHandler) as made:
        made.drive("PUT", "settings", {"missing_images": "accept", "job_seconds": 0, "job_exit": []})
        yield made
        made.drive("PUT", "settings", {"missing_images": "refuse", "job_seconds": 1})


def application(cloud: Emulated, *, jobs: bool = True) -> str:
    configuration = {"image": IMAGE, "instance_type": "lite"}
    body = {"name": "tasks", "scheduling_policy": "default", "instances": 0, "configuration": configuration}
    return str(cloud.api.create_application({**body, "jobs": jobs})["id"])


def wish(application: str, *, on_lost: str = "rerun", **inputs: Any) -> Desired:
    attributes = {"application": application, "command": ["migrate"], **inputs}
    return Desired(MIGRATE, attributes, settings={"run": "on_change", "on_lost": on_lost})


def starting(wanted: Desired) -> Change:
    return Change(MIGRATE, Action.RUN, wanted, wanted=wanted.attributes)


def test_a_block_runs_the_applications_image_unless_it_names_another() -> None:
    sections = {"applications": {"tasks": {"jobs": True}}}
    block = {"application": Ref(TASKS, ()), "timeout": "1m30s", "instance_type": "standard"}
    bound, errors = bind(JobHandler(), block, sections=sections, text_of=lambda *_: True)
    assert errors == []
    assert bound.attributes["application"] == Ref(TASKS, ("id",), "${applications.tasks.id}")
    assert bound.attributes["image"] == Ref(TASKS, ("image",), "${applications.tasks.image}")
    assert (bound.attributes["timeout"], bound.attributes["instance_type"]) == (90, "standard-1")
    assert bound.settings == {"run": "on_change", "on_lost": "rerun", "instance_type": "standard-1"}


@pytest.mark.parametrize("written", ["tasks", "application.tasks", "applications.tasks"])
def test_an_application_is_named_by_key_or_address(written: str) -> None:
    sections = {"applications": {"tasks": {"jobs": True}}}
    bound, errors = bind(JobHandler(), {"application": written}, sections=sections, text_of=lambda *_: True)
    assert (errors, bound.attributes["application"].address) == ([], TASKS)


@pytest.mark.parametrize("written", ["nobody", "worker.tasks", "no address", 5, Ref(MIGRATE, ())])
def test_what_is_no_application_is_told(written: Any) -> None:
    sections = {"applications": {"tasks": {"jobs": True}}}
    [(path, code, _)] = bind(JobHandler(), {"application": written}, sections=sections)[1]
    assert (path, code) == (("application",), "J101")


@pytest.mark.parametrize(
    ("written", "comes"), [("10m", 600), ("500ms", 0.5), (30, 30), (1.5, 1.5), ("x", "x")]
)
def test_a_timeout_is_in_seconds(written: Any, comes: Any) -> None:
    assert _seconds(written) == comes


def test_an_external_job_says_nothing() -> None:
    assert bind(JobHandler(), {}, external=True)[0].attributes == {}
    assert read_job.__doc__


def test_a_body_holds_the_run_and_what_is_set() -> None:
    body = body_of(
        {
            "application": "a",
            "environment_variables": {"A": "1"},
            "instance_type": {"vcpu": 1, "memory_mib": 3072},
            "secrets": {"S": Secret("k:1", lambda: "value"), "PLAIN": "x"},
        },
        "run-1",
    )
    assert body == {
        "entrypoint": [],
        "command": [],
        "environment_variables": [{"name": "A", "value": "1"}, {"name": "RECONCILER_RUN", "value": "run-1"}],
        "vcpu": 1,
        "memory_mib": 3072,
        "secrets": [
            {"name": "S", "value": "value", "type": "env"},
            {"name": "PLAIN", "value": "x", "type": "env"},
        ],
    }


def test_a_secret_that_is_not_at_hand_is_named() -> None:
    with pytest.raises(ReconcilerError, match="the secret S is not at hand"):
        body_of({"secrets": {"S": Secret()}}, "run-1")


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        ({"status": {"exit_code": 0}, "events": [{"name": "VMFailed"}]}, ""),
        ({"status": {"exit_code": 2}}, "it ended with 2"),
        ({"status": {"exit_code": 2}, "events": [{"message": "boom"}]}, "it ended with 2: boom"),
        ({"status": {"exit_code": 124}, "timeout": 5, "events": [{"message": "late"}]}, "timeout (5 s)"),
        ({"status": {}, "terminate": True}, "it was told to stop"),
        ({"status": {}, "events": [{"name": "ImagePullError"}, {"name": "VMStopped"}]}, "ImagePullError"),
        ({"status": {}, "events": [{"name": "VMStopped"}]}, ""),
    ],
)
def test_how_a_run_ended_is_read_from_code_and_events(job: dict[str, Any], reason: str) -> None:
    assert reason in why_bad(job)
    assert bool(reason) == bool(why_bad(job))


def test_an_identity_is_application_and_id() -> None:
    assert parts_of("a/b") == ("a", "b")
    with pytest.raises(ReconcilerError, match="names no job"):
        parts_of("b")


def test_an_attempt_that_was_cut_off_is_found_by_its_own_id(cloud: Emulated) -> None:
    """The process ended after the request: the checkpoint has the id under which the run was started."""
    handler, wanted = JobHandler(cloud.api), wish(application(cloud))
    first = Attempt("run-1")
    began = handler.create(starting(wanted), first)
    later = handler.create(starting(wanted), Attempt("run-2", first.before, again=True))
    assert later.observed.identity == began.observed.identity
    assert len(cloud.world("job")) == 1


def test_an_attempt_that_came_to_nothing_is_repeated_under_the_same_id(cloud: Emulated) -> None:
    wanted = wish(application(cloud))
    attempt = Attempt("run-2", {"began": {"run": "run-1"}}, again=True)
    JobHandler(cloud.api).create(starting(wanted), attempt)
    [job] = cloud.world("job")
    assert {"name": "RECONCILER_RUN", "value": "run-1"} in job["environment_variables"]


def test_with_on_lost_stop_it_is_not_repeated(cloud: Emulated) -> None:
    wanted = wish(application(cloud), on_lost="stop")
    attempt = Attempt("run-2", {"began": {"run": "run-1"}}, again=True)
    with pytest.raises(ProviderError, match="RECONCILER_RUN=run-1"):
        JobHandler(cloud.api).create(starting(wanted), attempt)
    assert cloud.world("job") == []


def test_a_run_under_way_is_watched_and_not_joined(cloud: Emulated) -> None:
    target = application(cloud)
    body = {"entrypoint": [], "command": ["migrate"]}
    job = cloud.api.create_job(target, body)
    token = {"application": target, "job": job["id"]}
    pending = Pending(MIGRATE, "job", token, job["created_at"])
    known = wish(target)
    prior = Prior(MIGRATE, f"{target}/{job['id']}", attributes=known.attributes, pending=(pending,))
    cloud.bench.state = replace(cloud.bench.state, resources={MIGRATE: prior})
    other = wish(target, command=["other"])
    assert changes(cloud.bench.plan(other))["job.migrate"].action == "resume"
    assert failures(cloud.bench.apply(other)) == []
    assert len(cloud.world("job")) == 1
    assert changes(cloud.bench.plan(known)) == {}
    assert changes(cloud.bench.plan(other))["job.migrate"].action == "run"


def test_what_ran_is_not_asked_for_again(cloud: Emulated) -> None:
    wanted = wish(application(cloud))
    cloud.bench.apply(wanted)
    cloud.requests(reads=True)
    assert changes(cloud.bench.plan(wanted)) == {}
    assert cloud.requests(reads=True) == []
    assert cloud.bench.prior(MIGRATE).outputs["exit_code"] == 0


def test_a_job_that_is_gone_has_failed(cloud: Emulated) -> None:
    token = {"application": application(cloud), "job": "00000000-0000-4000-8000-000000000000"}
    [standing] = JobHandler(cloud.api).settle([Pending(MIGRATE, "job", token, "")]).values()
    assert "is gone" in standing.reason  # type: ignore[union-attr]


def test_an_application_without_jobs_is_refused_with_what_to_do(cloud: Emulated) -> None:
    wanted = wish(application(cloud, jobs=False))
    [said] = failures(cloud.bench.apply(wanted))
    assert ("JOB_CREATE_NOT_ALLOWED" in said, "jobs: true" in said) == (True, True), said


def test_a_service_that_refuses_jobs_is_quoted(cloud: Emulated) -> None:
    wanted = wish(application(cloud))
    cloud.drive("PUT", "settings", {"refuse": ["jobs"]})
    try:
        [said] = failures(cloud.bench.apply(wanted))
    finally:
        cloud.drive("PUT", "settings", {"refuse": []})
    assert "403" in said, said
    assert changes(cloud.bench.plan(wanted))["job.migrate"].action == "run"
