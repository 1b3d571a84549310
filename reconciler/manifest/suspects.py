"""Secrets and what looks like one: a place for secrets takes nothing else, and a plain value that looks like one is warned of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from reconciler.manifest.declared import Declared, takes_secret
from reconciler.manifest.site import Site
from reconciler.manifest.tree import Block
from reconciler.model.kind import Kind
from reconciler.model.value import Attributes, Path, Unknown, Value, at_path, path_text, pointers

# The places in which people keep settings, whatever the kind; those for secrets are declared by the kinds.
_SETTINGS = frozenset({"environment_variables", "vars"})
_NAME = re.compile(
    r"password|passwd|passphrase|apikey|(?:^|[_.-])(?:pass|pwd|secrets?|tokens?|credentials?"
    r"|(?:api|access|private|secret|signing|encryption)[_-]keys?)(?:$|[_.-])",
    re.IGNORECASE,
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# What is about a secret without being one: where it lies, what it is called, how long it lasts.
_HARMLESS = re.compile(
    r"(?:file|path|dir|url|uri|name|id|ttl|type|header|length|expiry|expires|enabled|public)$", re.IGNORECASE
)
_VALUE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_[A-Za-z0-9_]{30,}"
    r"|\bglpat-[A-Za-z0-9_-]{20,}|\bxox[abprs]-[A-Za-z0-9-]{10,}|\bsk_live_[A-Za-z0-9]{16,}|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\."
    r"|://[^/\s:@]+:[^/\s:@${}]+@"
)


def check_secret_rows(attributes: Attributes, kind: Kind, declared: Declared, site: Site) -> None:
    """Collects plain values where a secret belongs: they would stand in plan and state for all to read."""
    for path in declared.secret_paths[kind.name]:
        for leaf, value in _leaves(at_path(attributes, path), path):
            if isinstance(value, Unknown) or any(map(declared.holds_secret, pointers(value))):
                continue
            summary = f"{path_text(leaf)} must be a secret, not a plain value"
            site.error(leaf, "E317", summary, declared.how_to_keep_secret())


def _leaves(value: Value, path: Path) -> Iterator[tuple[Path, Value]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif value is not None:
        yield path, value


def warn_of_suspects(block: Mapping[str, Value], kind: Kind, declared: Declared, site: Site) -> None:
    """Warns of settings that look like secrets, as they are written."""
    for place in _SETTINGS & block.keys():
        settings = block[place]
        if not isinstance(settings, Block):
            continue
        for name, value in settings.items():
            if isinstance(value, str | int) and _looks_secret(name, str(value)):
                _warn((place, name), kind, declared, site)


def _looks_secret(name: str, value: str) -> bool:
    if value.startswith("${"):
        return value.startswith("${env.") and _is_secret_name(name)
    return (bool(value) and _is_secret_name(name)) or (
        len(value) >= _SHORTEST and _VALUE.search(value, 0, _LONGEST) is not None
    )


# No credential is shorter, and looking for one in a text of megabytes would take for ever.
_SHORTEST, _LONGEST = 16, 4096


@lru_cache(maxsize=4096)
def _is_secret_name(name: str) -> bool:
    words = _HUMP.sub("_", name)
    return _NAME.search(words) is not None and _HARMLESS.search(words) is None


def _warn(path: Path, kind: Kind, declared: Declared, site: Site) -> None:
    places = [row.path for row in kind.attributes if takes_secret(row, declared.secret_sections)]
    fix = declared.how_to_keep_secret()
    where = f" under `{places[0]}`" if places and fix else ""
    summary = f"{path_text(path)} looks like a secret, and stands in plan and state for all to read"
    site.warn(path, "W601", summary, f"{fix}{where}")
