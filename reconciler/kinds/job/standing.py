"""A job of the service: the body that starts it, how it stands and how it ended. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.errors import ReconcilerError
from reconciler.kinds.job.bind import RUN_VARIABLE
from reconciler.model.address import ResourceAddress
from reconciler.model.handler import Result
from reconciler.model.resource import Observed, Pending
from reconciler.model.value import Attributes, Secret, Value

WHAT = "job"
_TIMED_OUT = 124
_MOST_EVENTS = 12
_BAD_EVENTS = {
    "ImagePullError",
    "VMFailedToStart",
    "VMFailed",
    "RuntimeStartFailed",
    "NetworkingIPAssignmentFailed",
}


def body_of(wanted: Attributes, run: str) -> dict[str, Any]:
    """What starts a job; entrypoint and command must be there (reference 2.3)."""
    variables = {**(wanted.get("environment_variables") or {}), RUN_VARIABLE: run}
    body: dict[str, Any] = {
        "entrypoint": list(wanted.get("entrypoint") or ()),
        "command": list(wanted.get("command") or ()),
        "environment_variables": [{"name": name, "value": value} for name, value in variables.items()],
    }
    for key in ("image", "timeout"):
        if wanted.get(key) is not None:
            body[key] = wanted[key]
    size = wanted.get("instance_type")
    body |= size if isinstance(size, Mapping) else {"instance_type": size} if size else {}
    if secrets := wanted.get("secrets"):
        body["secrets"] = [
            {"name": name, "value": _revealed(name, value), "type": "env"} for name, value in secrets.items()
        ]
    return body


def _revealed(name: str, value: Value) -> str:
    if not isinstance(value, Secret):
        return str(value)
    try:
        return value.reveal()
    except LookupError as error:
        raise ReconcilerError(
            f"the value of the secret {name} is not at hand", fix="make its source available, and run again"
        ) from error


def waiting_for(address: ResourceAddress, job: Mapping[str, Any]) -> Result:
    """A run that was started, or taken over, and what its end is awaited by."""
    token = {"application": job["app_id"], "job": job["id"]}
    return Result(observed(job), Pending(address, WHAT, token, str(job.get("created_at", ""))))


def observed(job: Mapping[str, Any]) -> Observed:
    """A job as others may refer to it; what it was given cannot be read back whole."""
    outputs: dict[str, Value] = {"id": job["id"], "status": health_of(job)}
    if (code := _exit_code(job)) is not None:
        outputs["exit_code"] = code
    identity = f"{job['app_id']}/{job['id']}"
    return Observed(identity, "", {}, outputs, created_at=str(job.get("created_at", "")))


def parts_of(identity: str) -> tuple[str, str]:
    """The application's and the job's id. Raises ReconcilerError for what is no `APPLICATION/ID`."""
    application, slash, job = identity.partition("/")
    if not slash:
        raise ReconcilerError(f"{identity} names no job", fix="write APPLICATION/ID")
    return application, job


def health_of(job: Mapping[str, Any]) -> str:
    """How the service calls its standing."""
    return str((job.get("status") or {}).get("health", ""))


def _exit_code(job: Mapping[str, Any]) -> int | None:
    """The status is an open object, in which the code of a run that ended is found (reference 2.3)."""
    code = (job.get("status") or {}).get("exit_code")
    return code if isinstance(code, int) else None


def variable_of(job: Mapping[str, Any], name: str) -> str:
    """The value of a variable that it was given; "" without one."""
    variables = job.get("environment_variables") or ()
    return next((str(one.get("value")) for one in variables if one.get("name") == name), "")


def told(job: Mapping[str, Any]) -> str:
    """Where it stands, and the last that happened to it."""
    event = _last_event(job)
    return f"{health_of(job).lower()}: {event}" if event else health_of(job).lower()


def _last_event(job: Mapping[str, Any]) -> str:
    events = job.get("events") or ()
    return str(events[-1].get("message") or events[-1].get("name", "")) if events else ""


def history_of(job: Mapping[str, Any]) -> str:
    """What happened to it, in order: what went by between two looks is told at its end."""
    told = [str(event.get("message") or event.get("name", "")) for event in job.get("events") or ()]
    left_out = f"({len(told) - _MOST_EVENTS} more) … " if len(told) > _MOST_EVENTS else ""
    return left_out + " → ".join(told[-_MOST_EVENTS:])


def why_bad(job: Mapping[str, Any]) -> str:
    """Why a run that stopped did not end well; "" where it did."""
    code, last = _exit_code(job), _last_event(job)
    if code == 0:
        return ""
    if code is None:
        bad = [one for one in job.get("events") or () if one.get("name") in _BAD_EVENTS]
        cut = "it was told to stop" if job.get("terminate") else ""
        return cut or (str(bad[-1].get("message") or bad[-1]["name"]) if bad else "")
    if code == _TIMED_OUT:
        return f"it ended with {code}, as what exceeds its timeout ({job.get('timeout')} s) does: {last}"
    return f"it ended with {code}: {last}" if last else f"it ended with {code}"
