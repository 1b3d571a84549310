from __future__ import annotations

import pytest

from reconciler.emulator.clock import Clock, http_date, iso


def test_time_jumps_and_runs_at_its_rate() -> None:
    real = [100.0]
    clock = Clock(lambda: real[0])
    clock.advance(50)
    assert clock.now() == 150
    clock.set_rate(10)
    real[0] += 3
    assert clock.now() == 180
    clock.set_rate(0)
    real[0] += 3
    assert clock.now() == 180


def test_time_never_goes_back() -> None:
    clock = Clock()
    with pytest.raises(ValueError, match="forward"):
        clock.advance(-1)
    with pytest.raises(ValueError, match="forward"):
        clock.set_rate(-1)


def test_how_moments_are_written() -> None:
    assert iso(1617280361.488) == "2021-04-01T12:32:41.488Z"
    assert http_date(1617280361) == "Thu, 01 Apr 2021 12:32:41 GMT"
