"""Reads wrangler's configuration: JSON with comments and trailing commas, or TOML. What it means is for others."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from reconciler.errors import ReconcilerError

NAMES = ("wrangler.jsonc", "wrangler.json", "wrangler.toml")

# A text, a comment, or a comma behind which only comments stand before the bracket closes.
_JSONC = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/|,(?=(?:\s|//[^\n]*|/\*.*?\*/)*[\]}])', re.DOTALL)


def read_wrangler(path: Path) -> dict[str, Any]:
    """The configuration as plain data. Raises ReconcilerError where there is none to be read."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ReconcilerError(f"{path} cannot be read: {why}") from None
    try:
        found = tomllib.loads(text) if path.suffix == ".toml" else json.loads(_without_comments(text))
    except (ValueError, RecursionError) as error:
        raise ReconcilerError(f"{path} cannot be read: {error}", fix="correct it, and run again") from None
    if not isinstance(found, dict):
        raise ReconcilerError(f"{path} is no configuration of wrangler: it holds no keys")
    return found


def _without_comments(text: str) -> str:
    """The same text, lines kept, with blanks for what JSON does not know."""
    return _JSONC.sub(lambda found: _blank(found.group()), text)


def _blank(part: str) -> str:
    return part if part.startswith('"') else re.sub(r"[^\n]", " ", part)
