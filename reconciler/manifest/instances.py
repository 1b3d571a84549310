"""`for_each`: the instances of a block, known before any reference to them is followed (interface 1.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.manifest.language import Language
from reconciler.manifest.shape import Shape
from reconciler.manifest.site import Site
from reconciler.manifest.substitution import Substitution
from reconciler.manifest.tree import Block
from reconciler.model.value import Unknown, Value

_KEY = re.compile(r"[A-Za-z0-9._-]+")

Instances = Mapping[str, Value]


def instances_of(block: Block, address: str, shape: Shape, language: Language) -> Instances | None:
    """Keys and values of the instances of a block, in order; None where only the outside knows."""
    site = language.site_of(block, address)
    value = Substitution(language.scope, site).at(block, "for_each", shape, ("for_each",))
    if isinstance(value, Unknown):
        return None
    if isinstance(value, list):
        return _from_list(value, site)
    if isinstance(value, dict):
        return {name: value[name] for name in sorted(value) if _is_key(name, site)}
    site.error(("for_each",), "E320", "for_each must come to a list of texts or a map")
    return {}


def _from_list(names: list[Value], site: Site) -> Instances | None:
    if any(isinstance(name, Unknown) for name in names):
        return None
    found: set[str] = set()
    for name in names:
        if not _is_key(name, site):
            continue
        if name in found:
            site.error(("for_each",), "E320", f'for_each holds "{name}" twice', "keep one of them")
        found.add(name)
    return {name: name for name in sorted(found)}


def _is_key(name: Value, site: Site) -> bool:
    if isinstance(name, str) and _KEY.fullmatch(name):
        return True
    fix = "letters, digits, `.`, `_` and `-` may stand in one"
    site.error(("for_each",), "E320", f'for_each: "{str(name)[:80]}" cannot be the key of an instance', fix)
    return False
