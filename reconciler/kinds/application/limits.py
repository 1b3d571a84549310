"""Images that are too large for their instances, said before anything is touched (reference 4.3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.kinds.shared.sizes import numbers_of
from reconciler.model.change import Action, Change
from reconciler.model.diagnostic import Diagnostic, Severity, Source

IMAGE_TOO_LARGE = "A141"

_SENDING = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.ADOPT)


def images_too_large(changes: Sequence[Change]) -> Iterator[Diagnostic]:
    """Images beyond the disk of their instances."""
    for change in changes:
        needed = change.wanted.get("image_disk_mb")
        numbers = numbers_of(change.wanted.get("instance_type"))
        if change.action not in _SENDING or numbers is None or not isinstance(needed, int | float):
            continue
        if needed > numbers[2]:
            yield _problem(change, needed, numbers[2])


def _problem(change: Change, needed: float, disk: float) -> Diagnostic:
    place = change.desired.source_of(("instance_type",)) if change.desired else None
    summary = f"the image is too large: it needs {needed:g} MB of disk, and an instance has {disk:g} MB"
    fix = "choose an `instance_type` with more disk"
    return Diagnostic(Severity.ERROR, IMAGE_TOO_LARGE, summary, fix, str(change.address), place or Source())
