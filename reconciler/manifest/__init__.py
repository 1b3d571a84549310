"""Text to data: reads `containers.yaml`, checks it, and binds it to a `Manifest`. Asks no network and no disk but that file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from reconciler.errors import ManifestError
from reconciler.manifest.binder import Handlers, bind_environment
from reconciler.manifest.check import Checker
from reconciler.manifest.findings import Findings
from reconciler.manifest.glance import Glance, peek
from reconciler.manifest.naming import Names
from reconciler.manifest.reader import Document, default_manifest, read_document
from reconciler.manifest.schema import manifest_schema as _schema_of_kinds
from reconciler.manifest.singletons import keyed
from reconciler.manifest.tree import START, child, source_of
from reconciler.model.address import ResourceAddress
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.manifest import Inputs, Manifest
from reconciler.model.resource import Desired
from reconciler.model.value import Unknown

__all__ = [
    "Glance",
    "Inputs",
    "default_manifest",
    "manifest_schema",
    "peek",
    "read_manifest",
    "validate_manifest",
]

FilePath = str | os.PathLike[str]
Check = Callable[[Mapping[ResourceAddress, Desired]], Iterable[Diagnostic]]


def read_manifest(
    path: FilePath, handlers: Handlers, environment: str | None = None, inputs: Inputs | None = None
) -> Manifest:
    """The manifest of one environment; raises ManifestError with everything that is wrong with it."""
    findings = Findings()
    document, checker = _open(path, handlers, findings)
    _check_environment(document, environment, findings)
    manifest = bind_environment(document, handlers, checker, environment, inputs or Inputs(), findings)
    _add_names(_names(handlers), manifest, findings)
    findings.raise_errors()
    return manifest


def validate_manifest(
    path: FilePath,
    handlers: Handlers,
    environment: str | None = None,
    inputs: Inputs | None = None,
    *,
    check: Check = lambda _resources: (),
) -> list[Diagnostic]:
    """Everything there is to say about a manifest, without asking the outside; without an environment, about all of them.

    `check` says what is wrong with the resources of an environment that can be read.
    """
    inputs = inputs or Inputs(offline=True)
    findings = Findings()
    try:
        document, checker = _open(path, handlers, findings)
        if environment is not None:
            _check_environment(document, environment, findings)
    except ManifestError as error:
        return list(error.diagnostics)
    names = _names(handlers)
    every: list[str | None] = [*environments_in(document)] or [None]
    for name in [environment] if environment is not None else every:
        own = findings.fork()
        with suppress(ManifestError):
            manifest = bind_environment(document, handlers, checker, name, inputs, own)
            _add_names(names, manifest, own)
            for finding in check(manifest.resources):
                own.add(finding)
        findings.join(own)
    return findings.sorted()


def manifest_schema(handlers: Handlers) -> dict[str, Any]:
    """The JSON Schema of a manifest, for editors."""
    return _schema_of_kinds(handler.kind for handler in handlers.values())


def environments_in(document: Document) -> list[str]:
    """The environments that a manifest declares."""
    return list(child(document.root, "environments"))


def _open(path: FilePath, handlers: Handlers, findings: Findings) -> tuple[Document, Checker]:
    kinds = [handler.kind for handler in handlers.values()]
    document = read_document(path, findings)
    document = replace(document, root=keyed(document.root, kinds))
    checker = Checker({kind.section: kind for kind in kinds})
    checker.check_document(document.root, document.file, findings)
    return document, checker


def _check_environment(document: Document, environment: str | None, findings: Findings) -> None:
    """Collects an environment that is not there, or not said, and raises at once: nothing else would make sense."""
    known = environments_in(document)
    marks = document.root.marks
    place = source_of(document.file, marks.get("environments", START))
    if environment is None and known:
        fix = f"say -e {' or -e '.join(known[:12])}"
        findings.error("E205", "this manifest has environments, and none was named", place, fix=fix)
    elif environment is not None and not known:
        fix = "leave -e out, or declare `environments:`"
        findings.error(
            "E205", f'this manifest has no environments, so there is no "{environment}"', place, fix=fix
        )
    elif environment is not None and environment not in known:
        hint = findings.did_you_mean(environment, known)
        findings.error("E205", f'there is no environment "{environment}"', place, fix=hint)
    else:
        return
    findings.raise_errors()


def _names(handlers: Handlers) -> Names:
    return Names({handler.kind.name: handler.kind for handler in handlers.values()})


def _add_names(names: Names, manifest: Manifest, findings: Findings) -> None:
    account = manifest.account_id
    told = account.expression if isinstance(account, Unknown) else str(account)
    names.add(manifest.resources.values(), told, manifest.environment, findings)
