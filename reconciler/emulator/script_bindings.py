"""What a script can reach: the bindings of an upload, joined with those it keeps (reference 3.1).

Of a secret's value only a hash stays, and answers do not even show that.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from reconciler.emulator.ledger import SECRET_TYPES
from reconciler.emulator.script_classes import NO_SUCH_CLASS, Classes, namespaces_of
from reconciler.emulator.script_upload import invalid, objects, texts

Binding = dict[str, Any]

UNRESOLVED_INHERIT = 10057
NO_SUCH_SERVICE = 10143

_REQUIRED = {
    "durable_object_namespace": "class_name",
    "plain_text": "text",
    "secret_text": "text",
    "json": "json",
    "kv_namespace": "namespace_id",
    "r2_bucket": "bucket_name",
    "queue": "queue_name",
    "service": "service",
    "vectorize": "index_name",
    "analytics_engine": "dataset",
    "dispatch_namespace": "namespace",
    "workflow": "workflow_name",
    "mtls_certificate": "certificate_id",
    "hyperdrive": "id",
    "d1": "id",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """The bindings that an upload asks for, beside those of the version before it."""

    document: dict[str, Any]
    is_strict: bool
    previous: list[Binding]


def bindings_for(wanted: Wanted, classes: Classes, missing_class: int = NO_SUCH_CLASS) -> list[Binding]:
    """All bindings of the new version; whatever was bound before and is neither sent nor kept is gone.

    `keep_bindings` keeps whole types. Secrets are kept without it: wrangler never sends them, and they survive its
    deploys (reference 7, question 26).
    """
    sent = [binding for one in objects(wanted.document, "bindings") for binding in _inherited(one, wanted)]
    names = [binding["name"] for binding in sent]
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled:
        raise invalid(f"there is more than one binding named {doubled}")
    kept_types = {*SECRET_TYPES, *texts(wanted.document, "keep_bindings")}
    kept = [one for one in wanted.previous if one["type"] in kept_types and one["name"] not in names]
    return [*(_checked(binding, classes, missing_class) for binding in sent), *kept]


def secret(name: str, value: str) -> Binding:
    """The binding of a secret, without its value."""
    return {"name": name, "type": "secret_text", "sha256": hashlib.sha256(value.encode()).hexdigest()}


def shown(bindings: list[Binding]) -> list[Binding]:
    """Bindings as answers have them."""
    return [{key: value for key, value in binding.items() if key != "sha256"} for binding in bindings]


def _inherited(binding: Binding, wanted: Wanted) -> list[Binding]:
    name, kind = binding.get("name"), binding.get("type")
    if not isinstance(name, str) or not name or not isinstance(kind, str):
        raise invalid(f"a binding has a name and a type: {_described(binding)}")
    if binding.keys() == {"name", "type"}:
        # wrangler's `secret bulk` names so what it does not change.
        same = [one for one in wanted.previous if (one["name"], one["type"]) == (name, kind)]
        if same:
            return same
    if kind != "inherit":
        return [binding]
    source = binding.get("old_name", name)
    found = [one | {"name": name} for one in wanted.previous if one["name"] == source]
    if not found and wanted.is_strict:
        raise invalid(
            f"the binding {name} cannot be inherited: the version before has none", UNRESOLVED_INHERIT
        )
    return found


def _checked(binding: Binding, classes: Classes, missing_class: int) -> Binding:
    kind, name = binding["type"], binding["name"]
    if kind in SECRET_TYPES and "sha256" in binding:
        return binding
    required = _REQUIRED.get(kind)
    if required and binding.get(required) is None:
        raise invalid(f"the binding {name} of type {kind} lacks {required}")
    if kind in SECRET_TYPES:
        return secret(name, str(binding.get("text") or binding.get("key_base64") or "")) | {"type": kind}
    if kind == "durable_object_namespace":
        return _bound_class(binding, classes, missing_class)
    if kind == "service":
        _demand_service(binding, classes)
    return binding


def _bound_class(binding: Binding, classes: Classes, missing_class: int) -> Binding:
    name, owner = str(binding["class_name"]), binding.get("script_name")
    is_own = not owner or owner == classes.script
    there = classes.by_class if is_own else namespaces_of(classes.world, classes.account, str(owner))
    if name in there:
        return binding | {"namespace_id": there[name]["id"]}
    if not is_own and not classes.world.has("worker", classes.account, str(owner)):
        message = f"Cannot create binding for class '{name}' in script '{owner}' that does not exist."
        raise invalid(message, NO_SUCH_CLASS)
    raise invalid(
        f"Cannot create binding for class '{name}' because it is not currently configured to implement"
        " Durable Objects. Ensure a --new-class migration has been applied to it.",
        missing_class,
    )


def _demand_service(binding: Binding, classes: Classes) -> None:
    service = str(binding["service"])
    if service != classes.script and not classes.world.has("worker", classes.account, service):
        message = (
            f"Could not resolve service binding '{binding['name']}'. Target script '{service}' not found."
        )
        raise invalid(message, NO_SUCH_SERVICE)


def _described(binding: Binding) -> dict[str, Any]:
    return {key: binding[key] for key in ("name", "type") if key in binding}
