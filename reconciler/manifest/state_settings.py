"""The keys of `state:`, backend by backend: which there are, which are needed, and what is said of the others.

What a backend does with them is its own affair; a password is no key of any.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.manifest.site import Site

KEYS: Mapping[str, Mapping[str, str]] = {
    "local": {"path": "Folder of a local state."},
    "s3": {
        "bucket": "Bucket of R2, S3 or another service that honours conditional writes.",
        "endpoint": "Address of the service; for R2 https://ACCOUNT.r2.cloudflarestorage.com. Without it: S3.",
        "region": "Region; for R2 `auto`, which is its default.",
        "prefix": "What the names of all objects begin with, before project and environment.",
    },
    "postgres": {
        "host": "Host of the database; else PGHOST.",
        "port": "Port of the database; else PGPORT.",
        "database": "Name of the database; else PGDATABASE.",
        "user": "User of the database; else PGUSER.",
        "schema": "Schema that holds the table; by default `reconciler`.",
    },
    "http": {
        "address": "Where the state is got and posted; {project} and {environment} stand for their names.",
        "lock_address": "Where it is locked; by default the address.",
        "unlock_address": "Where it is unlocked; by default where it is locked.",
        "lock_method": "HTTP method that locks: LOCK, or POST for GitLab.",
        "unlock_method": "HTTP method that unlocks: UNLOCK, or DELETE for GitLab.",
    },
}
NEEDED = {"s3": "bucket", "http": "address"}
EVERYWHERE = frozenset(("backend", "fingerprint_key", "encryption"))


def missing_key(settings: Mapping[str, Any]) -> str:
    """The key that a backend cannot do without and that is not said; empty: none."""
    needed = NEEDED.get(str(settings.get("backend", "local")), "")
    return "" if settings.get(needed) or not needed else needed


def check_state(settings: Mapping[str, Any], site: Site) -> None:
    """Collects what is wrong with a `state:` as an environment has it."""
    backend = str(settings.get("backend") or "local")
    if backend not in KEYS:
        return  # the schema says so
    if needed := missing_key(settings):
        site.error(("state",), "E203", f"state needs {needed} for the backend {backend}", f"add `{needed}:`")
    encryption = settings.get("encryption")
    if isinstance(encryption, Mapping) and not (encryption.get("key") or encryption.get("old_keys")):
        site.error(("state", "encryption"), "E203", "encryption needs a key", "add `key: {env: NAME}`")
    for key in settings:
        owner = next((name for name, keys in KEYS.items() if key in keys), backend)
        if key not in EVERYWHERE and owner != backend:
            site.error(
                ("state", key),
                "E201",
                f"state.{key} is a key of the backend {owner}, and this one is {backend}",
                f"say `backend: {owner}`, or take {key} out",
            )
