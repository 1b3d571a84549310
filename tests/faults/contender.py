"""Many processes that want to write one state: each round all begin at once, and whoever gets in must be alone.

Run as a program of its own, so that it can fork: it prints what happened as JSON.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.errors import LockHeldError, UnavailableError
from reconciler.model.state import State
from reconciler.storage.identity import Identity
from reconciler.storage.local_store import LocalStore
from reconciler.storage.remote import http_state, postgres, s3
from reconciler.storage.remote.lease import Timing
from reconciler.storage.remote.shelf import Shelf
from reconciler.storage.remote.store import RemoteStore
from reconciler.storage.store import Store

SHELVES: dict[str, Callable[..., Shelf]] = {
    "s3": s3.open_shelf,
    "postgres": postgres.open_shelf,
    "http": http_state.open_shelf,
}
SHOP = Identity("shop")


def store_of(place: dict[str, Any], **timing: Any) -> Store:
    """The store that a JSON description of a place means."""
    backend = place["backend"]
    if backend == "local":
        return LocalStore(Path(place["folder"]), SHOP)
    shelf = SHELVES[backend](place["settings"], os.environ, place.get("key", "shop/default"))
    return RemoteStore(backend, shelf, SHOP, timing=Timing(**timing))


def contend(place: dict[str, Any], folder: Path, starts_at: float) -> dict[str, int]:
    """One process in one round: writes if it may, and looks whether anybody else is inside meanwhile."""
    store, inside = store_of(place), folder / "inside"
    time.sleep(max(0.0, starts_at - time.monotonic()))
    with contextlib.suppress(LockHeldError, UnavailableError):
        with store.lock("contend"):
            descriptor = os.open(inside, os.O_CREAT | os.O_EXCL)
            os.close(descriptor)
            state = store.read() or State("lineage-1", project="shop")
            store.commit(replace(state, outputs={"n": int(state.outputs.get("n", 0)) + 1}))
            inside.unlink()
        return {"wrote": 1, "refused": 0}
    return {"wrote": 0, "refused": 1}


def round_of(place: dict[str, Any], folder: Path, processes: int) -> list[dict[str, int]]:
    starts_at = time.monotonic() + 0.2
    children = {}
    for _ in range(processes):
        reading, writing = os.pipe()
        if pid := os.fork():
            os.close(writing)
            children[pid] = reading
            continue
        try:
            answer = contend(place, folder, starts_at)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the round has failed
            answer = {"failed": 1, repr(error): 1}
        os.write(writing, json.dumps(answer).encode())
        os._exit(0)
    answers = []
    for pid, reading in children.items():
        with os.fdopen(reading) as pipe:
            answers.append(json.loads(pipe.read()))
        os.waitpid(pid, 0)
    return answers


LIBRARIES = {"s3": ("obstore.store", "obstore.exceptions"), "postgres": ("psycopg",)}


def load_libraries(backend: str) -> None:
    """Loads what a backend needs once, rather than in every child."""
    for library in LIBRARIES.get(backend, ()):
        importlib.import_module(library)


def main() -> None:
    place, folder, processes, rounds = sys.argv[1:]
    load_libraries(json.loads(place)["backend"])
    total: dict[str, int] = {"wrote": 0, "refused": 0, "rounds": int(rounds)}
    for _ in range(int(rounds)):
        for answer in round_of(json.loads(place), Path(folder), int(processes)):
            for what, count in answer.items():
                total[what] = total.get(what, 0) + count
    print(json.dumps(total))  # noqa: T201


if __name__ == "__main__":
    main()
