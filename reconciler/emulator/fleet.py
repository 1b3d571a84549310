"""What the instances of an application run: runs of neighbours that started together on one version. Pure.

A fleet of twenty instances in the middle of a rollout is `[[2, 2, t1], [1, 18, t0]]`: version, count, since when.
"""

from __future__ import annotations

Run = list[float]
Fleet = list[Run]


def size(fleet: Fleet) -> int:
    """How many instances there are."""
    return sum(int(count) for _, count, _ in fleet)


def cut(fleet: Fleet, start: int, stop: int) -> Fleet:
    """The instances from `start` up to `stop`."""
    piece: Fleet = []
    at = 0
    for version, count, since in fleet:
        low, high = max(start, at), min(stop, at + int(count))
        if low < high:
            piece.append([version, high - low, since])
        at += int(count)
    return piece


def joined(*pieces: Fleet) -> Fleet:
    """The pieces in a row; neighbours that are alike become one run."""
    fleet: Fleet = []
    for version, count, since in (run for piece in pieces for run in piece):
        if fleet and fleet[-1][0] == version and fleet[-1][2] == since:
            fleet[-1][1] += count
        elif count:
            fleet.append([version, count, since])
    return fleet


def replaced(fleet: Fleet, start: int, stop: int, version: int, now: float) -> Fleet:
    """The fleet with the instances from `start` up to `stop` started anew on a version."""
    stop = max(start, min(stop, size(fleet)))
    new: Fleet = [[version, stop - start, now]] if stop > start else []
    return joined(cut(fleet, 0, start), new, cut(fleet, stop, size(fleet)))


def resized(fleet: Fleet, wanted: int, version: int, now: float) -> Fleet:
    """The fleet cut from its end, or grown by instances of the given version."""
    missing = wanted - size(fleet)
    return joined(cut(fleet, 0, wanted), [[version, missing, now]] if missing > 0 else [])


def relabelled(fleet: Fleet, versions: set[int], version: int) -> Fleet:
    """The fleet with some versions called by another number; nothing restarts."""
    return joined([[version if run[0] in versions else run[0], run[1], run[2]] for run in fleet])


def run_at(fleet: Fleet, index: int) -> Run | None:
    """The run that an instance belongs to."""
    found = cut(fleet, index, index + 1)
    return found[0] if found else None


def counts(fleet: Fleet) -> dict[int, int]:
    """How many instances run each version."""
    found: dict[int, int] = {}
    for version, count, _ in fleet:
        found[int(version)] = found.get(int(version), 0) + int(count)
    return found
