"""What `@frozen` promises: values as the standard library's frozen dataclasses are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields, replace

import pytest

from reconciler.frozen import frozen


@frozen
class Place:
    name: str
    floor: int = 0
    doors: tuple[str, ...] = ()
    note: str = field(default="", compare=False, repr=False)


@frozen
class House:
    name: str
    floor: int = 0
    doors: tuple[str, ...] = ()
    rooms: Mapping[str, Place] = field(default_factory=dict)


@frozen
class Hidden:
    text: str

    def __repr__(self) -> str:
        return "(hidden)"


def test_values_are_equal_by_their_fields() -> None:
    assert Place("attic", 3) == Place("attic", floor=3)
    assert Place("attic", 3) != Place("attic", 2)
    assert Place("attic", 3) == Place("attic", 3, note="dusty")


def test_values_of_different_classes_are_never_equal() -> None:
    attic: object = Place("attic")
    assert attic != House("attic")
    assert attic != ("attic", 0, ())


def test_equal_values_are_one_key() -> None:
    assert {Place("attic"): 1}[Place("attic", note="dusty")] == 1
    assert len({Hidden("a"), Hidden("a"), Hidden("b")}) == 2


def test_what_holds_a_dict_has_no_hash() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(House("manor"))


def test_values_print_their_fields() -> None:
    assert repr(Place("attic", 3, note="dusty")) == "Place(name='attic', floor=3, doors=())"


def test_a_class_may_print_itself_in_its_own_way() -> None:
    assert repr(Hidden("a")) == "(hidden)"


def test_values_are_dataclasses_with_slots() -> None:
    attic = Place("attic")
    assert [one.name for one in fields(attic)] == ["name", "floor", "doors", "note"]
    assert replace(attic, floor=3) == Place("attic", 3)
    assert not hasattr(attic, "__dict__")


def test_every_value_has_a_mutable_default_of_its_own() -> None:
    assert House("manor").rooms is not House("lodge").rooms
