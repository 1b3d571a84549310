from __future__ import annotations

import pytest

from reconciler.render.happenings import Happening, happenings_in, happenings_text, last_told


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (Happening("t", "Info", "VMStarted", "VMStarted"), "VMStarted"),
        (Happening("t", "Info", "VMStarted", ""), "VMStarted"),
        (Happening("t", "Info", "CheckUpdate", "http is up"), "CheckUpdate: http is up"),
        (
            Happening("t", "UserError", "ImagePullError", "no such tag"),
            "UserError: ImagePullError: no such tag",
        ),
        (Happening("", "", "", "odd"), "odd"),
    ],
)
def test_trouble_is_named(event: Happening, told: str) -> None:
    assert event.told == told


def test_events_are_read_as_far_as_they_are_there() -> None:
    events = happenings_in({"events": [{"name": "VMStarted", "time": "t"}, "odd", {"message": None}]})
    assert events == (Happening("t", "", "VMStarted", ""), Happening("", "", "", ""))
    assert happenings_in({}) == happenings_in({"events": None}) == ()


def test_the_last_one_is_told() -> None:
    assert last_told([Happening("t", "Info", "A", ""), Happening("t", "Info", "B", "")]) == "B"
    assert last_told([]) == ""


def test_long_messages_are_wrapped_and_harmless() -> None:
    text = happenings_text([Happening("10:00", "Info", "A", "\x1b[31m" + " word" * 12)], 40)
    lines = text.splitlines()
    assert lines[0] == "10:00  A: \\x1b[31m word word word word"
    assert lines[1].startswith("       word")
    assert all(len(line) <= 40 for line in lines)
    assert happenings_text([]) == ""
