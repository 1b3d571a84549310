"""Pacing against a server that keeps a budget per window and announces it."""

from __future__ import annotations

import heapq
import math
import random
import threading
from collections.abc import Callable

import pytest

from reconciler.clients.pacing import Budget, Pacer, parse
from reconciler.errors import InterruptedRunError
from tests.clients.clock import Clock


class Server:
    """Allows `quota` requests per `window`, blocks for `window` beyond, and says so in its headers."""

    def __init__(self, quota: int, window: float, rounding: Callable[[float], int] = math.ceil) -> None:
        self.quota, self.window, self.rounding = quota, window, rounding
        self.opened, self.used, self.refused = -math.inf, 0, 0

    def answer(self, now: float) -> dict[str, str]:
        if now >= self.opened + self.window:
            self.opened, self.used = now, 0
        self.used += 1
        self.refused += self.used > self.quota
        left = max(0, self.quota - self.used)
        seconds = self.rounding(self.opened + self.window - now)
        return {
            "ratelimit": f'"default";r={left};t={seconds}',
            "ratelimit-policy": f'"default";q={self.quota};w={self.window:.0f}',
        }


def simulate(server: Server, requests: int, threads: int = 10, seed: int = 1) -> float:
    """Sends requests from many threads in virtual time; gives the seconds they took."""
    chance, budget, now = random.Random(seed), Budget(), 0.0
    arriving: list[tuple[float, int]] = []
    answering: list[tuple[float, int, dict[str, str]]] = []
    begun = ended = 0
    while ended < requests:
        while begun < requests and begun - ended < threads and not budget.delay(now):
            budget.begin()
            begun += 1
            heapq.heappush(arriving, (now + chance.uniform(0.01, 0.1), begun))
        wakes = [queue[0][0] for queue in (arriving, answering) if queue]
        delay = budget.delay(now)
        if begun < requests and begun - ended < threads and delay:
            wakes.append(now + delay)
        now = max(now, min(wakes))
        while arriving and arriving[0][0] <= now:
            at, number = heapq.heappop(arriving)
            heapq.heappush(answering, (at + chance.uniform(0.01, 0.1), number, server.answer(at)))
        while answering and answering[0][0] <= now:
            budget.end(now, heapq.heappop(answering)[2], None)
            ended += 1
    return now


@pytest.mark.parametrize("rounding", [math.ceil, math.floor, round])
def test_five_thousand_requests_are_never_refused_and_hardly_slowed(rounding: Callable[[float], int]) -> None:
    server = Server(1200, 300, rounding)
    took = simulate(server, 5000)
    assert server.refused == 0
    assert took <= 1.1 * 4 * 300


@pytest.mark.parametrize("quota", [20, 100])
@pytest.mark.parametrize("seed", range(5))
def test_small_budgets_are_kept_too(quota: int, seed: int) -> None:
    server = Server(quota, 60)
    took = simulate(server, 10 * quota, seed=seed)
    assert server.refused == 0
    assert took <= 1.2 * 9 * 60 + 5


def test_a_window_that_another_run_has_nearly_emptied_is_not_overdrawn() -> None:
    server = Server(1200, 300)
    for _ in range(1199):
        server.answer(0.0)
    simulate(server, 50)
    assert server.refused == 0


def test_without_announcements_nothing_waits_but_for_the_first_answer() -> None:
    budget = Budget()
    budget.begin()
    assert budget.delay(0.0) > 0
    budget.end(0.0, {}, None)
    for _ in range(1000):
        assert budget.delay(0.0) == 0
        budget.begin()


def test_the_tightest_of_several_budgets_counts() -> None:
    budget = Budget()
    budget.begin()
    budget.end(0.0, {"ratelimit": '"default";r=900;t=200, "burst";r=1;t=7'}, None)
    assert budget.delay(0.0) == 7


def test_a_lost_answer_counts_as_spent() -> None:
    budget = Budget()
    budget.begin()
    budget.end(0.0, {"ratelimit": '"default";r=3;t=9'}, None)
    for _ in range(2):
        assert budget.delay(0.0) == 0
        budget.begin()
        budget.end(0.0, None, None)
    assert budget.delay(0.0) == 9


def test_after_a_refusal_one_request_goes_first_and_opens_the_gate() -> None:
    budget = Budget()
    budget.begin()
    budget.end(0.0, {}, refused_for=30.0)
    assert budget.delay(10.0) == 20
    assert budget.delay(30.0) == 0
    budget.begin()
    assert budget.delay(30.0) > 0
    budget.end(30.1, {}, None)
    budget.begin()
    assert budget.delay(30.1) == 0


def test_an_answer_from_before_the_refusal_does_not_open_the_gate() -> None:
    budget = Budget()
    budget.begin()
    budget.begin()
    budget.end(0.0, {}, refused_for=30.0)
    budget.end(0.1, {}, None)
    assert budget.delay(0.1) == pytest.approx(29.9)


def test_a_wait_is_announced_once_and_lasts_to_the_second() -> None:
    clock, told = Clock(), list[float]()
    pacer = Pacer(
        sleep=clock.sleep, monotonic=clock.monotonic, on_wait=lambda seconds, reason: told.append(seconds)
    )
    pacer.begin()
    pacer.end({}, refused_for=300)
    pacer.begin()
    assert told == [300]
    assert 300 <= sum(clock.slept) < 300.2


def test_a_wait_ends_when_the_user_asks_to_stop() -> None:
    clock = Clock()
    pacer = Pacer(sleep=clock.sleep, monotonic=clock.monotonic, stop=lambda: len(clock.slept) >= 3)
    pacer.begin()
    pacer.end({}, refused_for=300)
    with pytest.raises(InterruptedRunError):
        pacer.begin()
    assert sum(clock.slept) < 1


def test_threads_share_one_budget() -> None:
    pacer, begun = Pacer(), list[int]()

    def send() -> None:
        for _ in range(50):
            pacer.begin()
            begun.append(1)
            pacer.end({"ratelimit": '"default";r=1000;t=60'})

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(begun) == 200


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('"default";r=50;t=30', [("default", {"r": 50, "t": 30})]),
        ('"burst";q=100;w=60', [("burst", {"q": 100, "w": 60})]),
        ('"a";r=1;t=2, "b";r=3;t=4', [("a", {"r": 1, "t": 2}), ("b", {"r": 3, "t": 4})]),
        ("default;r=5", [("default", {"r": 5})]),
        ("", []),
        ("nonsense", []),
        (";;;", [("", {})]),
    ],
)
def test_headers_are_read(header: str, expected: list[tuple[str, dict[str, int]]]) -> None:
    assert parse(header) == expected
