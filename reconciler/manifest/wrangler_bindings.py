"""A worker's bindings in wrangler's many sections, as the one map of a manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reconciler.manifest.starting import map_at, maps_at

# Section to the binding's type and, by our key, wrangler's. One is a list unless it has no more than a name.
_LISTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "kv_namespaces": ("kv_namespace", {"namespace_id": "id"}),
    "r2_buckets": ("r2_bucket", {"bucket_name": "bucket_name", "jurisdiction": "jurisdiction"}),
    "d1_databases": ("d1", {"id": "database_id"}),
    "services": (
        "service",
        {"service": "service", "environment": "environment", "entrypoint": "entrypoint"},
    ),
    "hyperdrive": ("hyperdrive", {"id": "id"}),
    "vectorize": ("vectorize", {"index_name": "index_name"}),
    "analytics_engine_datasets": ("analytics_engine", {"dataset": "dataset"}),
    "dispatch_namespaces": ("dispatch_namespace", {"namespace": "namespace"}),
    "workflows": (
        "workflow",
        {"workflow_name": "name", "class_name": "class_name", "script_name": "script_name"},
    ),
    "secrets_store_secrets": (
        "secrets_store_secret",
        {"store_id": "store_id", "secret_name": "secret_name"},
    ),
    "mtls_certificates": ("mtls_certificate", {"certificate_id": "certificate_id"}),
}
_SINGLE = ("ai", "browser", "images", "version_metadata")
_OBJECTS = "durable_objects"
_QUEUES = "queues"


class Bindings:
    """Everything that a configuration binds. `by_class` names the application that runs behind a class."""

    keys = frozenset({*_LISTS, *_SINGLE, _OBJECTS, _QUEUES})

    def __init__(
        self, config: Mapping[str, Any], by_class: Mapping[str, str], note: Callable[[str], None]
    ) -> None:
        self._config = config
        self._by_class = by_class
        self._note = note

    def converted(self) -> dict[str, Any]:
        """The bindings by name."""
        return {name: binding for name, binding in self._all() if name}

    def _all(self) -> Iterator[tuple[str, Any]]:
        for one in maps_at(map_at(self._config, _OBJECTS), "bindings"):
            yield str(one.get("name", "")), self._class(one)
        for section, (kind, keys) in _LISTS.items():
            for one in maps_at(self._config, section):
                yield str(one.get("binding", "")), self._object(section, one, kind, keys)
        for section in _SINGLE:
            yield str(map_at(self._config, section).get("binding", "")), {"type": section}
        queues = map_at(self._config, _QUEUES)
        for one in maps_at(queues, "producers"):
            keys = {"queue_name": "queue", "delivery_delay": "delivery_delay"}
            yield str(one.get("binding", "")), self._object(_QUEUES, one, "queue", keys)
        if queues.get("consumers"):
            self._note("not converted: queues.consumers; set them up with `wrangler queues consumer add`")

    def _class(self, one: Mapping[str, Any]) -> Any:
        class_name = str(one.get("class_name", ""))
        if "script_name" not in one and class_name in self._by_class:
            return f"${{applications.{self._by_class[class_name]}}}"
        kept = {key: one[key] for key in ("class_name", "script_name", "environment") if key in one}
        return {"type": "durable_object_namespace", **kept}

    def _object(
        self, section: str, one: Mapping[str, Any], kind: str, keys: Mapping[str, str]
    ) -> dict[str, Any]:
        needed = next(iter(keys.values()))
        if one.get(needed) is None:
            self._note(
                f"{section}: {one.get('binding')} has no {needed}, which wrangler would make: write it here"
            )
        found = {ours: one[theirs] for ours, theirs in keys.items() if one.get(theirs) is not None}
        return {"type": kind, **found}
