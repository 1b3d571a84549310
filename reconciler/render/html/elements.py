"""HTML from parts: whatever is not HTML already is made harmless and escaped, so that forgetting to is impossible."""

from __future__ import annotations

import html
from collections.abc import Iterable

from reconciler.render.harmless import harmless


class Html(str):
    """Text that is HTML; made here only."""

    __slots__ = ()


NOTHING = Html()


def element(name: str, /, *children: str, **attributes: object) -> Html:
    """An element; `class_` and `data_x` come out as `class` and `data-x`, attributes that are None or False are left out."""
    inside = "".join(map(escaped, children))
    return Html(f"<{name}{_attributes(attributes)}>{inside}</{name}>")


def empty(name: str, /, **attributes: object) -> Html:
    """An element without an end: `<input>`, or a shape of a picture."""
    return Html(f"<{name}{_attributes(attributes)}/>")


def joined(parts: Iterable[str], between: str = "") -> Html:
    """Parts one after another."""
    return Html(escaped(between).join(map(escaped, parts)))


def escaped(text: str) -> str:
    """HTML as it is, anything else as text."""
    return text if isinstance(text, Html) else html.escape(harmless(text))


def _attributes(values: dict[str, object]) -> str:
    return "".join(
        f" {name.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{_value(value)}"')
        for name, value in values.items()
        if value is not None and value is not False
    )


def _value(value: object) -> str:
    return html.escape(harmless(str(value)))
