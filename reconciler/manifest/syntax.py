"""What the C parser gets wrong of YAML 1.2, and, in plain words, what a text gets wrong of YAML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconciler.manifest.tree import START, Mark, mark_of

Explanation = tuple[str, str, str, Mark]  # code, summary, fix, place

_QUOTE_REFERENCE = 'quote it: inside `{ }` and `[ ]` a reference is written "${...}"'
_QUOTE_COLON = 'quote the value: a text with ": " in it needs quotes; or check the indentation'


# Inside `{ }` and `[ ]` the parser takes every colon and question mark for a sign of its own: `{image: redis:7.4}` is an
# error to it. Where YAML 1.2 takes them for part of a text, a sign that means nothing stands in for them.
_PART_OF_A_TEXT = re.compile(r"""(?<=[^\s"'\[\]{},]):(?=[^\s,\[\]{}])|(?<=[^\s\[\]{},])\?""")
_PRIVATE_USE = range(0xE000, 0xF900)


def with_stand_ins(text: str) -> tuple[str, Mapping[int, str]]:
    """The text with stand-ins of the same length for what the parser would misread, and how to translate them back."""
    free = (chr(code) for code in _PRIVATE_USE if chr(code) not in text)
    stand_ins = dict(zip(":?", free, strict=False))
    if len(stand_ins) < 2:
        return text, {}
    changed = _PART_OF_A_TEXT.sub(lambda found: stand_ins[found.group()], text)
    return changed, {ord(stand_in): sign for sign, stand_in in stand_ins.items()}


def explain(error: Any, text: str) -> Explanation:
    """What is wrong, what to do, and where."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return _explain_character(error, text)
    index = min(mark.index, len(text))
    line = text[text.rfind("\n", 0, index) + 1 : _end_of_line(text, index)]
    problem = str(getattr(error, "problem", "") or "")
    code, summary, fix = _in_words(problem, str(getattr(error, "context", "") or ""), line, text, index)
    return code, summary, fix, mark_of(mark.line, mark.column)


def _end_of_line(text: str, index: int) -> int:
    end = text.find("\n", index)
    return len(text) if end < 0 else end


def _in_words(problem: str, context: str, line: str, text: str, index: int) -> tuple[str, str, str]:
    if "flow" in context and text[max(index - 1, 0) : index + 1] == "${":
        return "E110", "this reference is not quoted", _QUOTE_REFERENCE
    if "\t" in line[: len(line) - len(line.lstrip())] or text[index : index + 1] == "\t":
        return "E111", "a tab stands where YAML wants spaces", "indent with spaces"
    if "mapping values are not allowed" in problem:
        return "E112", 'a second ": " in one value', _QUOTE_COLON
    if "cannot start any token" in problem:
        return "E112", f'a value cannot begin with "{text[index : index + 1]}"', "quote the value"
    if "end of stream" in problem and "quoted" in context:
        return "E112", "a quote is never closed", "add the closing quote"
    if "flow" in context and index >= len(text.rstrip()):
        return "E112", "a bracket is never closed", "add the closing `]` or `}`"
    said = " ".join(part for part in (context, problem) if part)
    return "E112", f"this is not YAML: {said}" if said else "this is not YAML", "check indentation and quotes"


def _explain_character(error: Any, text: str) -> Explanation:
    """A character that may not stand in YAML at all; the parser says which, but not where."""
    character = getattr(error, "character", None)
    found = text.find(chr(character)) if isinstance(character, int) else -1
    name = f"U+{character:04X}" if isinstance(character, int) else "that"
    summary = f"the character {name} is not allowed; is this a text file?"
    if found < 0:
        return "E104", summary, "", START
    line = text.count("\n", 0, found)
    return "E104", summary, "", mark_of(line, found - (text.rfind("\n", 0, found) + 1))
