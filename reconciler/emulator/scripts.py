"""Uploading and reading Workers (reference 3.1, 3.3)."""

from __future__ import annotations

import base64
import re
import secrets
from typing import Any

from reconciler.emulator import script_records as records
from reconciler.emulator.answers import Answer, Raw, ok, ok_list
from reconciler.emulator.call import Call
from reconciler.emulator.routing import Routes
from reconciler.emulator.script_bindings import Wanted, bindings_for, shown
from reconciler.emulator.script_classes import (
    Classes,
    check_exported,
    classes_of,
    container_marks,
    migrate,
    reconcile,
)
from reconciler.emulator.script_upload import (
    Upload,
    check_metadata,
    handlers,
    invalid,
    read_object,
    read_part,
    read_upload,
)
from reconciler.emulator.world import Object

INVALID_NAME = 10016

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,62}")
_SCRIPT = "/scripts/{script}"

ROUTES = Routes("/accounts/{account}/workers")


@ROUTES.add("GET", "/scripts")
def list_scripts(call: Call) -> Answer:
    """Every script; with `tags=team:yes,old:no` those that have a tag, or have it not."""
    if not call.one("tags"):
        return ok_list(call.world.encoded_all("worker", call.account))
    wanted = [rule.rpartition(":") for rule in call.one("tags").split(",")]
    workers = call.world.all("worker", call.account)
    return ok(
        [one for one in workers if all((tag in one["tags"]) == (yes == "yes") for tag, _, yes in wanted)]
    )


@ROUTES.add("PUT", _SCRIPT)
def put_script(call: Call, script: str) -> Answer:
    """Uploads a script and makes it live at once, bindings and containers and all."""
    if not _NAME.fullmatch(script):
        raise invalid(f"{script!r} is no name for a Worker", INVALID_NAME)
    upload = read_upload(call)
    classes, changes = _changed_classes(call, script, upload)
    marks = container_marks(classes, upload.metadata)
    check_exported(classes, upload)
    facts = version_facts(upload, bindings_for(_wanted(call, script, upload.metadata), classes), marks)
    classes.mark(marks)
    classes.write()
    version = records.add_version(call, script, facts)
    records.deploy_alone(call, script, version, "upload", changes | _unversioned(upload.metadata))
    _keep_content(call, script, upload)
    return ok(_uploaded(call, script))


@ROUTES.add("GET", _SCRIPT)
def get_script(call: Call, script: str) -> Raw:
    """The modules of the live version, as a multipart body."""
    records.worker_of(call, script)
    content = call.world.get("_content", call.account, script) or {"modules": []}
    boundary = secrets.token_hex(16)
    pieces = [_module_piece(boundary, module) for module in content["modules"]]
    body = b"".join(pieces) + f"--{boundary}--\r\n".encode()
    main = next((module["name"] for module in content["modules"] if module["is_main"]), "")
    headers = [("content-type", f"multipart/form-data; boundary={boundary}"), ("cf-entrypoint", main)]
    return Raw(200, body, headers)


@ROUTES.add("GET", _SCRIPT + "/settings")
def get_settings(call: Call, script: str) -> Answer:
    """Settings of the live version and of the worker together."""
    version = records.live_version(call, script)
    return ok(_settings(records.worker_of(call, script), version))


@ROUTES.add("PATCH", _SCRIPT + "/settings")
def patch_settings(call: Call, script: str) -> Answer:
    """Changes settings without new code: a new version, live at once."""
    is_upload = call.headers.get("content-type", "").startswith("multipart/")
    settings = read_part(call, "settings") if is_upload else read_object(call)
    check_metadata(settings)
    before = records.live_version(call, script)
    upload = Upload(settings, ())
    classes, changes = _changed_classes(call, script, upload)
    facts = records.copied(before)
    facts |= {key: settings[key] for key in records.VERSIONED if key in settings}
    if "bindings" in settings:
        facts["bindings"] = bindings_for(_wanted(call, script, settings), classes)
    classes.write()
    version = records.add_version(call, script, facts)
    records.deploy_alone(call, script, version, "settings", changes | _unversioned(settings))
    return ok(_settings(records.worker_of(call, script), version))


@ROUTES.add("GET", _SCRIPT + "/script-settings")
def get_script_settings(call: Call, script: str) -> Answer:
    """The settings that are not part of a version."""
    worker = records.worker_of(call, script)
    return ok({key: worker[key] for key in records.UNVERSIONED})


@ROUTES.add("PATCH", _SCRIPT + "/script-settings")
def patch_script_settings(call: Call, script: str) -> Answer:
    """Changes settings that are not part of a version."""
    records.worker_of(call, script)
    settings = read_object(call)
    check_metadata(settings)
    worker = records.change_worker(call, script, _unversioned(settings))
    return ok({key: worker[key] for key in records.UNVERSIONED})


@ROUTES.add("GET", "/services/{script}")
def get_service(call: Call, script: str) -> Answer:
    """The script as wrangler first asks for it."""
    worker = records.service_of(call, script)
    times = {key: worker[key] for key in ("created_on", "modified_on")}
    environment = {"environment": "production", **times, "script": worker}
    return ok({"id": script, "default_environment": environment, "environments": [environment], **times})


@ROUTES.add("GET", "/workers/{script}")
def get_worker(call: Call, script: str) -> Answer:
    """The script as the newer Workers API has it, with its subdomain."""
    worker = records.worker_of(call, script)
    kept = ("name", "tags", "logpush", "observability", "tail_consumers", "subdomain", "created_on")
    return ok({"id": worker["tag"], "updated_on": worker["modified_on"]} | {key: worker[key] for key in kept})


def _wanted(call: Call, script: str, document: dict[str, Any]) -> Wanted:
    is_new = not call.world.has("worker", call.account, script)
    previous = [] if is_new else records.live_version(call, script)["bindings"]
    return Wanted(document, call.one("bindings_inherit") == "strict", previous)


def _changed_classes(call: Call, script: str, upload: Upload) -> tuple[Classes, Object]:
    """The classes after migrations or exports, and what the worker has to remember of it."""
    classes = classes_of(call.world, call.account, script)
    migrations, exports = upload.metadata.get("migrations"), upload.metadata.get("exports")
    if migrations and exports:
        raise invalid("an upload has either migrations or exports")
    if exports:
        reconcile(classes, exports)
    if not migrations:
        return classes, {}
    worker = call.world.get("worker", call.account, script) or {}
    tag = migrate(classes, migrations, worker.get("migration_tag"))
    return classes, {"migration_tag": tag} if tag else {}


def version_facts(upload: Upload, bindings: list[Object], marks: dict[str, Object]) -> Object:
    """What a version is made of."""
    metadata = upload.metadata
    return {
        "annotations": metadata.get("annotations") or {},
        "bindings": bindings,
        "containers": marks,
        "exports": metadata.get("exports") or {},
        "etag": upload.etag,
        "handlers": handlers(upload),
        "has_modules": upload.has_modules,
        "modules": [
            {"name": module.name, "content_type": module.content_type, "size": len(module.data)}
            for module in upload.modules
        ],
        "compatibility_date": metadata.get("compatibility_date"),
        "compatibility_flags": metadata.get("compatibility_flags") or [],
        "limits": metadata.get("limits") or {},
        "placement": metadata.get("placement") or {},
        "usage_model": metadata.get("usage_model") or "standard",
    }


def _unversioned(document: dict[str, Any]) -> Object:
    """What a document sets of the worker itself; what it leaves out stays."""
    return {key: document[key] for key in records.UNVERSIONED if document.get(key) is not None}


def _keep_content(call: Call, script: str, upload: Upload) -> None:
    main = upload.metadata.get("main_module") or upload.metadata.get("body_part")
    modules = [
        {
            "name": module.name,
            "content_type": module.content_type,
            "is_main": module.name == main,
            "data": base64.b64encode(module.data).decode(),
        }
        for module in upload.modules
    ]
    call.world.put("_content", call.account, script, {"modules": modules})


def _module_piece(boundary: str, module: Object) -> bytes:
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{module["name"]}"; filename="{module["name"]}"\r\n'
    return (
        f"{head}Content-Type: {module['content_type']}\r\n\r\n".encode()
        + base64.b64decode(module["data"])
        + b"\r\n"
    )


def _uploaded(call: Call, script: str) -> Object:
    worker = records.worker_of(call, script)
    version = records.live_version(call, script)
    return worker | {"startup_time_ms": 1, "exports": version["exports"], "version_id": version["id"]}


def _settings(worker: Object, version: Object) -> Object:
    versioned = {key: version[key] for key in records.VERSIONED}
    unversioned = {key: worker[key] for key in records.UNVERSIONED}
    tag = {"migration_tag": worker["migration_tag"]} if "migration_tag" in worker else {}
    return {"bindings": shown(version["bindings"]), **versioned, **unversioned, **tag}
