"""An application as a manifest's block would tell it, from what the service shows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.kinds.application.bind import DEFAULT_MAX_INSTANCES
from reconciler.kinds.application.forms import DEFAULT_TIERS, MANAGED
from reconciler.kinds.application.table import MANAGED_KEYS
from reconciler.kinds.shared.describing import container_block, logs_block
from reconciler.model.describing import Described, Known, external
from reconciler.model.value import Attributes, Value

_DEFAULTS: Mapping[str, Any] = {
    "scheduling_policy": "default",
    "instances": 1,
    "max_instances": DEFAULT_MAX_INSTANCES,
    "rollout_active_grace_period": 0,
}
_AS_IT_IS = (*_DEFAULTS, "jobs", "affinities", "priorities")
_NAMED_IMAGES = "its named images cannot be read: declare them under `images` once its worker is managed here"


def described(attributes: Attributes, known: Known) -> Described:
    """The block, behind the class of the worker that owns its namespace."""
    owner = _owner(attributes.get("namespace"), known)
    if owner is None:
        return external("it runs behind a Durable Object whose worker cannot be told")
    block, spare = container_block(attributes, known)
    for part, more in zip((block, spare), logs_block(attributes), strict=True):
        part |= more
    for key in _AS_IT_IS:
        if attributes.get(key) is not None:
            (spare if attributes[key] == _DEFAULTS.get(key) else block)[key] = attributes[key]
    _put_constraints(attributes.get("constraints"), block, spare)
    if owner:
        block |= owner
        block.pop("instances", None)
        spare.pop("instances", None)
    if attributes.get("scheduling_policy") != MANAGED:
        return Described(block, spare)
    block = {key: value for key, value in block.items() if key in MANAGED_KEYS}
    return Described(block, {key: spare[key] for key in spare if key in MANAGED_KEYS}, (_NAMED_IMAGES,))


def _owner(namespace: Value, known: Known) -> dict[str, Value] | None:
    """Class and worker of a namespace; nothing for an application by itself, None where nobody has it."""
    if namespace is None:
        return {}
    for worker, outputs in known.outputs_of("worker"):
        for class_name, identity in (outputs.get("namespaces") or {}).items():
            if identity == namespace:
                return {"class_name": class_name, "worker": known.reference_to(worker)}
    return None


def _put_constraints(constraints: Value, block: dict[str, Value], spare: dict[str, Value]) -> None:
    if not isinstance(constraints, Mapping):
        return
    has_defaults = list(constraints.get("tiers") or ()) == list(DEFAULT_TIERS)
    told = {key: value for key, value in constraints.items() if key != "tiers" or not has_defaults}
    if told:
        block["constraints"] = told
    if has_defaults:
        spare["constraints"] = dict(constraints)
