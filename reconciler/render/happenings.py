"""What happened to a placement or a job, one line per event, as the service tells it (reference 2.9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.frozen import frozen
from reconciler.render.harmless import harmless
from reconciler.render.layout import Page
from reconciler.render.table import WIDTH

_ORDINARY = "Info"


@frozen
class Happening:
    """One event; `type` is `Info`, or what kind of trouble it is."""

    time: str
    type: str
    name: str
    message: str

    @property
    def told(self) -> str:
        """What happened, in the service's words; trouble is named."""
        kind = "" if self.type == _ORDINARY else self.type
        message = "" if self.message == self.name else self.message
        return ": ".join(filter(None, (kind, self.name, message)))


def happenings_in(document: Mapping[str, Any]) -> tuple[Happening, ...]:
    """The events of a placement or a job of the API."""
    events = document.get("events") or ()
    return tuple(_happening(one) for one in events if isinstance(one, Mapping))


def _happening(event: Mapping[str, Any]) -> Happening:
    texts = (str(event.get(key) or "") for key in ("time", "type", "name", "message"))
    return Happening(*texts)


def last_told(happenings: Iterable[Happening]) -> str:
    """The last thing that happened; "" where nothing has."""
    return next((one.told for one in reversed(tuple(happenings))), "")


def happenings_text(happenings: Iterable[Happening], width: int = WIDTH) -> str:
    """When, and what happened, in as many lines as it needs."""
    page = Page(width)
    lines: list[str] = []
    for one in happenings:
        time = f"{harmless(one.time) or '-'}  "
        lines.extend(page.wrap(harmless(one.told), len(time), time))
    return "".join(f"{line}\n" for line in lines)
