"""A kind is one file and its line in the register: tests/kinds/lamp.py goes through the whole command line untouched."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import workplace
from reconciler.kinds import SECTIONS, Clients, build_handlers
from tests.harness import Project, project
from tests.kinds import lamp
from tests.kinds.lamp import LampHandler, Room
from tests.test_architecture import arrows_that_do_not_point_down

HOME = """\
version: 1
project: home
secrets:
  alarm: {from: {env: ALARM}, targets: [account]}
lamps:
  hall: {watts: 40, socket: E27}
  desk: {watts: 5, socket: E14, depends_on: [secret.alarm, lamp.hall]}
outputs:
  hall: ${lamps.hall.id}
"""


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def home(tmp_path: Path, room: Room, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project in which the register has one line more."""

    def with_lamps(clients: Clients) -> object:
        return {**build_handlers(clients), "lamp": LampHandler(room)}

    monkeypatch.setattr(workplace, "build_handlers", with_lamps)
    monkeypatch.setitem(SECTIONS, "lamps", "lamp")
    with project(tmp_path) as made:
        made.environ["ALARM"] = "beep"
        made.write(HOME)
        yield made


def change(home: Project, text: str) -> dict[str, tuple[str, str]]:
    """What a plan of a manifest says; then it is applied, and nothing is left to do."""
    home.write(text)
    planned = home.plan()
    home.apply(*flags(planned))
    assert home.plan()["changes"] == []
    return {one["address"]: (one["action"], one["effect"]) for one in planned["changes"]}


def flags(planned: Any) -> list[str]:
    return [word for one in planned["allow_needed"] for word in one.split()]


def test_a_kind_lives_through_the_command_line(home: Project, room: Room) -> None:
    assert set(change(home, HOME)) == {"secret.alarm", "lamp.hall", "lamp.desk"}
    assert [lamp["name"] for lamp in room.lamps.values()] == ["home-hall", "home-desk"]
    assert json.loads(home.run("output", "--json").out)["hall"] == "lamp-1"

    amber = HOME.replace("watts: 40", "colour: amber, watts: 40")
    assert change(home, amber) == {"lamp.hall": ("update", "hot")}
    assert change(home, HOME) == {"lamp.hall": ("update", "hot")}
    assert change(home, HOME.replace("40", "60")) == {"lamp.hall": ("update", "rollout")}

    moved = HOME.replace("E27", "B22")
    assert change(home, moved)["lamp.hall"] == ("replace", "downtime")

    home.run("destroy", "--yes", *flags(home.plan("--destroy")))
    assert room.lamps == {}


def test_a_lamp_that_leaves_the_manifest_is_taken_down(home: Project, room: Room) -> None:
    change(home, HOME)
    alone = HOME.replace("  desk: {watts: 5, socket: E14, depends_on: [secret.alarm, lamp.hall]}\n", "")
    assert change(home, alone)["lamp.desk"][0] == "delete"
    assert [lamp["name"] for lamp in room.lamps.values()] == ["home-hall"]


def test_what_somebody_did_to_a_lamp_is_drift(home: Project, room: Room) -> None:
    change(home, HOME)
    room.lamps["lamp-1"]["watts"] = 100
    [drift] = home.plan()["drift"]
    assert drift["address"] == "lamp.hall"


def test_a_kind_has_schema_findings_and_addresses_of_its_own(home: Project) -> None:
    schema = json.loads(home.run("schema", "manifest").out)
    assert schema["$defs"]["lamp"]["properties"]["watts"]["description"] == "Its strength."

    home.write(HOME.replace("watts: 40", "wats: 40").replace("watts: 5", "watts: 5000000"))
    ended = home.run("validate")
    assert 'there is no key "wats"' in ended.err
    assert "lamp.desk: no socket takes that" in ended.err

    change(home, HOME)
    assert json.loads(home.run("state", "show", "lamp.hall", "--json").out)["identity"] == "lamp-1"


def test_a_kind_knows_the_ground_floor_and_nothing_else() -> None:
    assert (
        list(arrows_that_do_not_point_down(Path("model"), ast.parse(Path(lamp.__file__).read_text()))) == []
    )


def test_the_register_is_of_one_mind_about_sections() -> None:
    kinds = [handler.kind for handler in build_handlers(Clients()).values()]
    assert {kind.section: kind.name for kind in kinds} == SECTIONS
    assert [kind.section for kind in kinds] == [*SECTIONS]
