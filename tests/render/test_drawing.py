"""The graph as SVG: well-formed, harmless, in layers."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given

from reconciler.model.plan import Plan
from reconciler.render.drawing import render_svg
from tests.render.plans import HOSTILE, SECRET, plans, random_plan

EDGES = {
    "image.api": [],
    "worker.edge": ["image.api"],
    'application.w["eu"]': ["image.api", "worker.edge"],
    "image.idle": [],
}
ACTIONS = {
    "image.api": "create",
    "worker.edge": "update",
    'application.w["eu"]': "replace",
    "image.idle": "no_op",
}
SVG = "{http://www.w3.org/2000/svg}"


def drawn(edges: object, actions: object = None) -> ElementTree.Element:
    return ElementTree.fromstring(render_svg(edges, actions))  # type: ignore[arg-type]


def boxes(picture: ElementTree.Element) -> dict[str, tuple[float, float]]:
    """Where the box of each label stands."""
    found = {}
    for group in picture.iter(f"{SVG}g"):
        rect, text = group.find(f"{SVG}rect"), group.find(f"{SVG}text")
        assert rect is not None
        assert text is not None
        found[str(text.text)] = (float(rect.attrib["x"]), float(rect.attrib["y"]))
    return found


def test_each_stands_to_the_right_of_what_it_waits_for() -> None:
    place = boxes(drawn(EDGES))
    left, middle, right = (place[name][0] for name in ("image.api", "worker.edge", 'application.w["eu"]'))
    assert left < middle < right
    assert place["image.idle"][0] == left


def test_what_changes_says_so_in_a_word_and_a_sign() -> None:
    picture = drawn(EDGES, ACTIONS)
    assert {"+ image.api: create", "~ worker.edge: update", "image.idle"} < boxes(picture).keys()
    assert [group.attrib["class"] for group in picture.iter(f"{SVG}g")].count("still") == 1
    title = picture.find(f"{SVG}title")
    assert title is not None
    assert title.text == "4 resources, 3 of them change; each stands to the right of what it waits for"


def test_every_edge_is_drawn_once_and_only_between_what_is_there() -> None:
    edges = {**EDGES, "job.a": ["application.gone"]}
    assert sum(path.attrib["class"] == "edge" for path in drawn(edges).iter(f"{SVG}path")) == 3


def test_no_two_boxes_stand_in_one_place_and_all_lie_inside() -> None:
    of = random_plan(1, 300, hostile=False)
    picture = drawn(
        {one.address: one.requires for one in of.changes}, {one.address: one.action for one in of.changes}
    )
    places = boxes(picture).values()
    assert len(places) == len(set(places)) == 300
    _, _, width, height = map(float, picture.attrib["viewBox"].split())
    assert all(0 <= x < width and 0 <= y < height for x, y in places)


def test_a_loop_is_drawn_too_and_nothing_is_a_picture() -> None:
    assert len(boxes(drawn({"a.a": ["a.b"], "a.b": ["a.a"], "a.c": []}))) == 3
    assert boxes(drawn({})) == {}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_stays_a_name(text: str) -> None:
    picture = drawn({text: [], "other": [text]})
    tags = {one.tag.removeprefix(SVG) for one in picture.iter()}
    assert tags <= {"svg", "title", "style", "path", "g", "rect", "text"}
    assert all(
        set(one.attrib)
        <= {"class", "d", "x", "y", "width", "height", "rx", "id"}
        | {"viewBox", "role", "aria-labelledby", "{http://www.w3.org/XML/1998/namespace}space"}
        for one in picture.iter()
    )


@given(plans(40))
def test_any_plan_is_drawn_the_same_every_time(of: Plan) -> None:
    edges = {one.address: one.requires for one in of.changes}
    actions = {one.address: one.action for one in of.changes}
    text = render_svg(edges, actions)
    assert text == render_svg(dict(edges), dict(actions))
    assert SECRET not in text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)
    assert len(boxes(ElementTree.fromstring(text))) == len({*edges})


def test_ten_thousand_are_drawn() -> None:
    of = random_plan(1, 10_000, hostile=False)
    assert len(boxes(drawn({one.address: one.requires for one in of.changes}))) == 10_000
