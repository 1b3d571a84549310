"""What counts as a difference, where that is not plain."""

from __future__ import annotations

import pytest

from reconciler.engine.diff import compare, initial, kept_by_service, leaves, without_ignored
from reconciler.model.address import ResourceAddress
from reconciler.model.kind import Attribute, Kind, Removal
from reconciler.model.resource import Desired, Observed, Prior
from reconciler.model.value import Attributes

KIND = Kind(
    name="house",
    section="houses",
    attributes=(
        Attribute("doors", {"type": "object"}, by_name=True),
        Attribute("gates", {"type": "object"}, by_name=True, write_only=True),
        Attribute("paint", {"type": "object"}),
        Attribute("plan", {"type": "string"}, write_only=True, removal=Removal.REPLACE),
        Attribute("extras", {"type": "object"}, write_only=True, removal=Removal.KEEP),
        Attribute("number", {"type": "integer"}, write_only=True, rides_along=True),
    ),
)
ADDRESS = ResourceAddress("house", "a")


def desired(**options: object) -> Desired:
    return Desired(ADDRESS, {}, **options)  # type: ignore[arg-type]


def prior(**attributes: object) -> Prior:
    return Prior(ADDRESS, "1", "a", attributes=attributes)


def paths(wanted: Attributes, before: Attributes) -> list[str]:
    """What differs, where the service shows what was sent and memory holds it."""
    found = compare(KIND, desired(), wanted, prior(**before), Observed("1", "a", before))
    return [".".join(one.path) for one in found]


@pytest.mark.parametrize("key", ["doors", "gates"])
@pytest.mark.parametrize(
    ("wanted", "before", "found"),
    [
        ({"front": {}}, {}, ["front"]),
        ({"back": {}}, {"front": {}}, ["back", "front"]),
        ({"front": {}}, {"front": {}}, []),
        ({"front": {}}, {"front": {"lock": 1}}, ["front.lock"]),
        ({"front": {"lock": 1}}, {"front": {}}, ["front.lock"]),
    ],
)
def test_an_empty_member_counts_where_its_name_says_something(
    key: str, wanted: Attributes, before: Attributes, found: list[str]
) -> None:
    assert paths({key: wanted}, {key: before}) == [f"{key}.{one}" for one in found]


def test_the_last_empty_member_can_go() -> None:
    assert paths({}, {"doors": {"front": {}}}) == ["doors"]


def test_elsewhere_an_empty_map_is_nothing() -> None:
    assert paths({"paint": {"walls": {}}}, {}) == []
    assert paths({}, {"paint": {}}) == []


def test_a_new_one_shows_its_empty_members() -> None:
    wanted: Attributes = {"doors": {"front": {}}, "paint": {"walls": {}}}
    assert list(leaves(KIND, wanted)) == [(("doors", "front"), {})]
    assert [one.path for one in initial(KIND, desired(), wanted)] == [("doors", "front")]


def test_what_is_ignored_and_cannot_be_read_stays_as_it_was_sent() -> None:
    ignoring, seen = desired(ignore_changes=(("plan",),)), Observed("1", "a", {})
    assert without_ignored(KIND, ignoring, {"plan": "new"}, prior(plan="old"), seen) == {"plan": "old"}
    assert without_ignored(KIND, ignoring, {"plan": "new"}, None, seen) == {"plan": "new"}


def test_what_only_rides_along_is_no_difference_when_it_goes() -> None:
    assert paths({}, {"number": 7}) == []


def test_what_cannot_be_read_and_is_kept_is_said_too() -> None:
    assert kept_by_service(KIND, desired(), {}, prior(extras={"a": 1}), Observed("1", "a", {})) == [
        ("extras",)
    ]
