from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import pytest

from reconciler.cli import watching
from reconciler.cli.options import Common
from reconciler.cli.watching import Screen, show
from reconciler.errors import ReconcilerError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@contextmanager
def on_a_terminal() -> Iterator[Terminal]:
    """A terminal of six lines; pytest would take it away again if a fixture set it up."""
    stream = Terminal()
    with mock.patch("sys.stdout", stream), mock.patch.dict("os.environ", {"COLUMNS": "80", "LINES": "6"}):
        yield stream


def stopping_after(monkeypatch: pytest.MonkeyPatch, looks: int) -> list[float]:
    """Presses Ctrl-C in the pause after so many looks."""
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == looks:
            raise KeyboardInterrupt

    monkeypatch.setattr(watching, "pause", pause)
    return pauses


def test_without_watching_it_looks_once(capsys: pytest.CaptureFixture[str]) -> None:
    show(Common(), lambda: 7, lambda found: f"{found}\n")
    show(Common(json=True), lambda: {"a": [1]}, str)
    assert capsys.readouterr().out == '7\n{\n  "a": [\n    1\n  ]\n}\n'


def test_watching_and_json_exclude_each_other() -> None:
    with pytest.raises(ReconcilerError, match="choose one"):
        show(Common(json=True), lambda: 7, str, watch=True)


def test_elsewhere_only_what_has_changed_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pauses = stopping_after(monkeypatch, 4)
    texts = iter(["a\n", "a\n", "b\n", "b\n"])
    show(Common(), lambda: next(texts), str, watch=True)
    assert capsys.readouterr().out == "a\n\nb\n"
    assert pauses == [watching.PAUSE] * 4


def test_a_terminal_is_written_over(monkeypatch: pytest.MonkeyPatch) -> None:
    stopping_after(monkeypatch, 2)
    texts = iter(["a\nb\n", "c\n"])
    with on_a_terminal() as terminal:
        show(Common(), lambda: next(texts), str, watch=True)
    assert terminal.getvalue() == "a\nb\n\x1b[2A\x1b[Jc\n"


def test_it_ends_when_nothing_moves_any_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stopping_after(monkeypatch, 9)
    numbers = iter([1, 2, 3, 4])
    show(Common(), lambda: next(numbers), lambda one: f"{one}\n", watch=True, is_over=lambda one: one == 3)
    assert capsys.readouterr().out == "1\n\n2\n\n3\n"


def test_what_has_no_room_on_a_terminal_is_counted() -> None:
    screen = Screen(in_place=True)
    with on_a_terminal() as terminal:
        screen.show("".join(f"{number}\n" for number in range(9)))
        screen.show("x\n")
    assert terminal.getvalue() == "0\n1\n2\n3\n… 5 more lines\n\x1b[5A\x1b[Jx\n"
