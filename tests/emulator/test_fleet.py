from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from reconciler.emulator import fleet
from reconciler.emulator.fleet import Fleet

fleets = st.lists(
    st.tuples(st.integers(1, 3), st.integers(1, 5), st.sampled_from([0.0, 1.0])).map(list), max_size=4
).map(fleet.joined)


def spelled(found: Fleet) -> list[tuple[float, float]]:
    return [(version, since) for version, count, since in found for _ in range(int(count))]


@given(fleets, st.integers(0, 20), st.integers(0, 20))
def test_replacing_touches_exactly_the_instances_between(found: Fleet, start: int, stop: int) -> None:
    expected = spelled(found)
    last = min(stop, len(expected))
    for index in range(start, last):
        expected[index] = (9, 5.0)
    assert spelled(fleet.replaced(found, start, stop, 9, 5.0)) == expected


@given(fleets, st.integers(0, 20))
def test_resizing_cuts_or_grows_at_the_end(found: Fleet, wanted: int) -> None:
    expected = (spelled(found) + [(9, 5.0)] * wanted)[:wanted]
    assert spelled(fleet.resized(found, wanted, 9, 5.0)) == expected


@given(fleets)
def test_neighbours_that_are_alike_are_one_run(found: Fleet) -> None:
    pairs = itertools.pairwise(found)
    assert all((a[0], a[2]) != (b[0], b[2]) for a, b in pairs)
    assert sum(fleet.counts(found).values()) == fleet.size(found)


@given(fleets)
def test_relabelling_restarts_nothing(found: Fleet) -> None:
    relabelled = spelled(fleet.relabelled(found, {1, 2}, 7))
    assert [since for _, since in relabelled] == [since for _, since in spelled(found)]
    assert {version for version, _ in relabelled} <= {3, 7}
