"""What is kept until a process ends, and where it is not."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from reconciler.cli import kept


class Thing:
    pass


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    yield
    gc.enable()
    kept._KEPT.clear()


def test_a_process_of_our_own_frees_nothing() -> None:
    gc.disable()
    thing = Thing()
    seen = weakref.ref(thing)
    kept.keep(thing)
    del thing
    assert seen() is not None


def test_elsewhere_objects_go_as_ever() -> None:
    thing = Thing()
    seen = weakref.ref(thing)
    kept.keep(thing)
    del thing
    assert seen() is None
