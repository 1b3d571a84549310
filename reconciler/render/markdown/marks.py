"""The marks of Markdown, each made so that nothing inside can end it: code, prose, table cells, fences, folds, links.

A text from outside only ever stands in a code span, a fence or a `<code>`: hosts mention nobody and link nothing there.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from itertools import groupby
from urllib.parse import quote

from reconciler.frozen import frozen
from reconciler.render.harmless import harmless

_LONGEST_CODE = 200
_BACKTICKS = re.compile("`+")
_WORD = re.compile(r"\(*([^\W\d_]+(?:['’-][^\W\d_]+)*)[).,;:!?]*|\(*\d{1,6}(?:\.\d{1,3})?[,;:]*|%[).,;]*")
_LIKE_A_COMMIT = re.compile("[a-f]{7,}")


@frozen
class Dialect:
    """What a host understands besides plain Markdown, and how long a comment may be there."""

    limit: int
    folds: bool = True  # `<details>`, and comments that stay hidden
    alerts: bool = True  # `> [!WARNING]`


GITHUB = Dialect(65_536)
GITLAB = Dialect(1_000_000)
BITBUCKET = Dialect(32_000, folds=False, alerts=False)
DIALECTS = {"github": GITHUB, "gitlab": GITLAB, "bitbucket": BITBUCKET}


def code(text: str, longest: int = _LONGEST_CODE) -> str:
    """A code span; its fence is longer than any run of backticks inside."""
    text = harmless(text)
    if len(text) > longest:
        text = f"{text[:longest]}…"
    if not text.strip():
        text = f'"{text}"'
    fence = "`" * (max(map(len, _BACKTICKS.findall(text)), default=0) + 1)
    edge = " " if text.startswith("`") or text.endswith("`") or text[0] == text[-1] == " " else ""
    return f"{fence}{edge}{text}{edge}{fence}"


def prose(text: str, longest: int = 600) -> str:
    """A message in words, whatever is no plain word (a name, a path, a number with a unit) as code."""
    text = harmless(text)
    if len(text) > longest:
        text = f"{text[:longest]}…"
    runs = groupby(text.split(), key=is_word)
    return " ".join(" ".join(run) if are_words else _strange(" ".join(run)) for are_words, run in runs)


def _strange(text: str) -> str:
    """Code, the punctuation of the sentence around it left outside."""
    inside = text.rstrip(",;:.)") if not text.endswith("…") else text
    inside = inside.removeprefix("(")
    if not inside:
        return code(text)
    before, after = text.split(inside, 1)
    return f"{before}{code(inside)}{after}"


def is_word(token: str) -> bool:
    """Whether a token means nothing to Markdown nor to a host that links commits, issues and people."""
    found = _WORD.fullmatch(token)
    return found is not None and not _LIKE_A_COMMIT.fullmatch(found[1] or "")


def cell(text: str) -> str:
    """Finished Markdown as it may stand in a table: its pipes do not part cells."""
    return re.sub(r"\\(?=\|)", "\\\\\u200b", text).replace("|", "\\|")


def row(*cells: str) -> str:
    """A line of a table."""
    return f"| {' | '.join(map(cell, cells))} |\n"


def fence(lines: Iterable[str], language: str = "diff") -> str:
    """A block of code whose end cannot be written inside."""
    body = "\n".join(harmless(line) for line in lines)
    mark = "`" * max(3, max(map(len, _BACKTICKS.findall(body)), default=0) + 1)
    return f"{mark}{language}\n{body}\n{mark}\n"


def fold(dialect: Dialect, body: str, *, name: str = "", title: str = "", what: str = "") -> str:
    """Something to be opened: a name, our own words and what it is about; inside finished Markdown."""
    mark = code if not dialect.folds else _element
    heading = f"**{title}**" if not dialect.folds else f"<b>{title}</b>"
    parts = (mark(name) if name else "", heading, mark(what) if what else "")
    head = " ".join(part for part in parts if part)
    if not dialect.folds:
        return f"{head}\n\n{body}\n"
    return f"<details><summary>{head}</summary>\n\n{body}\n</details>\n\n"


def _element(text: str) -> str:
    """Code as HTML, since a summary is HTML."""
    text = harmless(text)
    text = text if len(text) <= _LONGEST_CODE else f"{text[:_LONGEST_CODE]}…"
    return f"<code>{html.escape(text)}</code>"


def link(text: str, url: str) -> str:
    """A link of ours; the text is ours too, the address is made safe."""
    return f"[{text}]({quote(url, safe=':/?#=&%@+,;~-._')})" if url else text


def hidden(dialect: Dialect, text: str) -> str:
    """A line that only programs read; the text holds nothing but letters, digits and `%=._~: `."""
    return f"<!-- {text} -->\n" if dialect.folds else f"[//]: # ({text})\n"


def size(text: str) -> int:
    """How long a text is, by the strictest way of counting that a host may have: its bytes."""
    return len(text.encode())
