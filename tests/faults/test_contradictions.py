"""Long and wrong sequences of what one can do to a state: it never contradicts itself, and what is wanted can always be had."""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random

import networkx
import pytest

from reconciler.model.address import ResourceAddress
from reconciler.model.change import StepKey
from reconciler.model.resource import Desired
from reconciler.model.state import State
from reconciler.storage.codec import decode_version, encode_version
from tests.engine.toys import Bench, ref, thing
from tests.faults.conftest import Record

PARTS, SEQUENCES = (10, 1_000) if os.environ.get("RECONCILER_LONG") else (1, 150)
KEYS = [f"t{number}" for number in range(6)]


def contradictions(state: State, lost: set[ResourceAddress]) -> list[str]:
    """What cannot be: a loop, an object at two addresses, one recorded as another, a wait for what we forgot ourselves."""
    edges = [(address, other) for address, it in state.resources.items() for other in it.depends_on]
    ids = [it.identity for it in state.resources.values()]
    found = [f"{address} as {it.address}" for address, it in state.resources.items() if address != it.address]
    found += [
        f"{one} waits for {other}"
        for one, other in edges
        if other not in state.resources and not {one, other} & lost
    ]
    found += ["an object at two addresses"] if len(ids) != len(set(ids)) else []
    found += [] if networkx.is_directed_acyclic_graph(networkx.DiGraph(edges)) else [f"a loop: {edges}"]
    return found


def wanted(random: Random) -> list[Desired]:
    """Some of the things, each waiting for some of those before it, in an order that is another each time."""
    keys = random.sample(KEYS, random.randint(0, len(KEYS)))
    made = []
    for number, key in enumerate(keys):
        others = random.sample(keys[:number], min(number, random.choice([0, 1, 2])))
        uses = {other: ref(other) for other in others[:1]}
        needs = tuple(ResourceAddress("thing", other) for other in others[1:])
        size, zone = random.randint(1, 2), random.choice(["eu", "eu", "us"])
        made.append(thing(key, name=f"toy-{key}", tags=uses, needs=needs, size=size, zone=zone))
    return made


class Session:
    """One state, and everything that is done to it."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.bench = Bench()
        self.lost: set[ResourceAddress] = set()

    def steps(self) -> Iterator[str]:
        for _ in range(self.random.randint(2, 8)):
            what = self.random.choice(
                [self.apply, self.apply, self.fail, self.kill, self.part, self.rename, self.lose]
            )
            what()
            yield what.__name__

    def leaves_late(self, one: ResourceAddress, other: ResourceAddress) -> bool:
        """Whether there was no order but one in which `other` went before `one` had left it."""
        gone = self.bench.steps.get(StepKey(other, "delete"))
        return gone is not None and any(
            step.wave > gone.wave for key, step in self.bench.steps.items() if key.address == one
        )

    def contradictions(self) -> list[str]:
        state = self.bench.state
        edges = [(one, other) for one, it in state.resources.items() for other in it.depends_on]
        self.lost |= {other for one, other in edges if self.leaves_late(one, other)}
        return contradictions(state, self.lost)

    def apply(self) -> None:
        self.bench.apply(*wanted(self.random))

    def fail(self) -> None:
        """An apply of which any call may be refused."""
        keys = self.random.sample(KEYS, self.random.randint(1, 4))
        verbs = ("create", "update", "delete")
        self.bench.world.failing = {f"{self.random.choice(verbs)} thing.{key}" for key in keys}
        self.apply()
        self.bench.world.failing = set()

    def kill(self) -> None:
        """An apply that is cut off: what the service has done since the last batch is not recorded."""
        self.bench.apply(*wanted(self.random), batches=self.random.randint(0, 4))

    def part(self) -> None:
        """An apply of some resources, or of all but some."""
        chosen = wanted(self.random)
        known = sorted({one.address for one in chosen} | self.bench.state.resources.keys())
        some = tuple(self.random.sample(known, min(len(known), 2)))
        if some:
            self.bench.apply(*chosen, options={self.random.choice(["targets", "excludes", "replace"]): some})

    def rename(self) -> None:
        """`state mv` to an address that is free."""
        known = [one for one in self.bench.state.resources if not one.replaced]
        free = [one for one in (ResourceAddress("thing", key) for key in KEYS) if one not in known]
        if known and free:
            origin, target = self.random.choice(known), self.random.choice(free)
            self.bench.state = self.bench.state.renamed({origin: target})
            self.lost |= {target} if origin in self.lost else set()

    def lose(self) -> None:
        """Somebody else deletes one; what used it may go on referring to it."""
        if known := list(self.bench.state.resources.values()):
            gone = self.random.choice(known)
            self.bench.world.objects.pop(gone.identity, None)
            self.lost.add(gone.address)


@pytest.mark.parametrize("part", range(PARTS))
def test_a_state_never_contradicts_itself(part: int, record: Record) -> None:
    for number in range(SEQUENCES):
        session, done = Session(part * SEQUENCES + number), []
        for step in session.steps():
            done.append(step)
            state = session.bench.state
            assert session.contradictions() == [], (number, done)
            assert decode_version(encode_version(state)[0]).state == state
        session.bench.apply()
        assert (session.bench.state.resources, session.bench.world.objects) == ({}, {}), (number, done)
        final = wanted(session.random)
        session.bench.apply(*final)
        assert session.bench.plan(*final).plan.is_empty, (number, done)
    record(
        22,
        "random sequences of applies, failures, kills, targets, renames and losses",
        SEQUENCES,
        "0 contradictions; in the end all of it can go, and what is wanted come",
    )
