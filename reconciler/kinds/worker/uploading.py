"""What one upload of a script says, from what is wanted and what the server has (reference 3.1, 3.2). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.kinds.worker import classes
from reconciler.kinds.worker.forms import SECRET_TYPES, bindings_body, settings_body
from reconciler.model.value import Attributes, Path, Value

LABEL = "workers/tag"
UPLOADED = "uploaded"
"""The checkpoint behind an upload; what is sent apart from it follows."""


def metadata(
    wanted: Attributes,
    live: Mapping[str, Any],
    removed: Mapping[Path, Value],
    changes: classes.ClassChanges,
    containers: Mapping[str, Mapping[str, Any]],
    operation: str,
) -> dict[str, Any]:
    """The metadata part: full bindings, the class changes, and a mark for every class that runs a container.

    `live` holds `settings`, `script` and `namespaces` as they are just now.
    """
    script = live["script"]
    body: dict[str, Any] = {
        "main_module": wanted["main"],
        "bindings": bindings_body(wanted),
        "keep_bindings": list(SECRET_TYPES),
        "containers": list(containers.values()),
        "annotations": {LABEL: operation},
        **settings_body(wanted, live["settings"], removed),
    }
    declared = script.get("exports") or live["settings"].get("exports")
    if declared:
        body["exports"] = classes.exports(declared, live["namespaces"], changes, containers)
    elif steps := classes.migrations(changes, script.get("migration_tag")):
        body["migrations"] = steps
    return body


def container_marks(
    wanted: Attributes,
    running: Mapping[str, Mapping[str, Any]],
    deleted: Iterable[str],
    renamed: Mapping[str, str],
) -> dict[str, dict[str, Any]]:
    """The classes that are containers: those of the manifest, and those behind which an application runs (interface 1.6)."""
    new_names = {old: new for new, old in renamed.items()}
    marks = {
        new_names.get(name, name): {
            "name": application.get("name", ""),
            "class_name": new_names.get(name, name),
        }
        for name, application in running.items()
        if name not in set(deleted)
    }
    for name, lent in (wanted.get("containers") or {}).items():
        mark = {"name": lent["name"], "class_name": name}
        marks[name] = {**mark, "images": dict(lent["images"])} if lent.get("images") else mark
    return dict(sorted(marks.items()))
