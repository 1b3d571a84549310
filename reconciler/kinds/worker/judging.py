"""What a change of a worker does: which parts of it are sent, dangers, details for the reader, outputs afterwards. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.kinds.worker.classes import ClassChanges, class_changes, wanted_classes
from reconciler.kinds.worker.forms import bound_names
from reconciler.kinds.worker.table import KIND
from reconciler.model.change import BLOCKED, SHOWN, Action, Change, Effect, Hazard
from reconciler.model.handler import Judgement
from reconciler.model.kind import CONTAINERS_WRITE, predicted_outputs
from reconciler.model.value import Path, Secret, Unknown, Value

APART = ("secrets", "workers_dev", "preview_urls", "routes", "triggers")
"""What is not part of the upload, and is sent only where it is set and different."""
ROUTES_WRITE = "Workers Routes Write"
EXPORTED = "exported"
"""The setting that names the classes which the modules export; None where that cannot be told."""
_LOOKS_AT_NEW, _LOOKS_AT_KNOWN = 5, 3
"""Reads around an upload: the service, where it answers, its namespaces, the version that is live."""
_GOING = (Action.DELETE, Action.REPLACE)


def judge(change: Change) -> Judgement:
    """Effect, hazards and what a reader wants to know."""
    if change.action in _GOING:
        return Judgement(Effect.DOWNTIME, tuple(_losses(change)), reads=1)
    changes = changes_of_classes(change)
    hazards = [*_deleted_classes(change, changes), *_unbound(change), *_rotated(change), *_taken_over(change)]
    effect = Effect.HOT if sends(change) and change.action is not Action.CREATE else Effect.NONE
    return Judgement(
        effect,
        tuple(hazards),
        details=_details(change, changes),
        notes=tuple(_notes(change, changes)),
        writes=1 + len(_sent_apart(change)),
        reads=_LOOKS_AT_NEW if change.action is Action.CREATE else _LOOKS_AT_KNOWN,
        permissions=tuple(_permissions(change)),
    )


def _sent_apart(change: Change) -> set[Any]:
    """What goes out beside the upload; a new script is always told whether it answers under workers.dev."""
    differing = {path[0] for path in change.paths} & set(APART)
    return differing | {"workers_dev"} if change.action is Action.CREATE else differing


def sends(change: Change) -> bool:
    """Whether anything goes out: guards and edges live in state alone."""
    return change.action is Action.CREATE or any(_row_exists(path) for path in change.paths)


def uploads(change: Change) -> bool:
    """Whether the script itself has to be uploaded."""
    if change.action is Action.CREATE or (change.observed is None):
        return True
    return any(_row_exists(path) and path[0] not in APART for path in change.paths)


def _row_exists(path: Path) -> bool:
    return KIND.attribute(path) is not None


def namespaces_of(change: Change) -> Mapping[str, Value]:
    """The namespaces that the live script has, by class."""
    found = change.observed.outputs.get("namespaces") if change.observed else None
    return found if isinstance(found, Mapping) else {}


def changes_of_classes(change: Change) -> ClassChanges:
    """What the upload does to classes."""
    renames = (change.desired.settings if change.desired else {}).get("renamed") or {}
    there = () if change.action in (Action.CREATE, Action.REPLACE) else namespaces_of(change)
    return class_changes(there, wanted_classes(change.wanted), renames)


def live_applications(change: Change) -> Mapping[str, Mapping[str, Any]]:
    """The applications seen on its namespaces, by class."""
    found: Mapping[str, Mapping[str, Any]] = (change.observed.raw if change.observed else {}).get(
        "applications", {}
    )
    return found


def _permissions(change: Change) -> Iterator[str]:
    """What sending it takes beside the right to scripts: routes belong to zones, named images to containers."""
    if change.touches("routes"):
        yield ROUTES_WRITE
    lent = (change.wanted.get("containers") or {}).values()
    if uploads(change) and any(isinstance(one, Mapping) and one.get("images") for one in lent):
        yield CONTAINERS_WRITE


# dangers


def _losses(change: Change) -> Iterator[Hazard]:
    classes = sorted(namespaces_of(change))
    if classes:
        what = f"its Durable Objects go with it, data included: {', '.join(classes)}"
        yield Hazard("DELETES_DATA", BLOCKED, what)
    yield from _switched_off(change, classes)


def _deleted_classes(change: Change, changes: ClassChanges) -> Iterator[Hazard]:
    if changes.deleted:
        what = f"the data of every object of {', '.join(changes.deleted)} is deleted"
        yield Hazard("DELETES_DATA", BLOCKED, what)
    yield from _switched_off(change, changes.deleted)


def _switched_off(change: Change, classes: Any) -> Iterator[Hazard]:
    """Live applications of somebody else; our own are gone before, or the upload is refused."""
    ours = (change.prior.attributes if change.prior else {}).get("containers") or {}
    foreign = {
        name: application
        for name, application in live_applications(change).items()
        if name in classes and name not in ours and name not in (change.wanted.get("containers") or {})
    }
    for name, application in sorted(foreign.items()):
        what = f"the application {application.get('name')} ({application.get('id')}) runs behind {name} and is switched off"
        yield Hazard("DISABLES_CONTAINER", BLOCKED, what)


def removed_bindings(change: Change) -> list[str]:
    """What the live script reaches and the uploaded one will not."""
    if change.observed is None or not uploads(change):
        return []
    return sorted(bound_names(change.observed.attributes) - bound_names(change.wanted))


def _unbound(change: Change) -> Iterator[Hazard]:
    if gone := removed_bindings(change):
        yield Hazard(
            "REMOVES_BINDING", SHOWN, f"the upload takes away {', '.join(gone)}, which the live script has"
        )


def _rotated(change: Change) -> Iterator[Hazard]:
    rotated = [
        one.path[1]
        for one in change.attributes
        if one.path[0] == "secrets"
        and len(one.path) == 2
        and isinstance(one.before, Secret)
        and isinstance(one.after, Secret)
    ]
    if rotated:
        yield Hazard("ROTATES_SECRET", SHOWN, f"{', '.join(sorted(rotated))} gets a new value")


def _taken_over(change: Change) -> Iterator[Hazard]:
    if change.action is Action.ADOPT and change.observed is not None:
        whose = f"the script {change.observed.name}"
        yield Hazard("TAKES_OVER", SHOWN, f"{whose} exists already and is taken over")


# for the reader


def _details(change: Change, changes: ClassChanges) -> dict[str, Value]:
    details: dict[str, Value] = {}
    modules = {
        one.path[1]: one for one in change.attributes if one.path[0] == "modules" and len(one.path) > 1
    }
    if modules and change.action is not Action.CREATE:
        details["modules"] = {
            "added": sorted(name for name, one in modules.items() if one.before is None),
            "changed": sorted(name for name, one in modules.items() if one.before and one.after),
            "removed": sorted(name for name, one in modules.items() if one.after is None),
        }
    if changes:
        details["classes"] = changes.described()
    if gone := removed_bindings(change):
        details["removed_bindings"] = gone
    return details


def _notes(change: Change, changes: ClassChanges) -> Iterator[str]:
    remembered = (change.prior.attributes if change.prior else {}).get("classes") or {}
    for name in changes.unnamed:
        if name in remembered and name not in wanted_classes(change.wanted):
            fix = f"`classes: {{{name}: {{deleted: true}}}}` deletes it"
            yield f"nothing names the class {name} any more; it stays, with its data; {fix}"
            if len(changes.created) == 1:
                [new] = changes.created
                keeps = f"`classes: {{{new}: {{renamed_from: {name}}}}}` keeps data and application"
                yield f"if {new} is {name} under another name, {keeps}"
    yield from _by_others(change, changes)


def unexported(change: Change) -> list[str]:
    """Classes with Durable Objects that the upload neither exports nor deletes: the service refuses it (10064)."""
    exported = (change.desired.settings if change.desired else {}).get(EXPORTED)
    if exported is None or not uploads(change):
        return []
    return [name for name in changes_of_classes(change).unnamed if name not in exported]


def _by_others(change: Change, changes: ClassChanges) -> Iterator[str]:
    """What somebody else did to classes that are to be there."""
    before = (change.prior.outputs if change.prior else {}).get("namespaces") or {}
    names = {identity: name for name, identity in namespaces_of(change).items()}
    for name, identity in before.items():
        if name not in changes.created:
            continue
        if now := names.get(identity):
            yield f"somebody else renamed the class {name} to {now}; as it is, {name} is made anew, without data"
            yield f"`classes: {{{name}: {{renamed_from: {now}}}}}` takes that back, `class_name: {now}` follows it"
        else:
            yield f"somebody else deleted the class {name}, and its data with it; it is made anew"


# what follows


def outputs_after(change: Change) -> dict[str, Value]:
    """The outputs after a change; the namespace of a class that exists stays, also under another name."""
    outputs = predicted_outputs(KIND, change)
    if change.action is Action.DELETE:
        return outputs
    if (
        change.action.is_idle
        or change.action is Action.RESUME
        or (change.desired and change.desired.external)
    ):
        if change.observed is not None:
            outputs["namespaces"] = namespaces_of(change)
        return outputs
    known = {} if change.action in (Action.CREATE, Action.REPLACE) else dict(namespaces_of(change))
    changes = changes_of_classes(change)
    for new, old in (changes.renamed or {}).items():
        known[new] = known.pop(old)
    for name in changes.deleted:
        known.pop(name, None)
    outputs["namespaces"] = {**known, **{name: Unknown(change.address) for name in changes.created}}
    if not uploads(change) and not change.touches("secrets") and change.observed is not None:
        outputs["version_id"] = change.observed.outputs.get("version_id")
    if not change.touches("workers_dev", "name") and change.observed is not None and not _is_new(change):
        outputs["url"] = change.observed.outputs.get("url")
    return outputs


def _is_new(change: Change) -> bool:
    return change.action in (Action.CREATE, Action.REPLACE)
