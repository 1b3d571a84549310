"""Sections without keys: what stands there is one resource, and is read as if it stood under the name of its kind."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.manifest.tree import Block, child
from reconciler.model.kind import Kind


def keyed(root: Block, kinds: Iterable[Kind]) -> Block:
    """The manifest in which every section has keys, in its base and in its environments."""
    singletons = [kind for kind in kinds if kind.singleton]
    whole = _keyed(root, singletons)
    overlays = child(root, "environments")
    if not any(kind.section in child(overlays, name) for name in overlays for kind in singletons):
        return whole
    environments = overlays.clone()
    for name, overlay in overlays.items():
        environments[name] = _keyed(overlay, singletons) if isinstance(overlay, Block) else overlay
    if whole is root:
        whole = root.clone()
    whole["environments"] = environments
    return whole


def _keyed(holder: Block, singletons: Iterable[Kind]) -> Block:
    present = [kind for kind in singletons if holder.get(kind.section) is not None]
    if not present:
        return holder
    copy = holder.clone()
    for kind in present:
        section = Block()
        section.put(kind.name, holder[kind.section], holder.marks[kind.section])
        copy[kind.section] = section
    return copy
