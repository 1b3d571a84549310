"""Texts that somebody else chose in order to be obeyed, and what must be true of every output that they reach."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

from markdown_it import MarkdownIt

NASTY = (
    "\x1b[31mred\x1b]8;;http://evil.example\x07link\x1b[2J",
    "one\n::error file=x::pwned\n##[command]rm\r\n##vso[task.setvariable]x",
    "::add-mask::x",
    "photo\u202egnp.exe\u2066\u200f\u061c",
    "<img src=x onerror=alert(1)><script>alert(2)</script>",
    "\"' onmouseover=alert(3) x='\"><svg/onload=alert(4)>",
    "@everyone @octocat #1 GH-1 [x](http://evil.example) ![y](http://evil.example/z.png) http://evil.example",
    "`code` | pipe | ~~~\n```\n# heading\n- [ ] task\n</details>",
    "a\u2028b\u2029c\x9b31m\r\x08\x00\x7f\x85",
    "${{ secrets.X }} $(id) `id` %0A::error::x",
)
_DANGEROUS = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_OBEYED = re.compile(r"^\s*::|##\[|##vso\[", re.MULTILINE)
_MENTION = re.compile(r"(?<![\w`/.@-])@[A-Za-z0-9]")


def check_text(text: str) -> None:
    """Nothing that a terminal or a CI runner would obey."""
    if found := _DANGEROUS.search(text):
        raise AssertionError(f"{found[0]!r} in {text[max(0, found.start() - 80) : found.end() + 20]!r}")
    if found := _OBEYED.search(text):
        raise AssertionError(f"obeyed by CI: {text[max(0, found.start() - 80) : found.end() + 40]!r}")


def check_markdown(text: str) -> None:
    """No mention, no foreign tag, link or picture outside of code."""
    if found := _DANGEROUS.search(text):
        raise AssertionError(f"{found[0]!r} in {text[max(0, found.start() - 80) : found.end() + 20]!r}")
    for token in MarkdownIt("gfm-like", {"linkify": False}).parse(text):
        for one in (token, *(token.children or ())):
            assert "evil.example" not in str(one.attrs), one
            if one.type in ("html_block", "html_inline"):
                check_html(one.content)
            if one.type == "text":
                assert not _MENTION.search(one.content), one.content
                assert "http://evil" not in one.content, one.content


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))


def check_html(text: str) -> None:
    """No tag or attribute that was given from outside."""
    tags = _Tags()
    tags.feed(text)
    for tag, attributes in tags.found:
        assert tag != "img", attributes
        for name, value in attributes:
            assert not name.startswith("on"), (tag, attributes)
            assert "evil.example" not in (value or "") or name.startswith("data-"), (tag, attributes)
    assert "alert(2)</script>" not in text


def check_json(text: str) -> Any:
    """JSON in ASCII lines, or with values as they are: it is read, not obeyed."""
    return (
        [json.loads(line) for line in text.splitlines()]
        if "\n{" in text.strip() and _are_lines(text)
        else json.loads(text)
    )


def _are_lines(text: str) -> bool:
    try:
        json.loads(text.splitlines()[0])
    except ValueError:
        return False
    return True
