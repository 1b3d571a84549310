"""A writer that is killed again and again wherever it is, and what can be read afterwards.

Run as a program of its own, so that it can fork: it prints what was found as JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, BinaryIO

from reconciler.model.event import OutputsChanged
from reconciler.model.state import State
from tests.faults.contender import load_libraries, store_of

KILLS_EACH = 25
"""Kills of the same state; the first one strikes while there is none yet."""
EVENTS = 4
"""Between two versions."""


def write_on(place: dict[str, Any], told: int) -> None:
    """Counts upwards in the state, and tells each number as soon as it is safe."""
    store = store_of(place)
    with store.lock("count"):
        state = store.read() or State("lineage-1", project="shop")
        numbers = count(number_of(state) + 1)
        while True:
            state = store.begin_run(state, "run")
            for number in (next(numbers) for _ in range(EVENTS)):
                store.append([OutputsChanged({"n": number})])
                state = state.after([OutputsChanged({"n": number})])
                os.write(told, b"%d\n" % number)
            state = store.commit(state)


def number_of(state: State | None) -> int:
    return int(state.outputs.get("n", 0)) if state else 0


def killed(place: dict[str, Any], after: float) -> int:
    """Kills a writer after so many seconds; gives the last number that was safe, 0 where none was."""
    pid, told = forked(lambda writing: write_on(place, writing))
    time.sleep(after)
    os.kill(pid, signal.SIGKILL)
    *lines, _ = told.read().split(b"\n")
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status), f"the writer ended by itself after {lines[-1:]}"
    return int(lines[-1]) if lines else 0


def read(place: dict[str, Any]) -> int | str:
    """The number that a state tells, or why it does not."""
    pid, told = forked(lambda writing: os.write(writing, json.dumps(looked(place)).encode()))
    found: int | str = json.loads(told.read())
    os.waitpid(pid, 0)
    return found


def looked(place: dict[str, Any]) -> int | str:
    try:
        return number_of(store_of(place).read())
    except Exception as error:  # noqa: BLE001 - whatever it is, nobody could go on from here
        return f"unreadable: {error!r}"


def forked(work: Callable[[int], object]) -> tuple[int, BinaryIO]:
    """A child at work, and what it tells. No store is opened but in a child: clients with threads survive no fork."""
    reading, writing = os.pipe()
    if pid := os.fork():
        os.close(writing)
        return pid, os.fdopen(reading, "rb")
    try:
        work(writing)
    finally:
        os._exit(0)


def trials(place: dict[str, Any], kills: int, longest: float, seed: int) -> Iterator[str]:
    """What became of each kill."""
    random, there = Random(seed), 0
    for number in range(kills):
        if number % KILLS_EACH == 0:
            there, here = 0, {**place, "key": f"shop/{number}", "folder": f"{place['folder']}-{number}"}
            here["settings"] = {**place["settings"], **anew(place["settings"], number)}
        safe = max(there, killed(here, random.uniform(0, longest)))
        there, verdict = judged(here, safe)
        yield verdict


def anew(settings: dict[str, str], number: int) -> dict[str, str]:
    """At a state server, an address is a state."""
    return {"address": f"{settings['address']}-{number}"} if "address" in settings else {}


def judged(place: dict[str, Any], safe: int) -> tuple[int, str]:
    """What a state tells: all that was safe, and at most the one number that was being written."""
    there = read(place)
    if isinstance(there, str):
        return safe, there
    if there not in (safe, safe + 1):
        return there, f"read {there} where {safe} was safe"
    return there, "whole" if there else "killed before anything was safe"


def main() -> None:
    place, kills, longest, seed = sys.argv[1:]
    load_libraries(json.loads(place)["backend"])
    Path(json.loads(place)["folder"]).parent.mkdir(parents=True, exist_ok=True)
    print(json.dumps(Counter(trials(json.loads(place), int(kills), float(longest), int(seed)))))  # noqa: T201


if __name__ == "__main__":
    main()
