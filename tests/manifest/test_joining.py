"""Slots and lends: how kinds meet without knowing each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import ManifestError
from reconciler.manifest import read_manifest
from reconciler.model.address import ResourceAddress
from reconciler.model.handler import BindContext, Bound, Handler
from reconciler.model.kind import Lend, LenderOf
from reconciler.model.value import Attributes, Ref, TextOf
from tests.manifest.toys import PLAY, STAGE, Toy, attributes, handlers, read, told, write

EDGE = ResourceAddress("stage", "edge")


def test_a_lend_fills_the_slot_and_is_answered(tmp_path: Path) -> None:
    text = 'stages: {edge: {bindings: {A: "${plays.a}"}}}\nplays: {a: {role: Hero}}\n'
    manifest = read(tmp_path, text)
    assert attributes(manifest, "play.a")["hall"] == Ref(EDGE, ("halls", "Hero"))
    assert attributes(manifest, "stage.edge")["players"] == {
        "Hero": {"name": TextOf(ResourceAddress("play", "a"), ("name",)), "role": "Hero"}
    }


def test_order_in_the_file_does_not_matter(tmp_path: Path) -> None:
    text = 'plays: {a: {role: "${var.r}"}}\nstages: {edge: {bindings: {A: "${plays.a}"}}}\nvariables: {r: {default: Hero}}\n'
    assert attributes(read(tmp_path, text), "play.a")["hall"] == Ref(EDGE, ("halls", "Hero"))


def test_the_instances_of_a_for_each_are_lent_to_one_by_one(tmp_path: Path) -> None:
    text = """
    stages: {edge: {bindings: {A: '${plays.w["eu"]}', B: '${plays.w["us"]}'}}}
    plays: {w: {for_each: [eu, us], role: "Hero-${each.key}"}}
    """
    manifest = read(tmp_path, text)
    assert attributes(manifest, 'play.w["us"]')["hall"] == Ref(EDGE, ("halls", "Hero-us"))
    assert attributes(manifest, "stage.edge")["players"].keys() == {"Hero-eu", "Hero-us"}


TWO = 'stages: {a: {bindings: {P: "${plays.p}"}}, b: {bindings: {P: "${plays.p}"}}}\n'


def test_two_lenders_without_a_choice_are_refused(tmp_path: Path) -> None:
    assert told(tmp_path, f"{TWO}plays: {{p: {{role: Hero}}}}\n") == [
        "containers.yaml:5:9  play.p: stage.a and stage.b all give it a hall; say which with `stage`"
    ]


@pytest.mark.parametrize("choice", ['"${stages.b}"', "b", "stage.b", '"${stages.b.name}"'])
def test_a_choice_decides_between_lenders(tmp_path: Path, choice: str) -> None:
    manifest = read(tmp_path, f"{TWO}plays: {{p: {{role: Hero, stage: {choice}}}}}\n")
    assert attributes(manifest, "play.p")["hall"].address == ResourceAddress("stage", "b")
    assert "players" not in attributes(manifest, "stage.a")


def test_a_slot_that_is_needed_and_stays_empty_is_refused(tmp_path: Path) -> None:
    assert told(tmp_path, "plays: {p: {role: Hero}}\n") == [
        "containers.yaml:4:13  play.p: role is set, but nothing gives it a hall; say whose with `stage`"
    ]


def test_a_choice_that_lends_nothing_leaves_the_slot_empty(tmp_path: Path) -> None:
    text = 'stages: {a: {bindings: {P: "${plays.p}"}}, c: {}}\nplays: {p: {role: Hero, stage: c}}\n'
    assert "nothing gives it a hall" in told(tmp_path, text)[0]


def test_two_lends_of_one_member_are_refused(tmp_path: Path) -> None:
    text = """
    stages: {edge: {bindings: {A: "${plays.a}", B: "${plays.b}"}}}
    plays: {a: {role: Hero}, b: {role: Hero}}
    """
    (found,) = told(tmp_path, text)
    assert "play.a and play.b both are players.Hero of stage.edge; only one of them can be" in found


class Lender(Toy):
    """Lends to whom it is told to."""

    def __init__(self, *lends: Lend) -> None:
        super().__init__(STAGE)
        self.lends = lends

    def bind(self, block: Attributes, context: BindContext) -> Bound:
        return Bound(dict(block), self.lends if context.address.key == "edge" else ())


def with_lender(*lends: Lend) -> dict[str, Handler]:
    return {**handlers(), "stage": Lender(*lends)}


def test_a_lend_to_nobody_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    path = write(tmp_path, "stages: {edge: {}}\nplays: {hamlet: {}}\n")
    lend = Lend(ResourceAddress("play", "hamlt"), "hall", 1)
    with pytest.raises(ManifestError, match=r"there is no play.hamlt; did you mean hamlet\?"):
        read_manifest(path, with_lender(lend))


@pytest.mark.parametrize(
    "lend", [Lend(LenderOf("hall"), "players", 1), Lend(ResourceAddress("stage", "other"), "nothing", 1)]
)
def test_a_lend_that_finds_no_place_changes_nothing(tmp_path: Path, lend: Lend) -> None:
    path = write(tmp_path, "stages: {edge: {}, other: {}}\n")
    manifest = read_manifest(path, with_lender(lend))
    assert all(not one.attributes for one in manifest.resources.values())


class Owner(Toy):
    """Fills its own slot, from a choice."""

    def __init__(self) -> None:
        super().__init__(PLAY)

    def bind(self, block: Attributes, context: BindContext) -> Bound:
        own: dict[str, Any] = {"hall": Ref(EDGE, ("halls", "mine"))} if "stage" in block else {}
        return Bound({**block, **own})


def test_a_slot_that_its_own_kind_fills_is_not_empty(tmp_path: Path) -> None:
    path = write(tmp_path, "stages: {edge: {}}\nplays: {p: {role: Hero, stage: edge}}\n")
    manifest = read_manifest(path, {**handlers(), "play": Owner()})
    assert attributes(manifest, "play.p")["hall"] == Ref(EDGE, ("halls", "mine"))


def test_an_unknown_choice_is_no_error_while_validating(tmp_path: Path) -> None:
    assert told(tmp_path, f'{TWO}plays: {{p: {{role: Hero, stage: "${{env.S}}"}}}}\n', offline=True) == []
