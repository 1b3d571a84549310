"""What a JavaScript module imports and exports, by a tolerant scan. Pure.

No parser: it skips comments, strings, templates and regular expressions as far as they can be told apart, and
rather finds an export too many than one too few.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from reconciler.frozen import frozen

_BLOCK = r"\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/|\Z)"
_GAP = rf"(?:\s|/{_BLOCK}|//[^\n]*\n)*"
_WORD = r"[\w$]+"
_LIST = r"\{[^{}]*\}"
_DOUBLE = r"[^\"\\\n]*(?:\\[\s\S][^\"\\\n]*)*\""
_SINGLE = r"[^'\\\n]*(?:\\[\s\S][^'\\\n]*)*'"
_STRING = rf"(?:\"{_DOUBLE}|'{_SINGLE})"
_ALL_AS = rf"\*{_GAP}as\b{_GAP}{_WORD}"
_CLAUSE = rf"(?:{_WORD}{_GAP}(?:,{_GAP}(?:{_ALL_AS}|{_LIST}))?|{_ALL_AS}|{_LIST})"
_MPORT = r"(?<![\w$.#]i)mport"
_XPORT = rf"(?<![\w$.#]e)xport\b{_GAP}"

# Each begins with a plain letter, which lets the search skip ahead as fast as it can.
_TOKENS = (
    ("/", "comment", rf"/[^\n]*|{_BLOCK}"),
    ("/", "slash", ""),
    ('"', "double", _DOUBLE),
    ("'", "single", _SINGLE),
    ("`", "template", ""),
    ("i", "static", rf"{_MPORT}\b{_GAP}(?:{_CLAUSE}{_GAP}from\b{_GAP})?(?P<static_from>{_STRING})"),
    ("i", "dynamic", rf"{_MPORT}{_GAP}\({_GAP}(?P<dynamic_from>{_STRING}|`[^`$\\\n]*`){_GAP}[,)]"),
    (
        "e",
        "again",
        rf"{_XPORT}(?P<again_names>{_ALL_AS}|\*|{_LIST}){_GAP}from\b{_GAP}(?P<again_from>{_STRING})",
    ),
    ("e", "list", rf"{_XPORT}(?P<list_names>{_LIST})"),
    ("e", "pattern", rf"{_XPORT}(?:const|let|var)\b{_GAP}(?P<pattern_names>[\[{{][^=;]*)="),
    (
        "e",
        "declared",
        rf"{_XPORT}(?:async\b{_GAP})?(?:class|function|const|let|var)\b{_GAP}\*?{_GAP}(?P<declared_name>{_WORD})",
    ),
)
_IN_TEMPLATE = (("{", "open", ""), ("}", "close", ""))

_TEMPLATE_TEXT = re.compile(r"[^`\\$]*(?:(?:\\[\s\S]|\$(?!\{))[^`\\$]*)*(?P<end>`|\$\{|\Z|\\\Z)")
_COMMENT = re.compile(rf"//[^\n]*|/{_BLOCK}")
_REGEX = re.compile(r"/(?:[^\\/\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/")
# What may stand before a regular expression and not before a division.
_BEFORE_REGEX = re.compile(
    r"(?:^|[(,=:\[!&|?{;+\-*%<>~^]|\b(?:return|typeof|case|in|of|delete|void|yield|await|else|do))\s*\Z"
)


@cache  # it takes milliseconds to compile, and few modules have a template
def _tokens(*, in_template: bool) -> re.Pattern[str]:
    tokens = (*_TOKENS, *_IN_TEMPLATE) if in_template else _TOKENS
    return re.compile("|".join(f"{re.escape(first)}(?P<{name}>{rest})" for first, name, rest in tokens))


@frozen
class ModuleText:
    """What a module's text says: specifiers it imports, names it exports, specifiers it exports everything of."""

    imports: tuple[str, ...]
    exports: frozenset[str]
    exports_all_of: tuple[str, ...]


def scan(text: str) -> ModuleText:
    """Finds the imports and exports of an ES module."""
    imports: dict[str, None] = {}
    exports: set[str] = set()
    stars: list[str] = []
    for found in _statements(text):
        specifier = found["static_from"] or found["dynamic_from"] or found["again_from"]
        if specifier:
            imports[specifier[1:-1]] = None
        if found["again_names"] == "*":
            stars.append(specifier[1:-1])
        exports |= _exported(found)
    return ModuleText(tuple(imports), frozenset(exports), tuple(stars))


def _statements(text: str) -> Iterator[re.Match[str]]:
    """Gives the import and export statements, keeping track of templates and the code inside them."""
    depths: list[int] = []
    position = 0
    while found := _tokens(in_template=bool(depths)).search(text, position):
        position = found.end()
        kind = found.lastgroup
        if kind == "slash":
            position = _after_regex(text, found.start())
        elif kind == "open":
            depths[-1] += 1
        elif kind == "close" and depths[-1] > 0:
            depths[-1] -= 1
        elif kind in ("template", "close"):
            if kind == "close":
                depths.pop()
            position, enters_code = _after_template_text(text, position)
            if enters_code:
                depths.append(0)
        elif kind in ("static", "dynamic", "again", "list", "pattern", "declared"):
            yield found


def _after_regex(text: str, position: int) -> int:
    """Gives the end of the regular expression that begins here; one further if it is a division."""
    before = text[max(0, position - 60) : position]
    found = _REGEX.match(text, position) if _BEFORE_REGEX.search(before) else None
    return found.end() if found else position + 1


def _after_template_text(text: str, position: int) -> tuple[int, bool]:
    found = _TEMPLATE_TEXT.match(text, position)
    assert found is not None
    return found.end(), found["end"] == "${"


def _exported(found: re.Match[str]) -> set[str]:
    if found["declared_name"]:
        return {found["declared_name"]}
    if found["pattern_names"]:
        return set(re.findall(_WORD, found["pattern_names"]))
    names = found["list_names"] or found["again_names"] or ""
    items = _COMMENT.sub(" ", names).strip("{}* ").split(",")
    return {item.split()[-1].strip("\"'") for item in items if item.split()}
