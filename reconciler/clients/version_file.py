"""The `version.json` that a build writes into its context: commit, time, and a hash per lock file (interface 1.8).

Goes into the image, and not into the hash of the inputs: the same inputs stay the same image.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from reconciler.clients.child_process import ask
from reconciler.clients.context_files import ContextEntry

_LOCK_FILE = re.compile(r"[^/]+[.-]lock(?:\.(?:json|yaml|yml|hcl))?|bun\.lockb|go\.sum|npm-shrinkwrap\.json")
_ENDING = re.compile(r"[.-]?lock(?:b|\.(?:json|yaml|yml|hcl))?$|\.json$")


def version_document(
    folder: Path, entries: Iterable[ContextEntry], environ: Mapping[str, str], now: datetime
) -> bytes:
    """The document as bytes; what git cannot say about the folder is null."""
    document: dict[str, str | None] = {
        "sha": _git(folder, environ, "rev-parse", "HEAD"),
        "short_sha": _git(folder, environ, "rev-parse", "--short", "HEAD"),
        "describe": _git(folder, environ, "describe", "--tags", "--always", "--dirty"),
        "built_at": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    locks = {
        _key(entry.path): entry.content for entry in entries if entry.is_file and _is_lock_file(entry.path)
    }
    return json.dumps(document | locks, indent=2).encode() + b"\n"


def _is_lock_file(path: str) -> bool:
    """Whether a file at the top of the context is one that a package manager writes."""
    return _LOCK_FILE.fullmatch(path) is not None


def _key(path: str) -> str:
    """`uv.lock` is `uv_lock_sha`, `pnpm-lock.yaml` is `pnpm_lock_sha`."""
    name = _ENDING.sub("", path) or path
    suffix = "" if path == "go.sum" else "_lock"
    return f"{re.sub(r'[^a-z0-9]+', '_', name.lower()).strip('_')}{suffix}_sha"


def _git(folder: Path, environ: Mapping[str, str], *words: str) -> str | None:
    quiet = {**environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    return ask(["git", "-C", str(folder), *words], quiet) or None
