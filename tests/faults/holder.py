"""A writer that holds a lease and writes on and on, until it is killed or told that its lease is over."""

from __future__ import annotations

import json
import sys
import time
from itertools import count

from reconciler.errors import StateError
from reconciler.model.address import ResourceAddress
from reconciler.model.event import StepBegun
from reconciler.model.state import State
from reconciler.storage.remote import claim
from tests.faults.contender import store_of

API = ResourceAddress("application", "api")


def main() -> None:
    place, seconds, where = sys.argv[1:]
    if where == "elsewhere":  # as if on another machine: nobody can tell whether this process is alive
        vars(claim)["this_place"] = lambda: ""
    store = store_of(json.loads(place), seconds=float(seconds))
    with store.lock("apply"):
        store.begin_run(store.read() or State("lineage-1", project="shop"), "run-1")
        try:
            for number in count():
                store.check_lease()
                store.append([StepBegun(API, "update", f"op-{number}", "")])
                print(number, flush=True)  # noqa: T201
                time.sleep(0.2)
        except StateError as error:
            print(f"stopped: {error.message}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
