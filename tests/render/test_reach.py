"""What is reached from a change, in words."""

from __future__ import annotations

import pytest

from reconciler.model.plan import PlannedChange, PlannedReach
from reconciler.render.reach import reach_text
from tests.render.plans import change


def reaching(*told: object) -> PlannedChange:
    return change("image.api", reach=PlannedReach(*told))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (change("image.api"), ""),
        (reaching(1, 1, ("application.a",)), "application.a, changed too"),
        (reaching(2, 0, ("application.a", "job.b")), "application.a, job.b, unchanged"),
        (reaching(5, 2, ("a", "b", "c", "d", "e")), "a, b, c and 2 more; 2 of them changed too"),
        (reaching(900, 0, ("a", "b"), True), "a, b and at least 898 more, unchanged"),
    ],
)
def test_the_nearest_are_named_and_the_others_counted(one: PlannedChange, said: str) -> None:
    assert reach_text([one]) == said


def test_of_several_changes_the_widest_counts() -> None:
    assert reach_text([reaching(1, 0, ("a",)), reaching(7, 0, ("a",))]) == "7 resources each at most"
