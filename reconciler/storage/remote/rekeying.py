"""Writes all that is kept at a remote place again under the present key; `storage.rekeying` tells when and why."""

from __future__ import annotations

from reconciler.storage.codec import MalformedError
from reconciler.storage.envelope import Envelope, about_version
from reconciler.storage.kept_lists import about_list
from reconciler.storage.rekeying import rewrapped
from reconciler.storage.remote.head import LISTS
from reconciler.storage.remote.reading import Library
from reconciler.storage.remote.shelf import Item, Shelf


def rekey(library: Library) -> tuple[str, ...]:
    """Rewrites lists and versions. Gives what could not be opened, and stays as it was."""
    shelf, envelope = library.shelf, library.envelope
    lists = {name: about_list(name.removeprefix(LISTS)) for name in shelf.names(LISTS)}
    versions = {name: about_version(serial) for serial, name in library.serials().items()}
    left = [
        name
        for name, about in {**lists, **versions}.items()
        if not _is_rewritten(shelf, envelope, name, about)
    ]
    return tuple(left)


def _is_rewritten(shelf: Shelf, envelope: Envelope, name: str, about: str) -> bool:
    item = shelf.get(name) or Item(b"", "", 0.0)
    try:
        stored = rewrapped(item.data, about, envelope)
    except MalformedError:
        return False
    shelf.replace(name, stored, item.tag)
    return True
