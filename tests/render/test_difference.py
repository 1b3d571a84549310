from __future__ import annotations

from typing import Any

import pytest

from reconciler.model.plan import PlannedAttribute
from reconciler.render.difference import Row, attribute_rows
from reconciler.render.values import Wording
from tests.render.plans import SECRET, attribute

SHORT = Wording(longest=60)


def rows(one: PlannedAttribute, wording: Wording = SHORT) -> list[Row]:
    return list(attribute_rows(one, wording, {"image.api": 2}))


def told(path: str, before: Any, after: Any) -> list[tuple[str, str, str, str]]:
    return [(row.sign, row.path, row.before, row.after) for row in rows(attribute(path, before, after))]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (1, 2, [(" ", "a", "1", "2")]),
        (None, 2, [("+", "a", "", "2")]),
        (1, None, [("-", "a", "1", "")]),
        ({"x": 1, "y": 1}, {"x": 1, "y": 2}, [(" ", "a.y", "1", "2")]),
        ({"x.y": 1}, {}, [("-", 'a["x.y"]', "1", "")]),
        (["a", "b"], ["b"], [(" ", "a", '["a", "b"]', '["b"]')]),
        ({"x": 1}, "text", [(" ", "a", '{"x": 1}', "text")]),
        ({"x": 1}, {"x": True}, [(" ", "a.x", "1", "true")]),
    ],
)
def test_the_smallest_difference_is_told(before: Any, after: Any, expected: list[Any]) -> None:
    assert told("a", before, after) == expected


def test_objects_in_lists_are_matched_by_their_key() -> None:
    before = [{"name": "http", "port": 80}, {"name": "admin", "port": 1}]
    after = [{"name": "metrics", "port": 9}, {"name": "http", "port": 8080}]
    assert told("ports", before, after) == [
        ("-", "ports.admin", '{"name": "admin", "port": 1}', ""),
        (" ", "ports.http.port", "80", "8080"),
        ("+", "ports.metrics", "", '{"name": "metrics", "port": 9}'),
    ]


def test_of_a_long_list_only_the_members_that_differ() -> None:
    before, after = [f"member-{n}" for n in range(30)], [f"member-{n}" for n in range(1, 31)]
    [row] = rows(attribute("a", before, after))
    assert (row.before, row.after, row.lines) == (
        "(30 members)",
        "(30 members)",
        ("- member-0", "+ member-30"),
    )
    [row] = rows(attribute("a", before, before[::-1]))
    assert row.after == "(the same in another order)"


def test_a_long_text_is_told_by_words_with_what_stands_around() -> None:
    text = f"{'start ' * 30}--timeout {{}} {'end ' * 30}"
    [row] = rows(attribute("command", text.format(30), text.format(60)))
    assert "--timeout 30 end" in row.before
    assert "--timeout 60 end" in row.after
    assert max(len(row.before), len(row.after)) < 70
    assert row.before.startswith('"…')
    assert row.before.endswith('…"')


def test_two_long_words_that_differ_at_the_end_differ_on_paper() -> None:
    [row] = rows(attribute("a", "x" * 500, "x" * 500 + "y"))
    assert row.before != row.after


def test_a_text_of_lines_is_told_by_lines() -> None:
    before = "\n".join(f"line {n}" for n in range(40))
    [row] = rows(attribute("script", before, before.replace("line 20", "other")))
    assert (row.before, row.after) == ("(40 lines)", "(40 lines)")
    assert row.lines == ("@ line 20", "  line 19", "- line 20", "+ other", "  line 21")


def test_two_texts_of_very_many_lines_are_counted() -> None:
    [row] = rows(attribute("script", "a\n" * 5000, "b\n" * 6000))
    assert row.lines == ("@ line 1: 5,000 lines become 6,000",)


@pytest.mark.parametrize(
    ("how", "sides"),
    [
        ("added", ("+", "", "(sensitive)")),
        ("removed", ("-", "(sensitive)", "")),
        ("changed", (" ", "", "(sensitive, changed)")),
    ],
)
def test_of_a_secret_only_that_it_changed(how: str, sides: tuple[str, str, str]) -> None:
    [row] = rows(PlannedAttribute("secrets.TOKEN", SECRET, SECRET, sensitive=True, how=how))
    assert (row.sign, row.before, row.after) == sides


def test_the_unknown_names_the_step_that_makes_it_known() -> None:
    [row] = rows(attribute("image", "old", unknown=True, known_after="image.api"))
    assert (row.before, row.after) == ("old", "(known after image.api, wave 2)")
    [row] = rows(attribute("image", unknown=True, expression="${job.x.id}"))
    assert row.after == "(known after apply: ${job.x.id})"


def test_the_cause_of_a_replacement_stands_at_its_attribute() -> None:
    [row] = rows(attribute("class_name", "A", "B", forces_replacement=True))
    assert row.notes == ("forces replacement",)
    [row] = rows(attribute("class_name", "A", "B", forces_replacement=None))
    assert row.notes == ("may force replacement",)


def test_a_ratio_is_for_quantities() -> None:
    assert rows(attribute("max_instances", 10, 40))[0].notes == ("(x4)",)
    assert rows(attribute("ports.http.port", 80, 8080))[0].notes == ()
