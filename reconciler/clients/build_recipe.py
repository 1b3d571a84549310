"""What a `build` block says, read once: where its context and Dockerfile are, and what the builder is told (interface 1.3).

Looks at no file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.errors import ReconcilerError
from reconciler.frozen import frozen

DEFAULT_PLATFORM = "linux/amd64"


@frozen
class BuildRecipe:
    """A `build` block with its paths made absolute; `version_file` is None where none is wanted."""

    base_dir: Path
    context: Path
    dockerfile: Path
    args: Mapping[str, str]
    target: str
    platform: str
    cache_from: tuple[str, ...]
    cache_to: tuple[str, ...]
    cache_key: str
    not_secret: tuple[str, ...]
    version_file: Path | None

    @classmethod
    def read(cls, block: Mapping[str, Any], base_dir: Path) -> BuildRecipe:
        """Reads a block; everything is relative to the manifest's folder, the Dockerfile to the context."""
        context = (base_dir / _text(block, "context", ".")).resolve()
        version_file = _text(block, "version_file")
        return cls(
            base_dir=base_dir.resolve(),
            context=context,
            dockerfile=Path(os.path.normpath(context / _text(block, "dockerfile", "Dockerfile"))),
            args={name: _argument(name, value) for name, value in (block.get("args") or {}).items()},
            target=_text(block, "target"),
            platform=_text(block, "platform", DEFAULT_PLATFORM),
            cache_from=_texts(block, "cache_from"),
            cache_to=_texts(block, "cache_to"),
            cache_key=_text(block, "cache_key"),
            not_secret=_texts(block, "not_secret"),
            version_file=base_dir.resolve() / version_file if version_file else None,
        )

    def identity(self) -> bytes:
        """What of a recipe decides on the result, besides the files."""
        told = {
            "args": dict(self.args),
            "cache_key": self.cache_key,
            "platform": self.platform,
            "target": self.target,
        }
        return json.dumps(told, sort_keys=True, separators=(",", ":")).encode()


def _text(block: Mapping[str, Any], key: str, default: str = "") -> str:
    value = block.get(key)
    if value is None:
        return default
    if not isinstance(value, str):
        raise _too_late(f"the `{key}` of a build")
    return _without_nul(value, f"the `{key}` of a build")


def _texts(block: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(_text({key: value}, key) for value in block.get(key) or ())


def _argument(name: str, value: Any) -> str:
    """An argument as the builder is given it; a number or boolean becomes its JSON text."""
    if isinstance(value, str):
        return _without_nul(value, f"the build argument {name}")
    if not isinstance(value, bool | int | float):
        raise _too_late(f"the build argument {name}")
    return json.dumps(value)


def _without_nul(value: str, what: str) -> str:
    if "\0" in value:
        raise ReconcilerError(f"{what} holds a NUL character", fix="remove it")
    return value


def _too_late(what: str) -> ReconcilerError:
    return ReconcilerError(
        f"{what} is no text that is known before anything is applied",
        fix="say it in full, or with ${var...} or ${env...}",
    )
