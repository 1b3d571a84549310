"""Which worker owns an application's class, as far as the manifest's text says; and the logs that it hands down. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.model.address import ResourceAddress
from reconciler.model.handler import BindContext
from reconciler.model.value import Ref, TextOf, Value

_WORKER = "worker"
_BOUND = re.compile(r"\$\{\s*applications\.([a-z0-9][a-z0-9_-]*)(?:\[[^\]]*\])?\s*\}")
TARGETS = {"target_instance_percentage", "target_instance_count"}


def worker_address(value: Value) -> ResourceAddress | None:
    """The worker that a text or a reference names; None where it names none. ValueError for a broken address."""
    if isinstance(value, Ref | TextOf):
        return value.address if value.address.kind == _WORKER else None
    if not isinstance(value, str):
        return None
    if "." not in value and "[" not in value:
        return ResourceAddress(_WORKER, value)
    address = ResourceAddress.parse(value, {"workers": _WORKER})
    return address if address.kind == _WORKER else None


def binders(context: BindContext) -> list[str]:
    """The workers whose text binds this application."""
    by_application = context.once("workers by application", lambda: _workers_by_application(context))
    found: list[str] = by_application.get(context.address.key, [])
    return found


def _workers_by_application(context: BindContext) -> dict[str, list[str]]:
    """Every application that some worker binds, with the workers that do."""
    found: dict[str, list[str]] = {}
    for key, block in context.sections.get("workers", {}).items():
        bindings = block.get("bindings") if isinstance(block, Mapping) else None
        values = bindings.values() if isinstance(bindings, Mapping) else ()
        bound = [_BOUND.fullmatch(value.strip()) for value in values if isinstance(value, str)]
        for application in dict.fromkeys(match[1] for match in bound if match):
            found.setdefault(application, []).append(key)
    return found


def logs_of_worker(block: Mapping[str, Value], context: BindContext) -> Mapping[str, Value] | None:
    """What the owner's `observability` says of logs; None where it says nothing, or nobody knows the owner."""
    if "class_name" not in block:
        return None
    try:
        named = worker_address(block.get("worker"))
    except ValueError:
        return None
    owners = [named.key] if named else [] if "worker" in block else binders(context)
    if len(owners) != 1:
        return None
    written = context.text_of(ResourceAddress(_WORKER, owners[0]), "observability")
    if not isinstance(written, Mapping):
        return None
    return {key: written[key] for key in ("enabled", "logs") if key in written} or None


def canonical_logs(written: Mapping[str, Value]) -> dict[str, Value]:
    """`observability` as the service has it: `enabled` means its logs, `logs.enabled` goes first."""
    logs = written.get("logs")
    enabled = logs.get("enabled") if isinstance(logs, Mapping) else None
    if enabled is None:
        enabled = written.get("enabled")
    if enabled is None:
        enabled = bool(TARGETS & written.keys())
    targets = {key: written[key] for key in sorted(TARGETS) if written.get(key) is not None}
    return {"logs": {"enabled": enabled}, **targets}
