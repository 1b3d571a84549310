"""What a first manifest is made from: a draft with its comments, and the place where it is to lie."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from pathlib import PurePosixPath
from typing import Any

from reconciler.frozen import frozen
from reconciler.manifest.writing import written
from reconciler.model.value import Path


@dataclass(slots=True)
class Draft:
    """A manifest in the making."""

    document: dict[str, Any]
    notes: dict[Path, list[str]] = field(default_factory=dict)

    def note(self, path: Path, text: str) -> None:
        """A comment above a key; said twice, it stands once."""
        texts = self.notes.setdefault(path, [])
        if text not in texts:
            texts.append(text)

    @property
    def text(self) -> str:
        """The manifest as YAML; notes about what is not in it stand above what is."""
        notes: dict[Path, list[str]] = {}
        for path, texts in self.notes.items():
            notes.setdefault(self._present(path), []).extend(texts)
        return written(self.document, notes)

    def _present(self, path: Path) -> Path:
        """The longest part of a path that the document has."""
        node: Any = self.document
        for depth, key in enumerate(path):
            if not isinstance(node, dict) or key not in node:
                return path[:depth]
            node = node[key]
        return path


@frozen
class Place:
    """The folder of a manifest, and that of the configuration it is made from (`origin`)."""

    folder: FilePath
    origin: FilePath
    project: str
    source: str = ""
    needs_bundling: Callable[[str], bool] = lambda main: not main.endswith((".js", ".mjs"))

    def is_file(self, text: str) -> bool:
        """Whether a path of the configuration is a file that is there."""
        return bool(text) and "\0" not in text and (self.origin / text).is_file()

    def beside(self, text: str) -> str:
        """A path of the configuration as the manifest says it."""
        return PurePosixPath(os.path.relpath(self.origin / text, self.folder)).as_posix()

    def build(self, dockerfile: str, context: str | None = None) -> dict[str, Any]:
        """The build of a Dockerfile, in its folder unless another context is named."""
        folder = context if context is not None else str(PurePosixPath(dockerfile).parent)
        inside = PurePosixPath(os.path.relpath(self.origin / dockerfile, self.origin / folder)).as_posix()
        return {"context": self.beside(folder), "dockerfile": inside}


def map_at(holder: Any, key: str) -> dict[str, Any]:
    """The map under a key; an empty one where there is none."""
    value = holder.get(key) if isinstance(holder, dict) else None
    return value if isinstance(value, dict) else {}


def maps_at(holder: Any, key: str) -> list[dict[str, Any]]:
    """The maps in the list under a key."""
    return [one for one in list_at(holder, key) if isinstance(one, dict)]


def list_at(holder: Any, key: str) -> list[Any]:
    """The list under a key; an empty one where there is none."""
    value = holder.get(key) if isinstance(holder, dict) else None
    return value if isinstance(value, list) else []


def slug(text: str) -> str:
    """A name that keys and projects may have: `MyApp` is `my-app`, `@scope/shop` is `shop`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", text.rpartition("/")[2])
    return re.sub(r"[^a-z0-9]+", "-", parted.lower()).strip("-")[:40].strip("-") or "app"
