"""A deployment's block to attributes. Looks at nothing but the manifest; pointers are passed on as they are."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.kinds.deployment.table import NO_LOGS
from reconciler.kinds.shared.container_reading import ContainerReading
from reconciler.kinds.shared.image_names import image_setting, placed_image, pulled_through
from reconciler.kinds.shared.sizes import DEFAULT_TYPE, size_problems, wanted_size
from reconciler.model.handler import BindContext, Bound
from reconciler.model.value import Attributes, Value

MISSING = "D101"
BAD_SIZE = "D102"
RESERVED = "D103"
NAMED = "D104"
RUN_LABEL = "reconciler-operation"
"""Holds the id of the operation that made it, by which one whose answer was lost is found."""
_AS_IT_IS = ("location", "network", "dns", "provisioner", "ssh")


def read_deployment(block: Attributes, context: BindContext) -> Bound:
    """Takes a block apart, reporting everything that is wrong with it."""
    if context.name is not None:
        context.report(("name",), NAMED, "a deployment has no name", "leave `name` out; its id is its name")
    if context.external:
        return Bound({})
    given = {key: value for key, value in block.items() if value is not None}
    for key, fix in (("image", "say `image: ${images.<key>}`"), ("location", "say where it runs")):
        if key not in given:
            context.report((), MISSING, f"it has no {key}", fix)
    attributes: dict[str, Value] = {key: given[key] for key in _AS_IT_IS if key in given}
    settings: dict[str, Value] = {}
    if "image" in given:
        attributes["image"] = placed_image(given["image"], ("image",), context)
        if isinstance(attributes["image"], str):
            settings["image"] = image_setting(given["image"], context)
    reading = ContainerReading(given, context.report)
    reading.read()
    _check_labels(reading.attributes.get("labels"), context)
    logs = _logs(given.get("observability"))
    size = _size(given.get("instance_type", DEFAULT_TYPE), context)
    attributes |= {**reading.attributes, "instance_type": size, "observability": logs}
    waits_for = pulled_through(attributes.get("image"), context)
    return Bound(attributes, tuple(reading.lends), settings=settings, depends_on=waits_for)


def _check_labels(labels: Value, context: BindContext) -> None:
    if isinstance(labels, Mapping) and RUN_LABEL in labels:
        summary = f"the label {RUN_LABEL} is set for every deployment"
        context.report(("labels", RUN_LABEL), RESERVED, summary, "choose another name")


def _size(written: Value, context: BindContext) -> Value:
    for key, complaint in size_problems(written):
        fix = "name a type (lite, basic, standard-1 to standard-4), or correct the numbers"
        path = ("instance_type", key) if key in written else ("instance_type",)
        context.report(path, BAD_SIZE, complaint, fix)
    return wanted_size(written)


def _logs(written: Value) -> Value:
    """`enabled` means its logs, `logs.enabled` goes first."""
    if not isinstance(written, Mapping):
        return NO_LOGS if written is None else written
    logs = written.get("logs")
    enabled = logs.get("enabled") if isinstance(logs, Mapping) else None
    return {"logs": {"enabled": bool(written.get("enabled")) if enabled is None else enabled}}
