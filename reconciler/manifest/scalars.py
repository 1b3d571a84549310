"""What a plain scalar means by YAML 1.2's core schema (`no`, `on` and `2026-10-01` are texts), and how values read as text."""

from __future__ import annotations

import re
from typing import Any

_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?")
_BEGINNINGS = frozenset("-+.0123456789tTfFnN~")
NULL_BEGINNINGS = frozenset(("", "~", "n", "N"))
"""With what every way to write null begins."""
# Longer runs of digits are no quantity that anything here could want, and Python refuses to print them.
_LONGEST_NUMBER = 100


def meaning(text: str) -> Any:
    """The text, number, boolean or None that a plain scalar stands for.

    Infinities and NaN stay texts: no service takes them and JSON cannot say them.
    """
    if text and text[0] not in _BEGINNINGS:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > _LONGEST_NUMBER:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return _finite(text)
    return text


def _finite(text: str) -> float | str:
    value = float(text)
    return text if value in (float("inf"), float("-inf")) else value


def as_text(value: Any) -> str:
    """A scalar as text: numbers and booleans as JSON prints them."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)
