"""A script in the world: the worker, its versions, which of them is deployed (reference 3.3, 3.5).

Kind `worker` is what lists and answers show, `version` one upload, `_deployments` which versions were live when.
"""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from reconciler.emulator.answers import GatewayError
from reconciler.emulator.call import Call
from reconciler.emulator.clock import iso
from reconciler.emulator.script_bindings import shown
from reconciler.emulator.script_classes import classes_of
from reconciler.emulator.world import Object

NO_SUCH_SCRIPT = 10007
NO_SUCH_SERVICE = 10090
AUTHOR = "local@example.com"
VERSIONED = ("compatibility_date", "compatibility_flags", "limits", "placement", "usage_model")
UNVERSIONED = ("logpush", "observability", "tail_consumers", "tags")
_KEPT_DEPLOYMENTS = 20


def worker_of(call: Call, script: str) -> Object:
    """The worker, or the refusal that wrangler takes for "not there yet"."""
    worker = call.world.get("worker", call.account, script)
    if worker is None:
        raise GatewayError(404, NO_SUCH_SCRIPT, "This Worker does not exist on your account.")
    return worker


def service_of(call: Call, script: str) -> Object:
    """The worker, or the refusal of the older services API."""
    worker = call.world.get("worker", call.account, script)
    if worker is None:
        raise GatewayError(404, NO_SUCH_SERVICE, "workers.api.error.service_not_found")
    return worker


def deployments_of(call: Call, script: str) -> list[Object]:
    """The deployments of a script, newest first."""
    record = call.world.get("_deployments", call.account, script) or {"items": []}
    items: list[Object] = record["items"]
    return items


def versions_of(call: Call, script: str) -> list[Object]:
    """The versions of a script, newest first."""
    found = call.world.where("version", call.account, "script", script)
    return sorted(found, key=lambda version: -version["number"])


def live_version(call: Call, script: str) -> Object:
    """The version that is deployed, or of several the one with the largest share."""
    worker_of(call, script)
    return _largest(call, deployments_of(call, script)[0]["versions"])


def add_version(call: Call, script: str, facts: Object) -> Object:
    """Records a version: the facts that are its own, under a new id and number."""
    newest = call.world.get("_deployments", call.account, script) or {}
    number = newest.get("newest", 0) + 1
    now = iso(call.now)
    head = {"id": str(uuid.uuid4()), "name": script, "script": script, "number": number}
    made = {"created_on": now, "modified_on": now, "source": source_of(call)}
    version = head | made | {"annotations": {}} | facts
    call.world.put("version", call.account, version["id"], version)
    record = {"items": newest.get("items", []), "newest": number, "newest_id": version["id"]}
    call.world.put("_deployments", call.account, script, record)
    return version


def is_live(call: Call, script: str, version: str) -> bool:
    """Whether a version is deployed, alone or with others."""
    return any(share["version_id"] == version for share in deployments_of(call, script)[0]["versions"])


def newest_id(call: Call, script: str) -> str:
    """The version that was made last, deployed or not."""
    record = call.world.get("_deployments", call.account, script) or {}
    return str(record.get("newest_id", ""))


def deploy(
    call: Call, script: str, shares: list[Object], annotations: Object, changes: Object | None = None
) -> Object:
    """Makes versions live; the worker shows the largest, and what else changes with it."""
    deployment = {
        "id": str(uuid.uuid4()),
        "source": source_of(call),
        "strategy": "percentage",
        "author_email": AUTHOR,
        "annotations": annotations,
        "created_on": iso(call.now),
        "versions": shares,
    }
    record = call.world.get("_deployments", call.account, script) or {}
    items = [deployment, *record.get("items", [])][:_KEPT_DEPLOYMENTS]
    call.world.put("_deployments", call.account, script, record | {"items": items})
    version = _largest(call, shares)
    classes = classes_of(call.world, call.account, script)
    classes.mark(version["containers"])
    classes.write()
    shown_of_version = {key: version[key] for key in ("etag", "handlers", "has_modules", *VERSIONED)}
    live = {"last_deployed_from": source_of(call), "deployment_id": undashed(version["id"])}
    change_worker(call, script, shown_of_version | live | (changes or {}))
    return deployment


def deploy_alone(
    call: Call, script: str, version: Object, trigger: str, changes: Object | None = None
) -> Object:
    """Makes one version live for all requests."""
    shares = [{"version_id": version["id"], "percentage": 100}]
    return deploy(call, script, shares, {"workers/triggered_by": trigger}, changes)


def change_worker(call: Call, script: str, changes: Object) -> Object:
    """Changes what is not part of a version."""
    worker = call.world.get("worker", call.account, script) or _new_worker(call, script)
    changed = worker | changes | {"modified_on": iso(call.now)}
    call.world.put("worker", call.account, script, changed)
    return changed


def copied(version: Object) -> Object:
    """The facts of a version for the next one that differs little."""
    own = ("id", "name", "script", "number", "created_on", "modified_on", "source", "annotations")
    return {key: value for key, value in version.items() if key not in own}


def source_of(call: Call) -> str:
    """Who is uploading, as wrangler wants to know it of the last deploy."""
    return "wrangler" if call.headers.get("user-agent", "").startswith("wrangler/") else "api"


def undashed(version: str) -> str:
    """A version's id as uploads are answered with it (reference 1.9)."""
    return version.replace("-", "")


def version_view(version: Object) -> dict[str, Any]:
    """A version as it is read."""
    runtime = {
        key: version[key] for key in ("compatibility_date", "compatibility_flags", "limits", "usage_model")
    }
    script = {
        "etag": version["etag"],
        "handlers": version["handlers"],
        "last_deployed_from": version["source"],
    }
    return {
        "id": version["id"],
        "number": version["number"],
        "metadata": {
            "created_on": version["created_on"],
            "modified_on": version["modified_on"],
            "source": version["source"],
            "author_id": hashlib.sha256(AUTHOR.encode()).hexdigest()[:32],
            "author_email": AUTHOR,
            "hasPreview": False,
        },
        "annotations": version["annotations"],
        "resources": {
            "bindings": shown(version["bindings"]),
            "script": script,
            "script_runtime": runtime,
        },
        "startup_time_ms": 1,
    }


def _new_worker(call: Call, script: str) -> Object:
    return {
        "id": script,
        "name": script,
        "tag": uuid.uuid4().hex,
        "tags": [],
        "created_on": iso(call.now),
        "logpush": False,
        "observability": {"enabled": False},
        "tail_consumers": [],
        "has_assets": False,
        "subdomain": {"enabled": False, "previews_enabled": False},
        "schedules": [],
    }


def _largest(call: Call, shares: list[Object]) -> Object:
    largest = max(shares, key=lambda share: float(share["percentage"]))
    version = call.world.get("version", call.account, largest["version_id"])
    assert version is not None
    return version
