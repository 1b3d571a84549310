"""What happened to a placement or a job, one line per event, as the service tells it (reference 2.9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.frozen import frozen
from reconciler.render.table import WIDTH, table

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
        said = self.name if self.message in ("", self.name) else f"{self.name}: {self.message}"
        return said if self.type in ("", _ORDINARY) else f"{self.type}: {said}"


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
    """One line per event."""
    rows = [(one.time, one.told) for one in happenings]
    return table(("TIME", "EVENT"), rows, width) if rows else ""
