"""Documents in the user's cache folder: written whole or not at all, for nobody else to read, gone once nobody needs them.

A cache that cannot be read or written is no error for whoever uses it: everything is found out again then.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4


def cache_folder(environ: Mapping[str, str], name: str) -> Path | None:
    """Where things of that name are kept; None where the user has no cache folder."""
    base = environ.get("XDG_CACHE_HOME") or (f"{environ['HOME']}/.cache" if environ.get("HOME") else "")
    return Path(base) / "reconciler" / name if base else None


def read_document(path: Path) -> Any:
    """What this user wrote; OSError, ValueError or RecursionError where that cannot be read, None where another did."""
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_uid != os.geteuid():
            return None
        return json.loads(file.read())


def write_document(path: Path, document: Any, kept_for: float) -> None:
    """Writes it, and removes what in the same folder is older than so many seconds; OSError where it cannot."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=stat.S_IRWXU)
    written = path.with_name(f".{path.name}.{uuid4().hex}")
    descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(json.dumps(document, separators=(",", ":")))
        written.replace(path)
    except OSError:
        written.unlink(missing_ok=True)
        raise
    forget_older(path.parent, kept_for)


def forget_older(folder: Path, seconds: float) -> None:
    """Removes what nobody has touched for so long."""
    youngest = time.time() - seconds
    for path in folder.iterdir():
        try:
            if path.stat().st_mtime < youngest:
                path.unlink()
        except FileNotFoundError:
            continue
