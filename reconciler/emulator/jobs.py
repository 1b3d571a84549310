"""Jobs: runs to completion in the world's time (reference 2.3).

A job is queued, runs from a quarter of `job_seconds` on, and stops at its end, at its timeout or when it is told to.
How it ends is what the settings say: `job_exit`, `unhealthy`, else 0. Values of its secrets are not kept.
"""

from __future__ import annotations

import uuid

from reconciler.emulator import bodies, sizes
from reconciler.emulator.answers import Answer, ServiceError, ok
from reconciler.emulator.applications import checked
from reconciler.emulator.call import Call
from reconciler.emulator.clock import iso
from reconciler.emulator.images import check_image
from reconciler.emulator.instance_facts import event
from reconciler.emulator.routing import Routes
from reconciler.emulator.settings import Settings
from reconciler.emulator.shapes import validate
from reconciler.emulator.world import Object, World

JOB = "job"
BESIDE = "_job"
DEFAULT_TIMEOUT = 3600
TIMED_OUT = 124
TERMINATED = 143

routes = Routes("/accounts/{account}/containers", "/accounts/{account}/cloudchamber")


@routes.add("POST", "/applications/{application_id}/jobs")
def create(call: Call, application_id: str) -> Answer:
    """Queues a job of an application that was created with `jobs: true`."""
    application = checked(call, application_id)
    if not application.get("jobs"):
        raise ServiceError(
            400, "JOB_CREATE_NOT_ALLOWED", {".": "the application was not created with jobs: true"}
        )
    body = call.fields()
    validate(body, bodies.CREATE_JOB)
    size = sizes.size_of(body, sizes.size_of(application["configuration"], (0, 0, 0)))
    sizes.check_size(body, size, call.world.settings.limits, path="job")
    image = body.get("image", application["configuration"]["image"])
    check_image(call.world, call.account, image)
    job = _job(call, application, body, size, image)
    call.world.put(JOB, call.account, job["id"], job)
    length = min(call.world.settings.job_seconds, job["timeout"])
    beside = {"id": job["id"], "application_id": application_id, "ends_at": call.now + length}
    call.world.put(BESIDE, call.account, job["id"], beside)
    call.world.schedule(JOB, call.account, job["id"], call.now + length / 4)
    return ok(job, 201)


def _job(call: Call, application: Object, body: Object, size: sizes.Size, image: str) -> Object:
    variables = {item["name"]: item for item in application["configuration"].get("environment_variables", [])}
    variables |= {item["name"]: item for item in body.get("environment_variables", [])}
    fields = sizes.fields(size)
    return {
        "id": str(uuid.uuid4()),
        "app_id": application["id"],
        "created_at": iso(call.now),
        "entrypoint": body["entrypoint"],
        "command": body["command"],
        "status": {"health": "Queued"},
        "events": [],
        "image": image,
        **fields,
        "vcpus": fields["vcpu"],
        "memory_mb": fields["memory_mib"],
        "disk_mb": {"size_mb": fields["disk"]["size_mb"]},
        "environment_variables": list(variables.values()),
        "secrets": [{"name": item["name"], "type": item["type"]} for item in body.get("secrets", [])],
        "timeout": body.get("timeout", DEFAULT_TIMEOUT),
        "terminate": False,
    }


def advance(world: World, account: str, job_id: str, at: float) -> None:
    """Starts a queued job, ends a running one."""
    job = world.get(JOB, account, job_id)
    beside = world.get(BESIDE, account, job_id)
    if job is None or beside is None:
        return
    if job["status"]["health"] == "Queued":
        world.schedule(JOB, account, job_id, beside["ends_at"])
        _change(
            world,
            account,
            job,
            {"health": "Running"},
            ["SchedulerPlaced", "ImagePulled", "ContainerStarted"],
            at,
        )
    else:
        timed_out = job["timeout"] < world.settings.job_seconds
        code = TIMED_OUT if timed_out else exit_code(world.settings, job)
        _stop(world, account, job, code, at)


def exit_code(settings: Settings, job: Object) -> int:
    """What a job ends with that is left alone: by its image, by its command, else 0 (interface 6)."""
    if settings.is_unhealthy(job["image"]):
        return 1
    spoken = (job["command"], job["entrypoint"], [*job["entrypoint"], *job["command"]])
    return next((int(rule["code"]) for rule in settings.job_exit if rule["command"] in spoken), 0)


def _stop(world: World, account: str, job: Object, code: int, at: float) -> Object:
    status = {"health": "Stopped", "exit_code": code}
    return _change(world, account, job, status, ["VMStopped" if code == 0 else "VMFailed"], at)


def _change(world: World, account: str, job: Object, status: Object, names: list[str], at: float) -> Object:
    known = len(job["events"])
    new = [event(job["id"], known + number, name, iso(at)) for number, name in enumerate(names)]
    changed = {**job, "status": status, "events": [*job["events"], *new]}
    world.put(JOB, account, job["id"], changed, at=at)
    return changed


def _find(call: Call, application_id: str, job_id: str) -> Object:
    checked(call, application_id)
    job = call.world.get(JOB, call.account, job_id)
    if job is None or job["app_id"] != application_id:
        raise ServiceError(404, "Job not found")
    return job


@routes.add("GET", "/applications/{application_id}/jobs/{job_id}")
def get(call: Call, application_id: str, job_id: str) -> Answer:
    """One job."""
    return ok(_find(call, application_id, job_id))


@routes.add("PATCH", "/applications/{application_id}/jobs/{job_id}")
def modify(call: Call, application_id: str, job_id: str) -> Answer:
    """Asks a job to stop; nothing else of it can change."""
    job = _find(call, application_id, job_id)
    body = call.fields()
    validate(body, bodies.MODIFY_JOB)
    if body.get("terminate") and job["status"]["health"] != "Stopped":
        call.world.schedule(JOB, call.account, job_id, None)
        job = _stop(call.world, call.account, {**job, "terminate": True}, TERMINATED, call.now)
    return ok(job)


@routes.add("DELETE", "/applications/{application_id}/jobs/{job_id}")
def delete(call: Call, application_id: str, job_id: str) -> Answer:
    """Forgets a job, and stops it if it runs."""
    _find(call, application_id, job_id)
    call.world.schedule(JOB, call.account, job_id, None)
    call.world.remove(JOB, call.account, job_id)
    call.world.remove(BESIDE, call.account, job_id)
    return ok({"message": "Job deleted"})


@routes.add("GET", "/applications/{application_id}/status")
def queue(call: Call, application_id: str) -> Answer:
    """The queue of a jobs application: the status of every job by its id (the map's content is not documented)."""
    application = checked(call, application_id)
    if not application.get("jobs"):
        raise ServiceError(404, "Application not found")
    mine = call.world.where(BESIDE, call.account, "application_id", application_id)
    jobs = {item["id"]: call.world.get(JOB, call.account, item["id"]) for item in mine}
    statuses = {job_id: job["status"] for job_id, job in jobs.items() if job}
    running = sum(status["health"] == "Running" for status in statuses.values())
    queued = sum(status["health"] == "Queued" for status in statuses.values())
    return ok({"scheduler": {"queued": queued, "running": running}, "jobs": statuses})
