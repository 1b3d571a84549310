"""What an upload does to the Durable Object namespaces of its script (reference 3.2).

Works on a copy, so that nothing is written before everything is allowed. A namespace is what a container application
stands on: `container` says what the last upload made of its class, and is None where it is no container.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from reconciler.emulator.script_upload import Upload, invalid, may_export, objects, texts
from reconciler.emulator.world import Object, World

TAG_MISMATCH = 10079
CLASS_EXISTS = 10074
NOT_EXPORTED = 10064
NO_SUCH_CLASS = 10061
EXPORTS_BLOCKED = 100402


@dataclass(slots=True)
class Classes:
    """The namespaces of a script by class, as an upload would leave them."""

    world: World
    account: str
    script: str
    by_class: dict[str, Object] = field(default_factory=dict)
    gone: list[Object] = field(default_factory=list)

    def create(self, name: str, use_sqlite: bool) -> None:
        """Makes an empty namespace for a class that has none."""
        if name in self.by_class:
            raise invalid(
                f"Cannot apply new-class migration to class '{name}' that is already depended on by"
                " existing Durable Objects",
                CLASS_EXISTS,
            )
        namespace = {"id": secrets.token_hex(16), "use_sqlite": use_sqlite, "container": None}
        self._place(name, namespace)

    def delete(self, name: str) -> None:
        """Drops a class with its data, unless a container application still stands on it."""
        namespace = self._taken(name, "deleted")
        owner = application_on(self.world, self.account, namespace["id"])
        if owner is not None:
            raise invalid(
                f"Cannot delete class '{name}': the container application {owner['name']} ({owner['id']})"
                f" uses its namespace {namespace['id']}; delete the application first"
            )
        self.gone.append(namespace)

    def rename(self, old: str, new: str) -> None:
        """Gives a class another name; namespace, data and application stay."""
        if new in self.by_class:
            raise invalid(f"Cannot rename class '{old}' to '{new}', which exists", CLASS_EXISTS)
        self._place(new, self._taken(old, "renamed"))

    def transfer(self, source: str, old: str, new: str) -> None:
        """Takes a class over from another script."""
        found = namespaces_of(self.world, self.account, source).get(old)
        if found is None:
            raise invalid(
                f"Cannot transfer class '{old}': script '{source}' has no such class", NO_SUCH_CLASS
            )
        if new in self.by_class:
            raise invalid(f"Cannot transfer class '{old}' to '{new}', which exists", CLASS_EXISTS)
        self._place(new, found)

    def mark(self, marks: dict[str, Object]) -> None:
        """Makes these classes containers, and only these: leaving one out switches its container off."""
        for name, namespace in self.by_class.items():
            self.by_class[name] = namespace | {"container": marks.get(name)}

    def write(self) -> None:
        """Makes the world so."""
        for namespace in self.gone:
            self.world.remove("namespace", self.account, namespace["id"])
        for namespace in self.by_class.values():
            if self.world.get("namespace", self.account, namespace["id"]) != namespace:
                self.world.put("namespace", self.account, namespace["id"], namespace)

    def _place(self, name: str, namespace: Object) -> None:
        place = {"name": f"{self.script}_{name}", "script": self.script, "class": name}
        self.by_class[name] = namespace | place

    def _taken(self, name: str, verb: str) -> Object:
        if name not in self.by_class:
            message = f"Cannot apply migration: class '{name}' cannot be {verb}, the script has no such class"
            raise invalid(message, NO_SUCH_CLASS)
        return self.by_class.pop(name)


def classes_of(world: World, account: str, script: str) -> Classes:
    """The classes of a script as they are."""
    return Classes(world, account, script, namespaces_of(world, account, script))


def namespaces_of(world: World, account: str, script: str) -> dict[str, Object]:
    """The namespaces of a script, by class."""
    found = world.where("namespace", account, "script", script)
    return {namespace["class"]: namespace for namespace in found}


def application_on(world: World, account: str, namespace: str) -> Object | None:
    """The container application that stands on a namespace."""
    found = world.where("application", account, "durable_objects.namespace_id", namespace)
    return found[0] if found else None


def migrate(classes: Classes, migrations: dict[str, Any], stored_tag: str | None) -> str | None:
    """Applies migrations of either shape, once; returns the tag to remember."""
    old_tag = migrations.get("old_tag") or None
    if not isinstance(migrations.get("new_tag"), str | None):
        raise invalid("migrations: new_tag is a text")
    if old_tag != stored_tag:
        raise invalid(
            f"Migration tag precondition failed; current tag is {stored_tag or 'not set'},"
            f" the upload expects {old_tag or 'none'}",
            TAG_MISMATCH,
        )
    steps = objects(migrations, "steps") if "steps" in migrations else [migrations]
    for step in steps:
        _apply_step(classes, step)
    return migrations.get("new_tag") or stored_tag


def reconcile(classes: Classes, exports: dict[str, Any]) -> None:
    """Makes the classes what declarative `exports` say; nothing else of a script may own a namespace."""
    declared = {name: entry for name, entry in exports.items() if entry.get("type") == "durable-object"}
    unsaid = [name for name in classes.by_class if name not in declared]
    if unsaid:
        details = [
            {"class_name": name, "reason": "has a namespace but no entry in exports"} for name in unsaid
        ]
        message = f"exports do not say what becomes of class '{unsaid[0]}'"
        raise invalid(message, EXPORTS_BLOCKED, meta={"details": details})
    for state in ("deleted", "renamed", "expecting-transfer", "created"):
        for name, entry in declared.items():
            if entry.get("state", "created") == state:
                _reconcile_one(classes, name, entry, state)


def container_marks(classes: Classes, metadata: dict[str, Any]) -> dict[str, Object]:
    """What the metadata says of the classes that are containers; a class that it leaves out is none."""
    exports = metadata.get("exports") or {}
    linked = {entry["container"]: name for name, entry in exports.items() if entry.get("container")}
    marks: dict[str, Object] = {}
    for entry in objects(metadata, "containers"):
        name = entry.get("class_name") or linked.get(entry.get("name"))
        if name not in classes.by_class:
            raise invalid(f"containers: {entry} names no Durable Object class of this script", NO_SUCH_CLASS)
        if not classes.by_class[name]["use_sqlite"]:
            raise invalid(f"containers: class '{name}' is not SQLite-backed; make it with new_sqlite_classes")
        _check_images(entry.get("images") or {})
        marks[name] = {key: entry[key] for key in ("name", "class_name", "images") if key in entry}
    unlisted = sorted(container for container, name in linked.items() if name not in marks)
    if unlisted:
        raise invalid(f"exports link the container {unlisted[0]}, which the metadata does not list")
    return marks


def check_exported(classes: Classes, upload: Upload) -> None:
    """Refuses a script that certainly lacks a class which has a namespace."""
    for name in classes.by_class:
        if not may_export(upload, name):
            raise invalid(
                f"New version of script does not export class '{name}' which is depended on by existing"
                " Durable Objects. If you want to delete the class's Durable Objects, use a delete-class migration.",
                NOT_EXPORTED,
            )


def _apply_step(classes: Classes, step: dict[str, Any]) -> None:
    # Deletions and renames first: a step may give a name that it has just freed to another class.
    for name in texts(step, "deleted_classes"):
        classes.delete(name)
    for pair in objects(step, "renamed_classes"):
        classes.rename(str(pair.get("from")), str(pair.get("to")))
    for pair in objects(step, "transferred_classes"):
        classes.transfer(str(pair.get("from_script")), str(pair.get("from")), str(pair.get("to")))
    for name in texts(step, "new_classes"):
        classes.create(name, use_sqlite=False)
    for name in texts(step, "new_sqlite_classes"):
        classes.create(name, use_sqlite=True)


def _reconcile_one(classes: Classes, name: str, entry: dict[str, Any], state: str) -> None:
    is_there = name in classes.by_class
    use_sqlite = entry.get("storage", "sqlite") == "sqlite"
    if state == "deleted" and is_there:
        classes.delete(name)
    elif state == "renamed" and is_there:
        classes.rename(name, str(entry.get("renamed_to")))
    elif state == "expecting-transfer" and not is_there:
        classes.transfer(str(entry.get("transfer_from")), name, name)
    elif state == "created" and not is_there:
        classes.create(name, use_sqlite)
    elif state == "created" and classes.by_class[name]["use_sqlite"] != use_sqlite:
        details = [{"class_name": name, "reason": "the storage of a class cannot change"}]
        raise invalid(
            f"the storage of class '{name}' cannot change", EXPORTS_BLOCKED, meta={"details": details}
        )


def _check_images(images: dict[str, Any]) -> None:
    for name, image in images.items():
        if not isinstance(image, str) or "@sha256:" not in image:
            raise invalid(f"containers: image {name} is not pinned by digest: {image}")
