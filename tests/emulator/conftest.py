from __future__ import annotations

import pytest

from tests.emulator.cloud import Cloud


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()
