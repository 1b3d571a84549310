"""Which worker owns an application's class, as far as the manifest's text says; and the logs that it hands down. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from reconciler.model.address import ResourceAddress
from reconciler.model.handler import BindContext
from reconciler.model.value import Ref, TextOf, Value

_WORKER = "worker"
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


def binders(context: BindContext) -> Iterator[str]:
    """The workers whose text binds this application."""
    bound = re.compile(rf"\$\{{\s*applications\.{re.escape(context.address.key)}(\[[^\]]*\])?\s*\}}")
    for key, block in context.sections.get("workers", {}).items():
        bindings = block.get("bindings") if isinstance(block, Mapping) else None
        values = bindings.values() if isinstance(bindings, Mapping) else ()
        if any(isinstance(value, str) and bound.fullmatch(value.strip()) for value in values):
            yield key


def logs_of_worker(block: Mapping[str, Value], context: BindContext) -> Mapping[str, Value] | None:
    """What the owner's `observability` says of logs; None where it says nothing, or nobody knows the owner."""
    if "class_name" not in block:
        return None
    try:
        named = worker_address(block.get("worker"))
    except ValueError:
        return None
    owners = [named.key] if named else [] if "worker" in block else list(binders(context))
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
