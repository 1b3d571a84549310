"""What a build would read, as one hash and a list of files: Dockerfile, context after `.dockerignore`, arguments.

The same on every machine. Builds nothing; how the context is sent is for `context_stream`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from reconciler.clients.build_inputs import BuildInputs
from reconciler.clients.build_recipe import BuildRecipe
from reconciler.clients.context_files import ContextEntry, Sort, read_files
from reconciler.clients.dockerfile import suspicious_args
from reconciler.clients.dockerignore import IgnoreRules
from reconciler.clients.regular_file import read_regular, reason
from reconciler.clients.stat_cache import StatCache
from reconciler.errors import ReconcilerError
from reconciler.frozen import frozen

_FORM = b"reconciler build inputs 1"
_LARGEST_TEXT = 4 * 1024 * 1024


@frozen
class BuildContext:
    """A context as it was looked at: what is sent to the builder must be exactly this.

    `dockerfile` is its path among the entries; empty where the rules leave it out, or where it lies elsewhere.
    `version_path` is where `version.json` goes; empty where none is wanted.
    """

    recipe: BuildRecipe
    entries: tuple[ContextEntry, ...]
    dockerfile: str
    dockerfile_text: bytes
    version_path: str
    inputs: BuildInputs


def look_at_context(
    recipe: BuildRecipe, *, cache_dir: Path | None = None, never_sent: Iterable[Path] = ()
) -> BuildContext:
    """Looks at everything that a build would read; `never_sent` are files and folders that are as if not there."""
    dockerfile_text = _read_dockerfile(recipe)
    _refuse_secrets(recipe, dockerfile_text)
    ignore_name, ignore_text = _ignore_file(recipe)
    version_path = _inside(recipe.context, recipe.version_file, "version_file") if recipe.version_file else ""
    unseen = [
        path.relative_to(recipe.context).as_posix() for path in never_sent if recipe.context in path.parents
    ]
    entries = read_files(
        recipe.context,
        IgnoreRules.parse(ignore_text, ignore_name),
        StatCache.open(cache_dir, f"{recipe.context}\0{ignore_text}\0{version_path}"),
        [*unseen, version_path] if version_path else unseen,
    )
    own_path = Path(os.path.relpath(recipe.dockerfile, recipe.context)).as_posix()
    dockerfile_hash = sha256(dockerfile_text).hexdigest()
    is_entry = any(entry.path == own_path and entry.content == dockerfile_hash for entry in entries)
    files = _files(entries) if is_entry else {own_path: f"sha256:{dockerfile_hash}"} | _files(entries)
    return BuildContext(
        recipe,
        entries,
        own_path if is_entry else "",
        dockerfile_text,
        version_path,
        BuildInputs(_hash(recipe, dockerfile_hash, entries), files),
    )


def _hash(recipe: BuildRecipe, dockerfile_hash: str, entries: Iterable[ContextEntry]) -> str:
    """One hash over fields that end with NUL, which none of them can hold."""
    hashed = sha256(b"\0".join((_FORM, recipe.identity(), dockerfile_hash.encode(), b"")))
    for entry in entries:
        hashed.update(os.fsencode(f"{entry.sort}\0{entry.path}\0{entry.content}\0"))
    return f"sha256:{hashed.hexdigest()}"


def _files(entries: Iterable[ContextEntry]) -> dict[str, str]:
    """What is told apart from one plan to the next; a folder only where nothing is in it."""
    files: dict[str, str] = {}
    for entry in entries:
        folder = entry.path.rpartition("/")[0]
        files.pop(f"{folder}/", None)
        name = f"{entry.path}/" if entry.sort is Sort.FOLDER else entry.path
        files[name] = _FILE_HASHES[entry.sort].format(entry.content)
    return files


_FILE_HASHES = {
    Sort.FILE: "sha256:{}",
    Sort.PROGRAM: "sha256:{} executable",
    Sort.LINK: "link to {}",
    Sort.FOLDER: "empty folder",
}


def _read_dockerfile(recipe: BuildRecipe) -> bytes:
    try:
        return read_regular(recipe.dockerfile, _LARGEST_TEXT)
    except OSError as error:
        if not _is_folder(recipe.context):
            raise ReconcilerError(
                f"the build context {recipe.context} is no folder", fix="correct `context`"
            ) from None
        raise ReconcilerError(
            f"the Dockerfile {recipe.dockerfile} {reason(error)}",
            fix="correct `dockerfile`, which is relative to `context`",
        ) from None


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except OSError:
        return False


def _refuse_secrets(recipe: BuildRecipe, dockerfile_text: bytes) -> None:
    found = suspicious_args(dockerfile_text.decode(errors="replace"), recipe.args, recipe.not_secret)
    if not found:
        return
    named = ", ".join(f"{name} (line {line})" if line else name for name, line in found)
    names = ", ".join(name for name, _ in found)
    raise ReconcilerError(
        f"{recipe.dockerfile}: a secret must not enter a build, and these arguments look like one: {named}",
        fix=f"hand it to the application under `secrets`, or say `not_secret: [{names}]`",
    )


def _ignore_file(recipe: BuildRecipe) -> tuple[str, str]:
    """The Dockerfile's own ignore file, or else that of the context; name and text, empty without one."""
    for path in (
        recipe.dockerfile.with_name(f"{recipe.dockerfile.name}.dockerignore"),
        recipe.context / ".dockerignore",
    ):
        try:
            return str(path), os.fsdecode(read_regular(path, _LARGEST_TEXT))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ReconcilerError(f"{path} {reason(error)}", fix="correct or remove it") from None
    return "", ""


def _inside(context: Path, path: Path, key: str) -> str:
    named = Path(os.path.relpath(path, context)).as_posix()
    if named == "." or named.startswith(".."):
        raise ReconcilerError(
            f"`{key}` is {path}, which lies outside of the build context {context}",
            fix="name a path within it",
        )
    return named
