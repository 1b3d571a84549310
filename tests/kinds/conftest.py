from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.emulator.server import LocalServer


@pytest.fixture(scope="session")
def shared_emulator() -> Iterator[LocalServer]:
    """One emulator for the tests of the small kinds; `emulated` empties it."""
    with LocalServer() as server:
        yield server
