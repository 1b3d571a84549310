"""Which step may go next: what it waited for has ended, its lane is free, and the longest remaining path goes first.

Knows steps and their order, and nothing of what they do.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping

from reconciler.model.address import ResourceAddress
from reconciler.model.change import Step, StepKey

Entry = tuple[float, StepKey]


class Schedule:
    """The steps of a plan on their way: waiting, fresh (free to be declared), declared, running, ended or failed.

    `at_once` limits how many steps of a kind run together; 0 or absent: no limit of its own.
    """

    def __init__(self, steps: Mapping[StepKey, Step], at_once: Mapping[str, int], parallelism: int) -> None:
        self.steps = steps
        self.running: set[StepKey] = set()
        self.failed: dict[StepKey, ResourceAddress] = {}  # and because of which resource
        self._at_once = at_once
        self._parallelism = parallelism
        self._fresh: list[Entry] = []
        self._announced: list[Entry] = []  # declared in the batch that is about to be recorded
        self._declared: list[Entry] = []
        self._held: dict[str, list[StepKey]] = {}  # declared, but the lane or the kind is full
        self._lanes: set[str] = set()
        self._of_kind: dict[str, int] = {}
        self._blocks: dict[StepKey, list[StepKey]] = {key: [] for key in steps}
        self._waiting_for: dict[StepKey, int] = {}
        self._remaining: dict[StepKey, float] = {}
        self._prepare()

    def _prepare(self) -> None:
        for key, step in self.steps.items():
            before = [one for one in (*step.requires, *step.after) if one in self.steps]
            self._waiting_for[key] = len(before)
            for one in before:
                self._blocks[one].append(key)
        for key in reversed(list(self.steps)):
            longest = max((self._remaining[one] for one in self._blocks[key]), default=0.0)
            self._remaining[key] = self.steps[key].seconds + longest
        for key, count in self._waiting_for.items():
            if not count:
                self._push(self._fresh, key)

    def _entry(self, key: StepKey) -> Entry:
        return -self._remaining[key], key

    def _push(self, heap: list[Entry], key: StepKey) -> None:
        heapq.heappush(heap, self._entry(key))

    @property
    def has_work(self) -> bool:
        """Whether anything can still begin without waiting for something that runs."""
        return bool(self._fresh or self._declared or self._held)

    def fresh(self, most: int) -> Iterator[Step]:
        """Steps whose turn has come; at most so many."""
        while self._fresh and most > 0:
            _, key = heapq.heappop(self._fresh)
            if key not in self.failed:
                most -= 1
                yield self.steps[key]

    def declare(self, key: StepKey) -> None:
        """Its intent is about to be on record."""
        self._announced.append(self._entry(key))

    def on_record(self) -> None:
        """What was declared until now may start when there is room."""
        for entry in self._announced:
            heapq.heappush(self._declared, entry)
        self._announced.clear()

    def startable(self) -> Iterator[StepKey]:
        """Steps on record for which there is room; whoever takes one says `occupy`, or keeps it waiting elsewhere."""
        while self._declared and len(self.running) + self._kept_free() < self._parallelism:
            _, key = heapq.heappop(self._declared)
            full = self._what_is_full(key)
            if full:
                self._held.setdefault(full, []).append(key)
            else:
                yield key

    def _kept_free(self) -> int:
        """Room for what is more urgent than anything on record, and will be there in a moment."""
        return sum(entry < self._declared[0] for entry in self._announced)

    def _what_is_full(self, key: StepKey) -> str:
        lane, kind = self.steps[key].lane, key.address.kind
        if lane and lane in self._lanes:
            return f"lane {lane}"
        limit = self._at_once.get(kind, 0)
        return f"kind {kind}" if limit and self._of_kind.get(kind, 0) >= limit else ""

    def occupy(self, key: StepKey) -> None:
        """It runs now."""
        kind = key.address.kind
        self.running.add(key)
        self._lanes.add(self.steps[key].lane)
        self._of_kind[kind] = self._of_kind.get(kind, 0) + 1

    def vacate(self, key: StepKey) -> None:
        """It runs no longer: what was held for want of room is looked at again."""
        kind, lane = key.address.kind, self.steps[key].lane
        self.running.discard(key)
        self._lanes.discard(lane)
        self._of_kind[kind] -= 1
        for full in (f"lane {lane}", f"kind {kind}"):
            for held in self._held.pop(full, ()):
                self._push(self._declared, held)

    def release(self, key: StepKey) -> None:
        """It has ended well: what waited for it is one step nearer."""
        for waiting in self._blocks[key]:
            self._come_nearer(waiting)

    def _come_nearer(self, waiting: StepKey) -> None:
        self._waiting_for[waiting] -= 1
        if not self._waiting_for[waiting] and waiting not in self.failed:
            self._push(self._fresh, waiting)

    def fail(self, key: StepKey, because: ResourceAddress) -> list[StepKey]:
        """It has failed: whatever requires it will not begin, and is given back; what was only ordered after it goes on."""
        self.failed.setdefault(key, because)
        skipped: list[StepKey] = []
        stack = [key]
        while stack:
            dead = stack.pop()
            for waiting in self._blocks[dead]:
                if dead not in self.steps[waiting].requires:
                    self._come_nearer(waiting)
                elif waiting not in self.failed:
                    self.failed[waiting] = because
                    skipped.append(waiting)
                    stack.append(waiting)
        return skipped

    def not_begun(self) -> tuple[list[StepKey], list[StepKey]]:
        """What was declared and never started, and what was never declared, failed ones left out."""
        declared = [key for _, key in self._declared] + [key for held in self._held.values() for key in held]
        fresh = [key for _, key in self._fresh if key not in self.failed]
        waiting = [key for key, count in self._waiting_for.items() if count and key not in self.failed]
        return sorted(declared), sorted({*fresh, *waiting})
