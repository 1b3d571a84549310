"""What an upload does to the Durable Object classes of its script, given those it has (interface 1.6, reference 3.2). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.frozen import frozen
from reconciler.kinds.worker.table import DELETED, PRESENT
from reconciler.model.value import Attributes, Value

_NUMBERED = re.compile(r"(.*?)([0-9]+)")
_KIND = "durable-object"


@frozen
class ClassChanges:
    """New classes, classes whose data goes, and classes that get another name (new to old); `unnamed` ones just stay."""

    created: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    renamed: Mapping[str, str] | None = None
    unnamed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.created or self.deleted or self.renamed)

    def described(self) -> dict[str, Value]:
        """The changes as plain JSON, without what does not happen."""
        told = {
            "created": list(self.created),
            "deleted": list(self.deleted),
            "renamed": [{"from": old, "to": new} for new, old in (self.renamed or {}).items()],
        }
        return {key: value for key, value in told.items() if value}


def wanted_classes(wanted: Attributes) -> dict[str, str]:
    """Every class that a worker's text or a lent application names, and what it is to be."""
    lent = dict.fromkeys(wanted.get("containers") or {}, PRESENT)
    return {**lent, **(wanted.get("classes") or {})}


def class_changes(
    there: Iterable[str], wanted: Mapping[str, str], renames: Mapping[str, str]
) -> ClassChanges:
    """What has to happen to the classes that are there so that they become what is wanted."""
    present = set(there)
    needed = [name for name, state in wanted.items() if state == PRESENT]
    renamed = {
        new: old for new, old in renames.items() if new in needed and new not in present and old in present
    }
    created = [name for name in needed if name not in present and name not in renamed]
    deleted = [name for name, state in wanted.items() if state == DELETED and name in present]
    kept = present - {*needed, *deleted, *renamed.values()}
    return ClassChanges(tuple(sorted(created)), tuple(sorted(deleted)), renamed, tuple(sorted(kept)))


def migrations(changes: ClassChanges, tag: str | None) -> dict[str, Any] | None:
    """The migrations of an upload, from the tag that the server has; None where nothing changes."""
    if not changes:
        return None
    steps: list[dict[str, Any]] = []
    if changes.deleted:
        steps.append({"deleted_classes": list(changes.deleted)})
    if changes.renamed:
        steps.append({"renamed_classes": changes.described()["renamed"]})
    if changes.created:
        steps.append({"new_sqlite_classes": list(changes.created)})
    return {**({"old_tag": tag} if tag else {}), "new_tag": next_tag(tag), "steps": steps}


def next_tag(tag: str | None) -> str:
    """The tag after one: `v1` to `v2`, `release` to `release-2`; the first is `v1`."""
    if not tag:
        return "v1"
    numbered = _NUMBERED.fullmatch(tag)
    return f"{numbered[1]}{int(numbered[2]) + 1}" if numbered else f"{tag}-2"


def declared_exports(there: Iterable[str]) -> dict[str, Any]:
    """The entries of a script whose classes no migration made: it declares them, and says so nowhere that can be read."""
    return {name: {"type": _KIND, "storage": "sqlite"} for name in there}


def exports(
    live: Mapping[str, Any], there: Iterable[str], changes: ClassChanges, containers: Mapping[str, Any]
) -> dict[str, Any]:
    """The declarative form, for a script that uses it already."""
    present = {*there, *changes.created, *(changes.renamed or {})}
    entries = {name: {"storage": "sqlite", **live.get(name, {}), "type": _KIND} for name in sorted(present)}
    for name, entry in entries.items():
        entry.pop("container", None)
        if name in containers:
            entry["container"] = containers[name]["name"]
    for new, old in (changes.renamed or {}).items():
        entries[old] = {"type": _KIND, "state": "renamed", "renamed_to": new}
    for name in changes.deleted:
        entries[name] = {"type": _KIND, "state": DELETED}
    return {**{name: entry for name, entry in live.items() if entry.get("type") != _KIND}, **entries}
