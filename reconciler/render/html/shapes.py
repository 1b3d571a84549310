"""The shape of every kind of change, drawn once and used by graph and legend: never told by colour alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.model.change import Action
from reconciler.render.html.elements import Html, element, empty

_PATHS = {
    "create": "M-7 0A7 7 0 1 1 7 0A7 7 0 1 1-7 0Z",
    "update": "M-7-6H7V6H-7Z",
    "replace": "M0-8 8 0 0 8-8 0Z",
    "delete": "M-3.3-8h6.6L8-3.3v6.6L3.3 8h-6.6L-8 3.3v-6.6Z",
    "adopt": "M-4-7h8L8 0 4 7h-8L-8 0Z",
    "run": "M-6-7 8 0-6 7Z",
    "resume": "M-7-7 0-2v-5L8 0 0 7V2l-7 5Z",
    "move": "M-8-3h8v-4L8 0 0 7V3h-8Z",
    "forget": "M-7-7h14v14h-14ZM-3-3h6v6h-6Z",
    "refused": "M-8 7 0-8 8 7Z",
}


def definitions(actions: Iterable[str]) -> Html:
    """The shapes that a picture uses."""
    return element("defs", *(empty("path", id=f"s-{action}", d=_PATHS[action]) for action in actions))


def legend(counts: Sequence[tuple[str, int]]) -> Html:
    """What each shape means, and how many there are."""
    items = [
        element("li", _example(action), f"{Action(action).symbol} {number:,} {action}", class_=action)
        for action, number in counts
    ]
    return element("ul", *items, class_="legend")


def _example(action: str) -> Html:
    shape = empty("path", d=_PATHS[action], transform="translate(10 10)")
    return element("svg", shape, width=20, height=20, aria_hidden="true")
