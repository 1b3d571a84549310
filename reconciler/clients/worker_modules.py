"""The modules of a worker as they are uploaded: which files, under which names, of which kinds (reference 3.1).

Reads files, and bundles nothing: what cannot be uploaded as it is gets a sentence that says how to bundle it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import field
from hashlib import sha256
from pathlib import Path, PurePosixPath

from reconciler.clients.module_imports import ModuleText, scan
from reconciler.clients.multipart import Part
from reconciler.clients.regular_file import read_regular, reason
from reconciler.frozen import frozen

LARGEST = 64 * 1024 * 1024
_MODULE = "application/javascript+module"
_CONTENT_TYPES = {
    ".js": _MODULE,
    ".mjs": _MODULE,
    ".cjs": "application/javascript",
    ".wasm": "application/wasm",
    ".bin": "application/octet-stream",
    ".txt": "text/plain",
    ".html": "text/plain",
    ".sql": "text/plain",
    ".py": "text/x-python",
    ".map": "application/source-map",
}
_BUILT_IN = ("cloudflare:", "node:")
_TO_BE_BUNDLED = (".ts", ".tsx", ".mts", ".jsx")


@frozen
class Module:
    """One file of a worker under the name by which others import it."""

    name: str
    content: bytes = field(repr=False)
    content_type: str
    sha256: str

    @property
    def part(self) -> Part:
        """The module as a part of an upload."""
        return Part(self.name, self.content, self.content_type, self.name)


@frozen
class WorkerModules:
    """A worker's modules, the main one first; with problems, they are not to be uploaded.

    `classes` are the names that the main module exports; None if they cannot be known.
    """

    main: str
    modules: tuple[Module, ...]
    sha256: str
    classes: frozenset[str] | None
    problems: tuple[str, ...]


def read_modules(main: str, globs: Sequence[str] | None, base_dir: Path) -> WorkerModules:
    """Reads what `main` imports by relative path, or, with globs, `main` and the files that they match."""
    reader = _Reader(main, base_dir)
    reader.read_main()
    if globs is None:
        reader.follow()
    else:
        reader.match(globs)
        reader.check()
    return reader.result()


class _Reader:
    def __init__(self, main: str, base_dir: Path) -> None:
        self._main = Path(os.path.normpath(base_dir / main))
        self._base = Path(os.path.normpath(base_dir))
        self._home = self._base.resolve()
        self._modules: dict[str, Module] = {}
        self._texts: dict[str, ModuleText] = {}
        self._problems: list[str] = []
        self._size = 0

    def read_main(self) -> None:
        self._read(self._main, f"main {self._shown(self._main)}", "; build it first, or correct `main`")

    def follow(self) -> None:
        waiting = list(self._texts)
        while waiting:
            importer = waiting.pop(0)
            for specifier in self._relative(importer):
                target = self._target(importer, specifier)
                if self._name(target) in self._modules:
                    continue
                self._read(target, f"{importer} imports {specifier!r}, which", _FULL_NAME)
                if self._name(target) in self._texts:
                    waiting.append(self._name(target))

    def match(self, globs: Sequence[str]) -> None:
        for glob in globs:
            found = self._matching(glob)
            if not found:
                self._problems.append(f"modules: nothing matches {glob!r}")
            for path in found:
                if self._name(path) not in self._modules:
                    self._read(path, f"module {self._shown(path)}", "")

    def check(self) -> None:
        for importer in list(self._texts):
            for specifier in self._relative(importer):
                if self._name(self._target(importer, specifier)) not in self._modules:
                    self._problems.append(
                        f"{importer} imports {specifier!r}, which is not among `modules`; add it"
                    )

    def result(self) -> WorkerModules:
        main = self._name(self._main)
        names = sorted(self._modules, key=lambda name: (name != main, name))
        modules = tuple(self._modules[name] for name in names)
        told = [f"{module.name}\0{module.content_type}\0{module.sha256}\n" for module in modules]
        return WorkerModules(
            main=main,
            modules=modules,
            sha256=sha256("".join(told).encode()).hexdigest(),
            classes=self._exports(main, set()),
            problems=tuple(self._problems),
        )

    def _read(self, path: Path, subject: str, otherwise: str) -> None:
        """Takes a file in, or notes why not; `otherwise` is what to do about one that is not there."""
        problem = self._misplaced(path) or _unfit(path)
        if problem:
            self._problems.append(f"{subject} {problem}")
            return
        try:
            content = read_regular(_without_query(path), LARGEST - self._size)
        except (OSError, ValueError) as error:
            why = reason(error) if isinstance(error, OSError) else "is no path"
            self._problems.append(
                f"{subject} {why}{otherwise if isinstance(error, FileNotFoundError) else ''}"
            )
            return
        self._size += len(content)
        self._keep(self._name(path), content)

    def _keep(self, name: str, content: bytes) -> None:
        content_type = _CONTENT_TYPES[_suffix(name)]
        self._modules[name] = Module(name, content, content_type, sha256(content).hexdigest())
        if content_type == _MODULE:
            self._texts[name] = scan(content.decode(errors="replace"))

    def _misplaced(self, path: Path) -> str:
        if ".." in PurePosixPath(self._name(path)).parts:
            folder = self._shown(self._main.parent)
            return f"lies outside of {folder}, the folder of `main`, and no module name may lead there; {_bundle(self._main)}"
        if not _without_query(path).resolve().is_relative_to(self._home):
            return "lies outside of the manifest's folder; copy it in"
        return ""

    def _relative(self, importer: str) -> list[str]:
        """Gives what a module imports by relative path; notes what it imports otherwise."""
        relative: list[str] = []
        for specifier in self._texts[importer].imports:
            if specifier.startswith(("./", "../")):
                relative.append(specifier)
            elif not specifier.startswith(_BUILT_IN):
                self._problems.append(
                    f"{importer} imports {specifier!r}, which is neither relative nor cloudflare: or node:; "
                    f"{_bundle(self._main)}"
                )
        return relative

    def _target(self, importer: str, specifier: str) -> Path:
        return Path(os.path.normpath(self._main.parent / Path(importer).parent / specifier))

    def _matching(self, glob: str) -> list[Path]:
        if ".." in PurePosixPath(glob).parts:
            return []
        try:
            return sorted(path for path in self._base.glob(glob) if not path.is_dir())
        except (NotImplementedError, ValueError, IndexError):  # absolute, empty or malformed
            return []

    def _exports(self, name: str, seen: set[str]) -> frozenset[str] | None:
        text = self._texts.get(name)
        if text is None:
            return None
        found = set(text.exports)
        for specifier in text.exports_all_of:
            target = self._name(self._target(name, specifier)) if specifier.startswith(".") else specifier
            if target in seen:
                continue
            more = self._exports(target, seen | {name})
            if more is None:
                return None
            found |= more
        return frozenset(found)

    def _name(self, path: Path) -> str:
        return Path(os.path.relpath(path, self._main.parent)).as_posix()

    def _shown(self, path: Path) -> str:
        return Path(os.path.relpath(path, self._base)).as_posix()


_FULL_NAME = "; write the file's full name, or bundle the worker"


def _unfit(path: Path) -> str:
    suffix = _suffix(path.name)
    if suffix in _CONTENT_TYPES:
        return ""
    if suffix in _TO_BE_BUNDLED:
        return f"is not JavaScript yet; {_bundle(path)}"
    if not suffix:
        return f"has no ending that tells its kind{_FULL_NAME}"
    return f"is of a kind that no worker can be given ({suffix}); {_bundle(path)}"


def _bundle(main: Path) -> str:
    return (
        f"bundle it first, for example: npx esbuild {main.name} --bundle --format=esm --outfile=dist/{main.stem}.js "
        "'--external:cloudflare:*' '--external:node:*'"
    )


def _suffix(name: str) -> str:
    return PurePosixPath(name.partition("?")[0]).suffix.lower()


def _without_query(path: Path) -> Path:
    return path.with_name(path.name.partition("?")[0]) if "?" in path.name else path
