"""What the service stored otherwise than it was sent, said in words (interface 7). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.kinds.application.table import KIND
from reconciler.model.change import Change
from reconciler.model.resource import Observed
from reconciler.model.value import Path, Value, path_text


def stored_otherwise(change: Change, seen: Observed) -> Iterator[str]:
    """One sentence for each value that came back as another one."""
    for key, sent in change.wanted.items():
        row = KIND.attribute((key,))
        if row is not None and not row.write_only and not row.rides_along:
            yield from _different((key,), sent, seen.attributes.get(key))


def _different(path: Path, sent: Value, stored: Value) -> Iterator[str]:
    if isinstance(sent, Mapping) and isinstance(stored, Mapping | None):
        for key, inner in sent.items():
            yield from _different((*path, key), inner, (stored or {}).get(key))
    elif sent != stored and not (stored is None and not sent):
        yield f"{path_text(path)}: {sent} was sent, and {'nothing' if stored is None else stored} is stored"
