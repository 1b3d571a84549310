"""The commit that files stand in, and whether they differ from it. What git cannot say is not known, and no error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from reconciler.clients.child_process import ask
from reconciler.frozen import frozen

_COMMIT = "# branch.oid "
_NONE_YET = "(initial)"


@frozen
class Commit:
    """A commit by its full id; `dirty` says that files differ from it, or are not in it."""

    sha: str
    dirty: bool


def commit_of(
    folder: Path, files: Iterable[Path], left_out: Iterable[Path], environ: Mapping[str, str]
) -> Commit | None:
    """The commit that a folder has checked out; `dirty` looks at these files and folders only, and not at `left_out`."""
    quiet = {**environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    asked = ["git", "-C", str(folder), "status", "--porcelain=v2", "--branch", "--", *map(_literal, files)]
    said = ask([*asked, *(_but_not(path) for path in left_out)], quiet)
    return None if said is None else _read(said.splitlines())


def _literal(path: Path) -> str:
    return f":(literal){path}"


def _but_not(path: Path) -> str:
    return f":(exclude,literal){path}"


def _read(lines: Sequence[str]) -> Commit | None:
    sha = next((line.removeprefix(_COMMIT) for line in lines if line.startswith(_COMMIT)), _NONE_YET)
    if sha == _NONE_YET:
        return None
    return Commit(sha, any(not line.startswith("#") for line in lines))
