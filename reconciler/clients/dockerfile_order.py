"""In which order a stage copies and installs: lock file, then dependencies, then source, so that a change of the source is cheap.

Pure. Knows the package managers of Python and Node by what is typed.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator

from reconciler.clients.dockerfile import Instruction
from reconciler.clients.dockerfile_stages import StageText, copied, instructions, mounts

_INSTALL = re.compile(
    r"(?:^|[\s;&|(])(?:uv\s+sync|uv\s+pip\s+(?:install|sync)\s+[^;&|]*(?:-r|--requirement|\.)|poetry\s+install|pdm\s+(?:install|sync)"
    r"|pipenv\s+(?:install|sync)|pip3?\s+install\s+[^;&|]*(?:-r\b|--requirement|\s\.(?:\s|$|\[))"
    r"|(?:npm\s+(?:ci|i|install)|pnpm\s+(?:i|install|fetch)|bun\s+(?:i|install))(?=\s*(?:$|[;&|)]|\s-))|yarn(?:\s+install)?(?=\s*(?:$|[;&|)]|\s--)))"
)
_LOCKS = (
    *(
        "uv.lock",
        "poetry.lock",
        "pdm.lock",
        "Pipfile.lock",
        "pylock.toml",
        "requirements.txt",
        "requirements.lock",
    ),
    *("package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb"),
)
_LOCK = re.compile(r".*requirements.*\.(?:txt|lock)|constraints.*\.txt|pylock\..*\.toml|requirements")
_SOURCE_FOLDERS = {".", "*", "src", "app", "lib", "source", "server", "services"}
_SOURCE_FILE = re.compile(r"(?!setup\.py$).*\.(?:py|js|ts|mjs|cjs|jsx|tsx)")


def sources_before_dependencies(lineage: tuple[StageText, ...]) -> Iterator[int]:
    """The lines that copy source although the dependencies are installed only later."""
    before = _before_installing(lineage)
    yield from (each.line for each in before or () if any(_is_source(name) for name in _taken(each)))


def missing_lock_files(lineage: tuple[StageText, ...]) -> Iterator[int]:
    """The line that installs dependencies where no lock file was handed over before."""
    before = _before_installing(lineage)
    if before is not None and not any(_brings_lock(name) for each in before for name in _taken(each)):
        installing = next(each for each in instructions(lineage, "RUN") if _INSTALL.search(each.value))
        if not any(_brings_lock(mount.get("source", ".")) for mount in _binds(installing)):
            yield installing.line


def _before_installing(lineage: tuple[StageText, ...]) -> list[Instruction] | None:
    """What is copied before the first installation; None where nothing is installed."""
    before: list[Instruction] = []
    for each in instructions(lineage, "COPY", "ADD", "RUN"):
        if each.keyword == "RUN":
            if _INSTALL.search(each.value):
                return before
        elif not copied(each).origin:
            before.append(each)
    return None


def _taken(instruction: Instruction) -> list[str]:
    return [posixpath.normpath(source) for source in copied(instruction).sources]


def _is_source(path: str) -> bool:
    name = path.lstrip("/") or "."
    return name in _SOURCE_FOLDERS or _SOURCE_FILE.fullmatch(posixpath.basename(name)) is not None


def _brings_lock(path: str) -> bool:
    name = posixpath.basename(posixpath.normpath(path)) or "."
    is_everything = name in {".", "*"}
    return (
        is_everything
        or _LOCK.fullmatch(name) is not None
        or any(fnmatch.fnmatch(one, name) for one in _LOCKS)
    )


def _binds(instruction: Instruction) -> list[dict[str, str]]:
    return [mount for mount in mounts(instruction) if mount["type"] == "bind" and "from" not in mount]
