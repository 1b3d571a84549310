"""What lies in a folder that a first manifest can be made of: a name, a Dockerfile, a worker's code."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

from reconciler.clients.worker_modules import WorkerModules, read_modules
from reconciler.frozen import frozen
from reconciler.manifest.starting import Draft, Place, slug

_DOCKERFILES = ("Dockerfile", "*.Dockerfile", "Dockerfile.*", "*/Dockerfile", "*/*/Dockerfile")
_MAINS = (
    "dist/worker.js",
    "dist/index.js",
    "worker.js",
    "worker.mjs",
    "src/worker.js",
    "src/index.js",
    "index.js",
)
_SOURCES = ("src/worker.ts", "src/index.ts", "worker.ts", "index.ts")
_PASSED_BY = {"node_modules", ".git", ".reconciler", "state"}
_DEFAULT_EXPORT = re.compile(rb"\bexport\s+default\b|\bas\s+default\b")


@frozen
class WorkerFound:
    """A worker's code; without classes it can bind nothing, `source` is what it has to be bundled from first."""

    main: str
    classes: tuple[str, ...] = ()
    source: str = ""


def project_of(folder: Path) -> str:
    """The name in package.json, else the folder's."""
    try:
        name = json.loads((folder / "package.json").read_text()).get("name")
    except (OSError, ValueError, AttributeError):
        name = None
    return slug(name if isinstance(name, str) and name else folder.resolve().name)


def first_manifest(folder: Path, today: date) -> Draft:
    """A manifest that runs what lies in the folder."""
    place = Place(folder, folder, project_of(folder))
    draft = Draft({"version": 1, "project": place.project})
    dockerfile, worker = _dockerfile(folder), _worker(folder)
    draft.document["images"] = {"app": {"build": place.build(dockerfile or "Dockerfile")}}
    if dockerfile is None:
        draft.note(
            ("images", "app"),
            "there is no Dockerfile here yet; `image: docker.io/library/nginx:1.27` with `push: true` copies one",
        )
    application: dict[str, Any] = {"image": "${images.app}", "instance_type": "lite"}
    if worker is not None:
        draft.document["workers"] = {"worker": _block_of(worker, today)}
        if worker.source:
            bundle = "npx wrangler deploy --dry-run --outdir dist"
            draft.note(("workers", "worker"), f"bundled from {worker.source} by `{bundle}`")
    if worker is not None and worker.classes:
        application |= {"class_name": worker.classes[0], "max_instances": 3}
        others = ", ".join(worker.classes[1:])
        if others:
            draft.note(("applications", "app"), f"the worker exports {others} too")
    else:
        application["instances"] = 1
        draft.note(("applications", "app"), "no worker's class starts it: it runs by itself")
    draft.document["applications"] = {"app": application}
    draft.document["outputs"] = {"image": "${images.app.ref}", "application": "${applications.app.id}"}
    draft.note((), "Try it without an account: reconciler apply --local")
    return draft


def _block_of(worker: WorkerFound, today: date) -> dict[str, Any]:
    block: dict[str, Any] = {"main": worker.main, "compatibility_date": today.isoformat()}
    return {**block, "bindings": {"APP": "${applications.app}"}} if worker.classes else block


def _dockerfile(folder: Path) -> str | None:
    for pattern in _DOCKERFILES:
        found = sorted(path for path in folder.glob(pattern) if path.is_file())
        for path in found:
            inside = path.relative_to(folder)
            if not _PASSED_BY.intersection(inside.parts):
                return inside.as_posix()
    return None


def _worker(folder: Path) -> WorkerFound | None:
    for main in _MAINS:
        if _is_worker(folder / main) and (modules := bundled(folder, main)) is not None:
            return WorkerFound(main, _classes(modules, folder / main))
    for source in (*_SOURCES, *_MAINS):
        if _is_worker(folder / source):
            # Its classes are read from the text: what it imports is not there in a form that could be followed.
            return WorkerFound(f"dist/{Path(source).stem}.js", _exported(folder / source), source)
    return None


def _is_worker(path: Path) -> bool:
    try:
        return path.is_file() and _DEFAULT_EXPORT.search(path.read_bytes()) is not None
    except OSError:
        return False


def bundled(folder: Path, main: str) -> WorkerModules | None:
    """The modules of a worker that can be uploaded as it is; None of one that has to be bundled first."""
    modules = read_modules(main, None, folder)
    return None if modules.problems else modules


def _classes(modules: WorkerModules, path: Path) -> tuple[str, ...]:
    """The exported classes, those that extend `Container` first."""
    named = _exported(path)
    known = sorted(modules.classes - {"default"}) if modules.classes is not None else list(named)
    containers = [name for name in named if name in known]
    return (*containers, *(name for name in known if name not in containers))


def _exported(path: Path) -> tuple[str, ...]:
    """The classes that a text exports by name, those that extend `Container` first."""
    text = path.read_text(errors="replace")
    found = re.findall(r"\bexport\s+class\s+(\w+)(?:\s+extends\s+(\w+))?", text)
    return tuple(name for name, parent in sorted(found, key=lambda one: one[1] != "Container"))
