"""A worker between the service's form and ours: bindings by name, variables apart, settings as the manifest says them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.model.value import Attributes, Path, Value

SETTINGS = (
    "compatibility_date",
    "compatibility_flags",
    "observability",
    "limits",
    "placement",
    "logpush",
    "tail_consumers",
    "tags",
)
"""What an upload says besides code and bindings; the live value where the manifest says nothing."""
SECRET_TYPES = ("secret_text", "secret_key")
NAMESPACE = "durable_object_namespace"

_SORTED = ("compatibility_flags", "tags")
_ANSWERED = ("name", "namespace_id", "environment")


def settings_attributes(
    settings: Mapping[str, Any], script: str, foretold: Iterable[str] = ()
) -> dict[str, Value]:
    """The live version's settings in canonical form; `foretold` variables are kept apart."""
    attributes: dict[str, Value] = {"vars": {}, "bindings": {}, "foretold_vars": {}}
    counted = set(foretold)
    for binding in settings.get("bindings") or ():
        name, kind = binding.get("name", ""), binding.get("type")
        if kind in ("plain_text", "json"):
            value = binding.get("text") if kind == "plain_text" else binding.get("json")
            attributes["foretold_vars" if name in counted else "vars"][name] = value
        elif kind not in SECRET_TYPES:
            attributes["bindings"][name] = _binding(binding, script)
    for key in SETTINGS:
        value = settings.get(key)
        if value is not None and value != "":
            attributes[key] = canonical_setting(key, value)
    return attributes


def secret_names(settings: Mapping[str, Any]) -> set[str]:
    """The names of the secrets that a script has."""
    return {
        binding.get("name", "")
        for binding in settings.get("bindings") or ()
        if binding.get("type") in SECRET_TYPES
    }


def canonical_setting(key: str, value: Value) -> Value:
    """A setting as it is compared: sets sorted, consumers as objects."""
    if key in _SORTED and isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return sorted(set(value))
    if key == "tail_consumers" and isinstance(value, list | tuple):
        return [_consumer(one) for one in value]
    return value


def _consumer(value: Value) -> Value:
    if not isinstance(value, Mapping):
        return {"service": value}
    return {key: value[key] for key in ("service", "environment") if value.get(key) is not None}


def _binding(binding: Mapping[str, Any], script: str) -> dict[str, Value]:
    if binding.get("type") != NAMESPACE:
        return {key: value for key, value in binding.items() if key != "name" and value is not None}
    return {
        key: value
        for key, value in binding.items()
        if key not in _ANSWERED and value is not None and not (key == "script_name" and value == script)
    }


def bindings_body(wanted: Attributes) -> list[dict[str, Any]]:
    """All bindings of an upload: objects, variables, counted variables."""
    bindings = [{"name": name, **binding} for name, binding in (wanted.get("bindings") or {}).items()]
    variables = {**(wanted.get("vars") or {}), **(wanted.get("foretold_vars") or {})}
    for name, value in variables.items():
        is_text = isinstance(value, str)
        form = {"type": "plain_text", "text": value} if is_text else {"type": "json", "json": value}
        bindings.append({"name": name, **form})
    return bindings


def settings_body(
    wanted: Attributes, live: Mapping[str, Any], removed: Mapping[Path, Value]
) -> dict[str, Any]:
    """The settings of an upload: the live ones overlaid with the wanted, without what is no longer set."""
    body: dict[str, Any] = {}
    for key in SETTINGS:
        value = live.get(key)
        if key in wanted:
            value = _overlaid(value, wanted[key])
        for path, reset in removed.items():
            if path[0] == key:
                value = reset if len(path) == 1 else _without(value, path[1:])
        if value is not None and value != "" and value != {}:
            body[key] = value
    return body


def _overlaid(below: Value, above: Value) -> Value:
    if not isinstance(below, Mapping) or not isinstance(above, Mapping):
        return above
    return {**below, **{key: _overlaid(below.get(key), value) for key, value in above.items()}}


def _without(holder: Value, path: Path) -> Value:
    if not isinstance(holder, Mapping):
        return holder
    copy = dict(holder)
    if len(path) > 1:
        copy[path[0]] = _without(copy.get(path[0]), path[1:])
    else:
        copy.pop(path[0], None)
    return copy


def bound_names(attributes: Attributes) -> set[str]:
    """Every name under which a script reaches something, secrets aside."""
    return {name for key in ("bindings", "vars", "foretold_vars") for name in attributes.get(key) or {}}
