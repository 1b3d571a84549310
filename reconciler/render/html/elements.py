"""HTML from parts: whatever is not HTML already is made harmless and escaped, so that forgetting to is impossible."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache

from reconciler.render.harmless import harmless

_REMEMBERED = 4096
"""A page says the same short things thousands of times."""
_NOT_AS_IT_IS = re.compile("[&<>\"'#]|::").search
"""What HTML has a meaning for, and what a CI runner might obey."""


class Html(str):
    """Text that is HTML; made here only."""

    __slots__ = ()


NOTHING = Html()


def element(name: str, /, *children: str, **attributes: object) -> Html:
    """An element; `class_` and `data_x` come out as `class` and `data-x`, attributes that are None or False are left out."""
    inside = "".join(map(escaped, children))
    return Html(f"<{name}{attributed(attributes)}>{inside}</{name}>")


def empty(name: str, /, **attributes: object) -> Html:
    """An element without an end: `<input>`, or a shape of a picture."""
    return Html(f"<{name}{attributed(attributes)}/>")


def around(name: str, parts: Iterable[str], /, **attributes: object) -> Iterator[Html]:
    """An element in pieces, for one that is too large to be copied into each that is around it."""
    yield Html(f"<{name}{attributed(attributes)}>")
    for part in parts:
        yield part if type(part) is Html else Html(_escaped(part))
    yield Html(f"</{name}>")


def form(pattern: str) -> Callable[..., Html]:
    """HTML that is written over and over, with `%s` where its parts go: they are escaped like those of an element."""

    def filled(*parts: str) -> Html:
        return Html(pattern % tuple([part if type(part) is Html else _escaped(part) for part in parts]))

    return filled


def joined(parts: Iterable[str], between: str = "") -> Html:
    """Parts one after another."""
    shown = [part if type(part) is Html else _escaped(part) for part in parts]
    return Html((escaped(between) if between else "").join(shown))


def size(part: Html) -> int:
    """How many bytes a part takes up in a file."""
    return len(part.encode())


def escaped(text: str) -> str:
    """HTML as it is, anything else as text."""
    return text if type(text) is Html else _escaped(text)


@lru_cache(_REMEMBERED)
def _escaped(text: str) -> str:
    if text.isprintable() and not _NOT_AS_IT_IS(text):
        return text
    return html.escape(harmless(text))


def attributed(values: Mapping[str, object]) -> Html:
    """Attributes as they stand behind the name of an element."""
    return Html(
        "".join(
            f" {_spelled(name)}" + ("" if value is True else f'="{_escaped(str(value))}"')
            for name, value in values.items()
            if value is not None and value is not False
        )
    )


@lru_cache(_REMEMBERED)
def _spelled(name: str) -> str:
    return name.rstrip("_").replace("_", "-")
