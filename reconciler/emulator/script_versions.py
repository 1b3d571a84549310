"""Versions and deployments of Workers that have no lifecycle of classes in them (reference 3.5)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from reconciler.emulator import script_records as records
from reconciler.emulator.answers import Answer, GatewayError, ok
from reconciler.emulator.call import Call
from reconciler.emulator.numbered_pages import numbered_page
from reconciler.emulator.routing import Routes
from reconciler.emulator.script_bindings import Wanted, bindings_for
from reconciler.emulator.script_classes import check_exported, classes_of, container_marks
from reconciler.emulator.script_upload import check_annotations, invalid, objects, read_object, read_upload
from reconciler.emulator.scripts import version_facts
from reconciler.emulator.world import Object

NO_SUCH_VERSION = 100146
CLASS_NEEDS_MIGRATION = 10123
CHANGES_CLASSES = 10211
DIFFERENT_EXPORTS = 100405
CLASS_NOT_PROVISIONED = 100406

ROUTES = Routes("/accounts/{account}/workers/scripts/{script}")


@ROUTES.add("GET", "/versions")
def list_versions(call: Call, script: str) -> Answer:
    """The versions that may be deployed, newest first."""
    records.worker_of(call, script)
    found = records.versions_of(call, script)
    items, info = numbered_page(call, found, per_page=100)
    return ok({"items": [records.version_view(version) for version in items]}, info=info)


@ROUTES.add("GET", "/versions/{version}")
def get_version(call: Call, script: str, version: str) -> Answer:
    """One version; a fresh one is not found for a while (setting `version_seconds`)."""
    records.worker_of(call, script)
    found = call.world.get("version", call.account, version)
    is_visible = found is not None and call.now >= _visible_from(call, found)
    if found is None or found["script"] != script or not is_visible:
        raise GatewayError(404, NO_SUCH_VERSION, "This version does not exist on your account.")
    return ok(records.version_view(found))


@ROUTES.add("POST", "/versions")
def add_version(call: Call, script: str) -> Answer:
    """Uploads a version without making it live; it may not change what classes there are."""
    worker = records.worker_of(call, script)
    upload = read_upload(call)
    migrations = upload.metadata.get("migrations") or {}
    if migrations and migrations.get("new_tag") != worker.get("migration_tag"):
        raise invalid(
            "This version changes Durable Object classes; deploy it instead of uploading it", CHANGES_CLASSES
        )
    classes = classes_of(call.world, call.account, script)
    declared = upload.metadata.get("exports") or {}
    missing = CLASS_NOT_PROVISIONED if declared else CLASS_NEEDS_MIGRATION
    marks = container_marks(classes, upload.metadata)
    check_exported(classes, upload)
    newest = call.world.get("version", call.account, records.newest_id(call, script)) or {"bindings": []}
    wanted = Wanted(upload.metadata, call.one("bindings_inherit") == "strict", newest["bindings"])
    facts = version_facts(upload, bindings_for(wanted, classes, missing), marks)
    return ok(records.version_view(records.add_version(call, script, facts)))


@ROUTES.add("GET", "/deployments")
def list_deployments(call: Call, script: str) -> Answer:
    """What was live when, newest first."""
    records.worker_of(call, script)
    return ok({"deployments": records.deployments_of(call, script)})


@ROUTES.add("POST", "/deployments")
def add_deployment(call: Call, script: str) -> Answer:
    """Makes one version live, or several by share."""
    records.worker_of(call, script)
    document = read_object(call)
    annotations = document.get("annotations") or {}
    check_annotations(annotations)
    shares = objects(document, "versions")
    _check_shares(call, script, shares)
    return ok(records.deploy(call, script, shares, {"workers/triggered_by": "deployment", **annotations}))


def _check_shares(call: Call, script: str, shares: list[dict[str, Any]]) -> None:
    versions = [_deployable(call, script, str(share.get("version_id"))) for share in shares]
    percentages = [share.get("percentage") for share in shares]
    is_whole = all(isinstance(one, int | float) for one in percentages) and sum(percentages) == 100  # type: ignore[arg-type]
    if not is_whole:
        raise invalid("a deployment names versions whose percentages add up to 100")
    if any(version["exports"] != versions[0]["exports"] for version in versions):
        raise invalid("versions with different exports cannot be live together", DIFFERENT_EXPORTS)


def _deployable(call: Call, script: str, version: str) -> Object:
    found = call.world.get("version", call.account, version)
    if found is None or found["script"] != script:
        raise GatewayError(404, NO_SUCH_VERSION, f"The version {version} does not exist on your account.")
    return found


def _visible_from(call: Call, version: Object) -> float:
    created = datetime.fromisoformat(version["created_on"]).timestamp()
    return created + call.world.settings.version_seconds
