"""Takes the secrets of this run out of any text before it is shown, logged or written down.

Holds the values in memory, and nowhere else. What it cannot know, it cannot take out: values of fewer than four
characters stand in too many innocent words.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote, quote_plus

from reconciler.errors import ReconcilerError

PLACEHOLDER = "(sensitive)"
_SHORTEST_VALUE = 4
_SHORTEST_LINE = 8


class Scrubber:
    """Replaces every value it was told of, and the forms in which tools print values, by `(sensitive)`."""

    def __init__(self) -> None:
        self._longest_first: tuple[str, ...] = ()
        self._added: list[str] = []  # since a text was last scrubbed
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return "Scrubber()"

    def add(self, value: str) -> None:
        """Remembers a value for the rest of the run."""
        with self._lock:
            self._added.append(value)

    def __call__(self, text: str) -> str:
        """Gives the text without the values."""
        # A pattern of all forms at once takes seconds to compile for a few private keys.
        for form in self._forms():
            if form in text:
                text = text.replace(form, PLACEHOLDER)
        return text

    def _forms(self) -> tuple[str, ...]:
        """Every form of every value, worked out when a text is scrubbed: most runs say nothing that has to be."""
        with self._lock:
            if self._added:
                added = {form for value in self._added for text in _pieces(value) for form in _forms_of(text)}
                self._longest_first = tuple(sorted(added.union(self._longest_first), key=len, reverse=True))
                self._added = []
            return self._longest_first


@contextmanager
def scrubbed_errors(scrub: Callable[[str], str]) -> Iterator[None]:
    """Takes the secrets out of whatever is raised in its block, also out of what a traceback would show of its causes."""
    try:
        yield
    except Exception as error:
        for one in _with_causes(error):
            one.args = tuple(scrub(part) if isinstance(part, str) else part for part in one.args)
            if isinstance(one, ReconcilerError):
                one.message, one.fix = scrub(one.message), scrub(one.fix)
        raise


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _pieces(value: str) -> Iterator[str]:
    """Gives the value and, where it has several lines, each line that is long enough to mean something."""
    if len(value.strip()) >= _SHORTEST_VALUE:
        yield value
        yield value.strip()
    lines = [line.strip() for line in value.splitlines()]
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= _SHORTEST_LINE)
        yield "\n".join(reversed(lines))


def _forms_of(text: str) -> set[str]:
    import html  # knows two thousand names of signs, which takes a while to load

    quoted = json.dumps(text)[1:-1]
    plain = json.dumps(text, ensure_ascii=False)[1:-1]
    escaped = {
        text,
        text[::-1],
        quoted,
        plain,
        plain.replace("/", "\\/"),
        json.dumps(quoted)[1:-1],
        json.dumps(plain, ensure_ascii=False)[1:-1],
        repr(text)[1:-1],
        html.escape(text),
        html.escape(text, quote=False),
        text.replace("\n", "\r\n"),
        " ".join(text.split()),
        *_shell(text),
        *_url(text),
        *_base64(text.encode(errors="surrogatepass")),
        text.encode(errors="surrogatepass").hex(),
    }
    return {form for form in escaped if len(form) >= _SHORTEST_VALUE}


def _shell(text: str) -> set[str]:
    return {
        shlex.quote(text).strip("'"),
        text.replace("'", "'\\''"),
        text.replace("'", "'\"'\"'"),
        re.sub(r'(["\\$`])', r"\\\1", text),
        re.sub(r"([^A-Za-z0-9_@%+=:,./\n-])", r"\\\1", text),
    }


def _url(text: str) -> set[str]:
    encoded = {
        quote(text, errors="replace"),
        quote(text, safe="", errors="replace"),
        quote_plus(text, errors="replace"),
    }
    return encoded | {re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), form) for form in encoded}


def _base64(raw: bytes) -> set[str]:
    """Gives the value's base64 by itself, and what is certain of it at the three places it can have in a longer text."""
    found = {base64.b64encode(raw), base64.urlsafe_b64encode(raw), base64.b64encode(raw + b"\n")}
    found |= {form.rstrip(b"=") for form in found}
    for before in range(3):
        whole = base64.b64encode(bytes(before) + raw)
        certain = whole[(8 * before + 5) // 6 : (8 * (before + len(raw))) // 6]
        if len(certain) >= _SHORTEST_LINE:
            found |= {certain, certain.replace(b"+", b"-").replace(b"/", b"_")}
    return {form.decode() for form in found}
