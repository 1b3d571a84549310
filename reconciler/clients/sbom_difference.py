"""Which packages one image has and another has not, in no more names than a reader can use. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.clients.sbom_document import Sbom
from reconciler.clients.sbom_packages import READ_TYPES, Package

MOST_NAMES = 200

Versions = Mapping[tuple[str, str], frozenset[str]]


def package_difference(before: Sbom, after: Sbom, most: int = MOST_NAMES) -> dict[str, Any]:
    """`{added, changed, removed}`, each sorted by name; `more` counts by the same keys what was left out.

    What only one of two tools would look for at all is left out: it says something of the tools, not of the images.
    """
    kinds = None if before.tool == after.tool else READ_TYPES
    old, new = _versions(before.packages, kinds), _versions(after.packages, kinds)
    found: dict[str, list[dict[str, str]]] = {"added": [], "changed": [], "removed": []}
    for kind, name in sorted(old.keys() | new.keys(), key=lambda one: (one[1], one[0])):
        _compare(
            found, {"name": name, "type": kind}, old.get((kind, name), _NONE), new.get((kind, name), _NONE)
        )
    more = {key: len(listed) - most for key, listed in found.items() if len(listed) > most}
    told: dict[str, Any] = {key: listed[:most] for key, listed in found.items()}
    return {**told, "more": more} if more else told


_NONE: frozenset[str] = frozenset()


def _versions(packages: Iterable[Package], kinds: frozenset[str] | None) -> Versions:
    versions: dict[tuple[str, str], set[str]] = {}
    for package in packages:
        if kinds is None or package.type in kinds:
            versions.setdefault((package.type, package.name), set()).add(package.version)
    return {key: frozenset(found) for key, found in versions.items()}


def _compare(
    found: dict[str, list[dict[str, str]]],
    package: dict[str, str],
    old: frozenset[str],
    new: frozenset[str],
) -> None:
    gone, come = sorted(old - new), sorted(new - old)
    if len(gone) == len(come) == 1:
        found["changed"].append({**package, "before": gone[0], "after": come[0]})
        return
    found["removed"] += [{**package, "version": version} for version in gone]
    found["added"] += [{**package, "version": version} for version in come]
